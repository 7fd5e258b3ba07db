import { asked, show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
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
  trend: [1_000, 0, 300, 100],
} as Group
const STEPS = { begin: "2026-05-01T06:00:00Z", seconds: 21_600, count: 4 }

function open(groups: Group[], at = "/failures", isComplete = true) {
  return show(Page, {
    at,
    api: ({ path }) =>
      path === "/api/flow-runs/failures"
        ? { body: { groups, runs: 1_400, is_complete: isComplete, steps: STEPS } }
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

  it("say when most of them were", async () => {
    await open([GROUP])
    const trend = await screen.findByRole("img", { name: /^Most 1 May.*: 1,000$|^Most May 1.*: 1,000$/ })
    expect(trend.querySelectorAll("g")).toHaveLength(4)
  })

  it("are sorted by what the address says, and a click on a head changes that", async () => {
    const rare = { ...GROUP, type: "shop.errors.Rare", runs: 2, trend: [0, 0, 0, 2] } as Group
    await open([GROUP, rare], "/failures?sort=-trend")
    const names = () => screen.getAllByRole("link", { name: /OrderUnknown|Rare/ }).map(link => link.textContent)
    await screen.findByText("Rare")
    expect(names()).toEqual(["Rare", "OrderUnknown"])
    fireEvent.click(screen.getByRole("button", { name: "Runs" }))
    await vi.waitFor(() => expect(names()).toEqual(["OrderUnknown", "Rare"]))
  })

  it("are not there where no run has failed", async () => {
    await open([])
    await screen.findByText("No run has failed")
  })
})
