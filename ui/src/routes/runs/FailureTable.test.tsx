import { asked, show } from "~/testing/served"
import { screen } from "@testing-library/react"
import { beforeEach, describe, expect, it, vi } from "vitest"
import type { Schemas } from "~/api/client"
import { Page } from "./Failures"

type Group = Schemas["FailureGroupModel"]

const GROUP = {
  state_type: "FAILED",
  type: "shop.errors.OrderUnknown",
  message: "order … is unknown",
  runs: 1_400,
  flows: [
    { flow: "billing", runs: 1_399 },
    { flow: "shipping", runs: 1 },
  ],
  newest: { id: "00000000-0000-7000-8000-000000000001", name: "brisk-owl" },
  first: "2026-05-01T06:00:00Z",
  last: "2026-05-02T06:00:00Z",
  search: "OrderUnknown: order",
} as Group

function open(groups: Group[], at = "/failures", isComplete = true) {
  return show(Page, {
    at,
    api: ({ path }) =>
      path === "/api/flow-runs/failures"
        ? { body: { groups, runs: 1_400, is_complete: isComplete } }
        : { body: { items: [], next: null } },
  })
}

// jsdom lays nothing out, and only rows in sight are in the page.
beforeEach(() => {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600)
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1_200)
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  )
})

describe("failures", () => {
  it("lead to their runs, with the filters of the page", async () => {
    await open([GROUP], "/failures?created=7d")
    const link = await screen.findByRole("link", { name: "OrderUnknown" })
    const { pathname, searchParams } = new URL((link as HTMLAnchorElement).href)
    expect(pathname).toBe("/flow-runs")
    expect(Object.fromEntries(searchParams)).toEqual({ state: "FAILED", q: "OrderUnknown: order", created: "7d" })
    screen.getByText("1,400")
    screen.getByText("and 1 more")
  })

  it("are asked for of a flow and a time", async () => {
    await open([GROUP], "/failures?flow=billing&created=24h")
    await screen.findByText("order … is unknown")
    const query = asked.find(({ path }) => path === "/api/flow-runs/failures")?.query
    expect(query?.get("flow")).toBe("billing")
    expect(query?.get("created_after")).toMatch(/^\d{4}-/)
  })

  it("without an exception and a message say so, and lead to their run", async () => {
    await open([{ ...GROUP, type: null, message: null, search: null, runs: 1 }])
    const link = await screen.findByRole("link", { name: "Failed" })
    expect(link.getAttribute("href")).toBe(`/flow-runs/${GROUP.newest.id}`)
    screen.getByText("No message was recorded")
  })

  it("of which not all were looked at say so", async () => {
    await open([GROUP], "/failures", false)
    await screen.findByText("Only the newest 1,400 failed runs were looked at.")
  })

  it("are not there where no run has failed", async () => {
    await open([])
    await screen.findByText("No run has failed")
  })
})
