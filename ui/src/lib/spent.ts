import type { Schemas } from "~/api/client"

/** Where the time of a run went, in ms. */
export interface Spent {
  ran: number
  /** Paused, suspended, or before another try. */
  waited: number
  /** Without a process, or in one that was lost: from its start until that was noticed, and until it was resumed. */
  lost: number
}

const RESUMING = "Resuming" // the name of the state in which another process takes a run

/** The sums of a run's states, oldest first; one that still runs does so until `now`. */
export function spentOf(states: readonly Schemas["StateModel"][], now: number): Spent {
  const spent: Spent = { ran: 0, waited: 0, lost: 0 }
  const first = states.findIndex(state => state.type === "RUNNING")
  if (first < 0) return spent
  states.slice(first).forEach((state, index, all) => {
    const next = all[index + 1]
    if (next === undefined && ENDED.has(state.type)) return
    const took = Math.max(0, (next === undefined ? now : Date.parse(next.time)) - Date.parse(state.time))
    if (state.type === "RUNNING" || state.type === "CANCELLING") {
      const isLost = next?.name === RESUMING || next?.is_stopped === true
      spent[isLost ? "lost" : "ran"] += took
    } else spent[ENDED.has(state.type) ? "lost" : "waited"] += took
  })
  return spent
}

const ENDED: ReadonlySet<Schemas["StateType"]> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const)

/** Why a run began to run more than once, in words: "continued, 2 attempts". */
export function begunAgain(states: readonly Schemas["StateModel"][]): string {
  let [continued, resumed, attempts] = [0, 0, 1]
  states.forEach((state, index) => {
    const before = states
      .slice(0, index)
      .reverse()
      .find(each => each.type !== "PENDING" && each.name !== RESUMING)
    if (state.type !== "RUNNING" || before === undefined || !states.slice(0, index).some(isRunning)) return
    if (before.type === "PAUSED") continued += 1
    else if (before.type === "CRASHED") resumed += 1
    else if (before.type !== "RUNNING") attempts += 1
    else if (states[index - 1]?.name === RESUMING) resumed += 1
  })
  return [times("continued", continued), times("resumed", resumed), attempts > 1 ? `${attempts} attempts` : ""]
    .filter(Boolean)
    .join(", ")
}

function isRunning(state: Schemas["StateModel"]): boolean {
  return state.type === "RUNNING"
}

function times(what: string, count: number): string {
  return count > 1 ? `${what} ${count} times` : count === 1 ? what : ""
}
