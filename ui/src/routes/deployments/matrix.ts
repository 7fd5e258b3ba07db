import type { ScheduledRun } from "./queries"

/** Runs of a deployment as a matrix: ticks from left to right, what they are of from top to bottom. */
export interface Matrix {
  /** When each column's runs were due, ISO 8601, oldest first. */
  times: string[]
  rows: { label: string; cells: (ScheduledRun | undefined)[] }[]
}

export const BY_HAND = "By hand"

/**
 * A row for each schedule and one for what was started by hand; where a tick has a run for each partition of a list, a
 * row for each partition. `runs` are newest first; of the columns, the newest `most` are kept.
 */
export function matrixOf(runs: readonly ScheduledRun[], most: number): Matrix {
  const label = hasRunsForEachPartition(runs)
    ? (run: ScheduledRun) => run.partition ?? run.schedule ?? BY_HAND
    : (run: ScheduledRun) => run.schedule ?? BY_HAND
  const columns = new Map<string, { time: string; cells: Map<string, ScheduledRun> }>()
  for (const run of runs) {
    const time = run.tick ?? run.due
    const key = run.tick === null ? `${time} ${run.run.id}` : time // two by hand at one moment are two columns
    const known = columns.get(key)
    if (known === undefined && columns.size === most) break
    const column = known ?? { time, cells: new Map<string, ScheduledRun>() }
    if (!column.cells.has(label(run))) column.cells.set(label(run), run)
    columns.set(key, column)
  }
  const sorted = [...columns.values()].sort((one, other) => Date.parse(one.time) - Date.parse(other.time))
  const labels = new Set(sorted.flatMap(column => [...column.cells.keys()]))
  const rows = [...labels]
    .sort(byLabel)
    .map(each => ({ label: each, cells: sorted.map(({ cells }) => cells.get(each)) }))
  return { times: sorted.map(({ time }) => time), rows }
}

function hasRunsForEachPartition(runs: readonly ScheduledRun[]): boolean {
  const seen = new Map<string, string | null>()
  return runs.some(({ tick, schedule, partition }) => {
    if (tick === null) return false
    const key = `${tick} ${schedule ?? ""}`
    const before = seen.get(key)
    seen.set(key, partition)
    return before !== undefined && before !== partition
  })
}

function byLabel(one: string, other: string): number {
  if (one === BY_HAND || other === BY_HAND) return Number(one === BY_HAND) - Number(other === BY_HAND)
  return one.localeCompare(other)
}

const APART = 5 // columns that a label takes
const DAY = 86_400_000

/** Labels under some columns: days, or clock times within one or two days; none that says what the last one said. */
export function axisOf(times: readonly string[]): { at: number; label: string }[] {
  const first = Date.parse(times[0] ?? "")
  const isLong = Date.parse(times.at(-1) ?? "") - first > 2 * DAY
  const found: { at: number; label: string }[] = []
  times.forEach((time, at) => {
    const last = found.at(-1)
    const label = isLong ? dayLabel(time) : clockLabel(time)
    if (last !== undefined && (at - last.at < APART || last.label === label)) return
    if (at > 0 && at > times.length - 3) return // it would stand out at the right
    found.push({ at, label })
  })
  return found
}

function dayLabel(time: string): string {
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short" })
}

function clockLabel(time: string): string {
  const shown = { weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false } as const
  return new Date(time).toLocaleString(undefined, shown)
}

/** How long after it was due a run began, in ms; null while it has not. */
export function lateness({ due, run }: ScheduledRun): number | null {
  return run.started === null ? null : Math.max(0, Date.parse(run.started) - Date.parse(due))
}

/** The run beside one, in the direction of a key. */
export function neighbour({ rows }: Matrix, id: string, key: string): string | undefined {
  const row = rows.findIndex(({ cells }) => cells.some(each => each?.run.id === id))
  const column = rows[row]?.cells.findIndex(each => each?.run.id === id) ?? -1
  if (column < 0) return undefined
  const ids = (cells: readonly (ScheduledRun | undefined)[]) => cells.flatMap(each => each?.run.id ?? [])
  const before = rows[row]?.cells.slice(0, column) ?? []
  const after = rows[row]?.cells.slice(column + 1) ?? []
  const inColumn = (some: readonly Matrix["rows"][number][]) => ids(some.map(({ cells }) => cells[column]))
  switch (key) {
    case "ArrowLeft":
      return ids(before).at(-1)
    case "ArrowRight":
      return ids(after)[0]
    case "ArrowUp":
      return inColumn(rows.slice(0, row)).at(-1)
    case "ArrowDown":
      return inColumn(rows.slice(row + 1))[0]
    case "Home":
      return ids(before)[0]
    case "End":
      return ids(after).at(-1)
    default:
      return undefined
  }
}
