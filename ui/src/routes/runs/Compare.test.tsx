import { show } from "~/testing/served"
import { fireEvent, screen, within } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Page } from "./Compare"

const ID = "00000000-0000-7000-8000-000000000001"
const OTHER = "00000000-0000-7000-8000-000000000002"

function run(id: string, name: string): Schemas["FlowRunModel"] {
  return {
    id,
    name,
    flow_name: "measured",
    created: "2026-05-01T06:00:00Z",
    started: "2026-05-01T06:00:00Z",
    ended: "2026-05-01T06:00:02Z",
    state: { type: "COMPLETED", name: "Completed", message: null, time: "2026-05-01T06:00:02Z" },
  } as Schemas["FlowRunModel"]
}

const CALLS = { count: 2, seconds: 1, taken: 0, states: { COMPLETED: 2 } }
const COUNTS = { equal: 1, different: 1, unknown: 0 }
const COMPARISON: Schemas["RunComparisonModel"] = {
  before: run(ID, "brisk-owl"),
  after: run(OTHER, "calm-fox"),
  is_rerun: true,
  parameters: [
    { name: "day", before: "monday", after: "monday", is_in: "both", differs: false },
    { name: "rate", before: 0.5, after: 2, is_in: "both", differs: true },
    { name: "password", before: "**********", after: "**********", is_in: "both", differs: null },
    { name: "extra", before: null, after: 7, is_in: "after", differs: true },
  ],
  calls: [
    { of: "measured", of_task: false, before: CALLS, after: CALLS, ...COUNTS, equal: 0 },
    { of: "train", of_task: true, before: CALLS, after: { ...CALLS, seconds: 1.5, taken: 1 }, ...COUNTS },
    { of: "report", of_task: true, before: null, after: CALLS, equal: 0, different: 0, unknown: 0 },
  ],
  results: [
    {
      of: "train",
      of_task: true,
      name: "train-0",
      before_id: ID,
      after_id: OTHER,
      is_same: false,
      note: null,
      changes: 3,
    },
  ],
  code: [
    { what: "version", of: "measured", before: "1", after: "2", differs: true, changes: [] },
    { what: "source", of: "train", before: null, after: null, differs: null, changes: [] },
  ],
  unknown: ["calm-fox has not ended."],
}

const row = async (table: string, name: RegExp) =>
  within(await screen.findByRole("table", { name: table })).getByRole("row", { name })

describe("two runs", () => {
  const open = () =>
    show(Page, {
      at: `/flow-runs/${ID}/compare/${OTHER}`,
      pattern: "/flow-runs/$id/compare/$other",
      api: ({ path }) => (path === `/api/flow-runs/${ID}/comparison` ? { body: COMPARISON } : undefined),
    })

  it("show what differs and what is not known, and what is equal when asked", async () => {
    await open()
    within(await row("Parameters", /rate/)).getByRole("img", { name: "differs" })
    within(await row("Parameters", /password/)).getByRole("img", { name: "not known" })
    expect(screen.queryByRole("row", { name: /day/ })).toBeNull()
    fireEvent.click(screen.getByRole("button", { name: "Show 1 equal" }))
    within(await row("Parameters", /day/)).getByRole("img", { name: "equal" })
  })

  it("say what only one of them was given, or called", async () => {
    await open()
    within(await row("Parameters", /extra/)).getByText("not given")
    within(await row("Calls", /report/)).getByText("not called")
  })

  it("say how much longer calls took, and how many were reused", async () => {
    await open()
    const train = within(await row("Calls", /train/))
    train.getByText("+50%")
    train.getByText("1 reused")
  })

  it("say of which tasks the source is not recorded", async () => {
    await open()
    await screen.findByText(/The source of train is not recorded/)
    screen.getByText("calm-fox has not ended.")
  })

  it("open a result to show how it differs", async () => {
    await open()
    fireEvent.click(await screen.findByRole("button", { name: /train-0/ }))
    await screen.findByRole("link", { name: "Both side by side" })
  })
})
