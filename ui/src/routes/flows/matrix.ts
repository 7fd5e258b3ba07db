import type { Schemas } from "~/api/client"
import type { StateType } from "~/components/State"

export type Column = Schemas["MatrixRun"]
type Calls = Schemas["TaskCallsModel"]

/** The calls of one task, run by run, oldest first; undefined where a run did not call it. */
export interface Row {
  key: string
  of: string
  cells: readonly (Calls | undefined)[]
  /** Of all its calls, in seconds. */
  longest: number
}

/** Rows by task: those of the newest run first, in the order in which it called them. Runs come newest first. */
export function rowsOf(runs: readonly Column[]): Row[] {
  const oldestFirst = [...runs].reverse()
  const keys = new Map(runs.flatMap(({ calls }) => calls.map(each => [keyOf(each), each.of] as const)).reverse())
  const order = [...new Set(runs.flatMap(({ calls }) => calls.map(keyOf)))]
  return order.map(key => {
    const cells = oldestFirst.map(({ calls }) => calls.find(each => keyOf(each) === key))
    const longest = Math.max(0, ...cells.map(each => each?.longest_seconds ?? 0))
    return { key, of: keys.get(key) ?? "", cells, longest }
  })
}

function keyOf({ of, of_task }: Calls): string {
  return `${of_task ? "task" : "flow"} ${of}`
}

// What is seen first of calls that are in several states.
const WORST: readonly StateType[] = [
  ...(["FAILED", "CRASHED", "CANCELLING", "RUNNING", "PAUSED", "SCHEDULED", "PENDING", "CANCELLED"] as const),
  "COMPLETED",
]

export function worstOf(counts: Readonly<Record<string, number>>): StateType {
  return WORST.find(type => (counts[type] ?? 0) > 0) ?? "PENDING"
}

/** "3 completed, 1 failed". */
export function inWords(counts: Readonly<Record<string, number>>): string {
  return WORST.filter(type => (counts[type] ?? 0) > 0)
    .reverse()
    .map(type => `${(counts[type] ?? 0).toLocaleString()} ${type.toLowerCase()}`)
    .join(", ")
}
