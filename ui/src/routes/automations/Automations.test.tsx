import { show } from "~/testing/served"
import { screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import { Page } from "./Automation"

const OF = {
  id: "00000000-0000-7000-8000-000000000001",
  name: "orders",
  definition: {
    trigger: { type: "event", expect: ["flow-run.failed"], match: {}, threshold: 1, within: 0, for_each: [] },
    actions: [{ do: "run-deployment", deployment: "etl/nightly", parameters: {}, tags: [] }],
    description: "",
    debounce: 0,
    rate_limit: null,
  },
  paused: null,
  since: "2026-05-01T06:00:00Z",
  due: null,
  created: "2026-05-01T06:00:00Z",
  updated: "2026-05-01T06:00:00Z",
  last: null,
}

async function open(warnings: string[]) {
  await show(Page, {
    at: "/automations/orders",
    pattern: "/automations/$name",
    api: ({ path }) => (path.endsWith("/log") ? { body: { items: [], next: null } } : { body: { ...OF, warnings } }),
  })
  await screen.findByRole("heading", { level: 1, name: "orders" })
}

describe("an automation", () => {
  it("says what it names that is not there", async () => {
    await open(["There is no deployment 'etl/nightly' by now."])
    expect(screen.getByRole("list", { name: "Warnings" }).textContent).toContain("etl/nightly")
  })

  it("whose names are all there warns of nothing", async () => {
    await open([])
    expect(screen.queryByRole("list", { name: "Warnings" })).toBeNull()
  })
})
