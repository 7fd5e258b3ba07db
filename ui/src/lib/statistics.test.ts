import { expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { quantile, summary } from "./statistics"

it.each([
  [[], 0.5, null],
  [[7], 0.95, 7],
  [[3, 1, 2], 0.5, 2],
  [[4, 3, 2, 1], 0.5, 2],
  [Array.from({ length: 100 }, (_, index) => index + 1), 0.95, 95],
])("of %j, the part %d is not above %s", (values, part, expected) => expect(quantile(values, part)).toBe(expected))

it("runs that were cancelled or are running count neither as completed nor as failed", () => {
  const run = (type: string, duration_seconds: number | null) =>
    ({ state: { type }, duration_seconds, run_count: 1 }) as Schemas["FlowRunModel"]
  const runs = [run("COMPLETED", 1), run("COMPLETED", 3), run("FAILED", 9), run("CANCELLED", 1), run("RUNNING", null)]
  expect(summary(runs)).toEqual({ ended: 3, completed: 2, median: 1_000, slow: 3_000 })
})

it("what a run waited before it was continued or resumed is not how long it takes", () => {
  const runs = [1, 3, 900].map(
    duration_seconds =>
      ({
        state: { type: "COMPLETED" },
        duration_seconds,
        run_count: duration_seconds === 900 ? 2 : 1,
      }) as Schemas["FlowRunModel"],
  )
  expect(summary(runs)).toEqual({ ended: 3, completed: 3, median: 1_000, slow: 3_000 })
})
