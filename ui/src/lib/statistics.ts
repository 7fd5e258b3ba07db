import type { Schemas } from "~/api/client"

/** The value that a part (0 to 1) of all are not above; null of none. */
export function quantile(values: readonly number[], part: number): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null
}

/** What some runs add up to. Durations are in ms, and those of runs that completed and ran only once. */
export interface Summary {
  ended: number
  completed: number
  median: number | null
  slow: number | null
}

const ENDED = new Set(["COMPLETED", "FAILED", "CRASHED"])

export function summary(runs: readonly Schemas["FlowRunModel"][]): Summary {
  const ended = runs.filter(run => run.state !== null && ENDED.has(run.state.type))
  const completed = ended.filter(run => run.state?.type === "COMPLETED")
  const once = completed.filter(run => run.run_count <= 1)
  const took = once.flatMap(run => (run.duration_seconds === null ? [] : [run.duration_seconds * 1_000]))
  return { ended: ended.length, completed: completed.length, median: quantile(took, 0.5), slow: quantile(took, 0.95) }
}
