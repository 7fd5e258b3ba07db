import type { Schemas } from "~/api/client"
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

const SLACK = 2 // ms by which a call may begin before the one that it waited for is known to have ended

/**
 * The calls that the run waited for: the one that ended last, before it the one that ended last before that began, and
 * so on to its beginning. Each shortened would have had the run end sooner.
 */
export function criticalPath(bars: readonly Bar[]): number[] {
  const byEnd = bars.flatMap((bar, place) =>
    bar.kind === "attempt" || bar.isStopped || bar.end <= bar.start ? [] : [place],
  )
  const end = (place: number) => bars[place]?.end ?? 0
  byEnd.sort((one, other) => end(one) - end(other))
  const path: number[] = []
  for (let at = byEnd.length - 1; at >= 0;) {
    const place = byEnd[at] ?? 0
    path.push(place)
    const begun = bars[place]?.start ?? 0
    let before = at - 1
    while (before >= 0 && end(byEnd[before] ?? 0) > begun + SLACK) before -= 1
    at = before
  }
  return path.reverse()
}

/** What a resumed run did not run again: the calls that had completed before its last start, and how long they took. */
export function saved(bars: readonly Bar[], states: readonly Schemas["StateModel"][]): { calls: number; ms: number } {
  const starts = states.filter(state => state.type === "RUNNING").map(state => Date.parse(state.time))
  const last = starts.length > 1 ? (starts.at(-1) ?? 0) : -Infinity
  const before = bars.filter(bar => bar.kind !== "attempt" && bar.type === "COMPLETED" && bar.end <= last)
  return { calls: before.length, ms: before.reduce((sum, bar) => sum + bar.end - bar.start, 0) }
}

const ENDS: ReadonlySet<Schemas["StateType"]> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const)

/** The attempts of a run that began more than once, as bars, with what lay between them. */
export function attemptsOf(states: readonly Schemas["StateModel"][], now: number): Bar[] {
  const starts = states.filter(state => state.type === "RUNNING")
  if (starts.length < 2) return []
  let number = 0
  return states.flatMap((state, index): Bar[] => {
    const next = states[index + 1]
    const start = Date.parse(state.time)
    const isRunning = state.type === "RUNNING" || state.type === "CANCELLING"
    if (!isRunning && state.type !== "PAUSED") return []
    if (state.type === "RUNNING") number += 1
    const type = isRunning ? (next === undefined ? "RUNNING" : ENDS.has(next.type) ? next.type : "COMPLETED") : "PAUSED"
    return [
      {
        id: `${number} ${state.time}`,
        kind: "attempt",
        of: "This run",
        name: isRunning ? `Start ${number}` : state.name,
        type,
        stateName: isRunning ? (next?.name ?? "Running") : state.name,
        start,
        end: Math.max(start, next === undefined ? now : Date.parse(next.time)),
        isOpen: next === undefined,
        isStopped: next?.is_stopped ?? next?.name === "Resuming",
        attempts: 1,
      },
    ]
  })
}
