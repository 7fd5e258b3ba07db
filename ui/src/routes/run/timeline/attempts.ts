import type { Schemas } from "~/api/client"
import type { Bar } from "./bars"

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
