import { show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Matrix } from "./Matrix"

const run = (id: string, calls: Schemas["TaskCallsModel"][]) =>
  ({
    run: { id, name: `run-${id}`, created: "2026-05-01T06:00:00Z", state: { type: "COMPLETED", name: "Completed" } },
    calls,
    is_complete: true,
  }) as Schemas["MatrixRun"]
const calls = (of: string, counts: Schemas["TaskCallsModel"]["counts"], seconds = 1): Schemas["TaskCallsModel"] => ({
  ...{ of, of_task: true, counts, longest_seconds: seconds },
})

const NEWEST_FIRST = [
  run("3", [calls("load", { COMPLETED: 2 }), calls("train", { COMPLETED: 3, FAILED: 1 }, 4)]),
  run("2", [calls("load", { COMPLETED: 1 })]),
  run("1", [calls("fetch", { COMPLETED: 1 }), calls("train", { COMPLETED: 1 }, 2)]),
]
const open = (body = NEWEST_FIRST) => show(() => <Matrix flow="pipe" />, { api: () => ({ body }) })

describe("the matrix of a flow", () => {
  it("has a row for each task, with the newest run's first, and a cell for each run that called it", async () => {
    await open()
    await screen.findByRole("table")
    expect(screen.getAllByRole("rowheader").map(each => each.textContent)).toEqual(["load", "train", "fetch"])
    const cell = screen.getByRole("link", { name: "train in run-3, 3 completed, 1 failed, the longest took 4.00 s" })
    expect(cell.getAttribute("href")).toBe("/flow-runs/3?view=task-runs&q=train&state=FAILED")
    expect(screen.queryByRole("link", { name: /train in run-2/ })).toBeNull()
  })

  it("is one tab stop, in which arrows pass over what was not called", async () => {
    await open()
    const newest = await screen.findByRole("link", { name: /^run-3/ })
    expect(screen.getAllByRole("link").filter(each => each.tabIndex === 0)).toEqual([newest])
    newest.focus()
    for (const key of ["ArrowDown", "ArrowDown", "ArrowLeft"])
      fireEvent.keyDown(document.activeElement ?? newest, { key })
    expect(document.activeElement?.getAttribute("aria-label")).toMatch(/^train in run-1/)
  })

  it("says that nothing was called", async () => {
    await open([run("1", [])])
    await screen.findByText("Its runs called no task or flow")
  })
})
