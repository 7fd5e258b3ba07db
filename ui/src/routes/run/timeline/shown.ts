import type { Address } from "~/lib/address"
import { ORDERS, type Order } from "./lanes"

/** How a timeline is to be drawn, as the address says. */
export interface Shown {
  byTask: boolean
  order: Order
  hasPath: boolean
  isFolded: boolean
}

export function shownOf(address: Address): Shown {
  return {
    byTask: address.one("rows") !== "time",
    order: ORDERS.find(each => each === address.one("order")) ?? "first",
    hasPath: address.one("path") === "critical",
    isFolded: address.one("gaps") !== "shown",
  }
}
