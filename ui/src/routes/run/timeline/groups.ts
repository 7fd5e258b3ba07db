import type { Bar } from "./bars"

/** The calls of one task or flow in a run. */
export interface Group {
  key: string
  of: string
  kind: Bar["kind"]
  /** Places of its bars, by their beginnings. */
  places: readonly number[]
  /** How many failed or crashed, and how many of those crashed. */
  failed: number
  crashed: number
  running: number
  /** ms of the longest of them. */
  longest: number
  /** ms of all of them. */
  total: number
  /** Where the first of them begins. */
  first: number
}

/** The calls of a run by what they are calls of, in the order in which those began. */
export function groupsOf(bars: readonly Bar[]): Group[] {
  const groups = new Map<string, Group & { places: number[] }>()
  bars.forEach((bar, place) => {
    const key = `${bar.kind} ${bar.of}`
    let group = groups.get(key)
    if (group === undefined) {
      group = {
        key,
        of: bar.of,
        kind: bar.kind,
        places: [],
        ...{ failed: 0, crashed: 0, running: 0, longest: 0, total: 0 },
        first: bar.start,
      }
      groups.set(key, group)
    }
    const took = bar.isStopped ? 0 : bar.end - bar.start
    group.places.push(place)
    group.failed += Number(isFailed(bar))
    group.crashed += Number(bar.type === "CRASHED")
    group.running += Number(bar.isOpen)
    group.longest = Math.max(group.longest, took)
    group.total += took
  })
  return [...groups.values()]
}

export function isFailed(bar: Bar): boolean {
  return bar.type === "FAILED" || bar.type === "CRASHED"
}
