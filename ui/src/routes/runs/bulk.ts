import { client, unwrap, type Schemas } from "~/api/client"
import type { FlowRunFilter } from "~/api/queries"
import { count } from "~/lib/format"

/** The runs that something is to be done with: some, or all that a filter lets through. */
export type Chosen = { ids: string[] } | { filter: FlowRunFilter }

export interface Action {
  /** "Cancel": what it is called. */
  verb: string
  /** "cancelled": what the runs are then. */
  past: string
  /** What it will do, for those who are asked. */
  means: string
  danger?: boolean
  ask: (chosen: Schemas["Chosen"]) => Promise<Schemas["Outcomes"]>
}

export const CANCEL: Action = {
  verb: "Cancel",
  past: "cancelled",
  means:
    "Those that run get 30 seconds to tidy up, wherever they run. A cancelled run is not resumed; it can be rerun.",
  ask: chosen => unwrap(client.POST("/api/flow-runs/cancel", { body: { chosen } })),
}

export const DELETE: Action = {
  verb: "Delete",
  past: "deleted",
  means:
    "Runs that have ended are removed with all that they called, their logs and artifacts. Documents of their" +
    " results stay in their storages. This cannot be undone.",
  danger: true,
  ask: chosen => unwrap(client.POST("/api/flow-runs/delete", { body: { chosen } })),
}

export interface Tally {
  done: number
  /** Of those that could not be: how many, by why. */
  refused: Map<string, number>
}

/** Do something with all that are chosen, at most 1,000 in one request; `progress` is told how many are through. */
export async function doAll(action: Action, chosen: Chosen, progress: (through: number) => void): Promise<Tally> {
  const tally: Tally = { done: 0, refused: new Map() }
  let through = 0
  for await (const outcomes of outcomesOf(action, chosen)) {
    for (const { error } of outcomes.items) {
      if (error === null) tally.done += 1
      else tally.refused.set(reason(error), (tally.refused.get(reason(error)) ?? 0) + 1)
    }
    progress((through += outcomes.items.length))
  }
  return tally
}

const MOST = 1_000

async function* outcomesOf(action: Action, chosen: Chosen): AsyncGenerator<Schemas["Outcomes"]> {
  if ("ids" in chosen) {
    for (let at = 0; at < chosen.ids.length; at += MOST) {
      yield await action.ask({ ids: chosen.ids.slice(at, at + MOST) })
    }
    return
  }
  let cursor: string | null = null
  do {
    const filter: Schemas["FlowRunsWanted"] = { ...DEFAULTS, ...chosen.filter, limit: MOST, cursor }
    const outcomes: Schemas["Outcomes"] = await action.ask({ filter })
    yield outcomes
    cursor = outcomes.next
  } while (cursor !== null)
}

const DEFAULTS = { sort: "-created", state: [], tag: [] } satisfies Partial<Schemas["FlowRunsWanted"]>

/** Why, without the ids in it, so that many runs with one reason are one line. */
function reason(problem: Schemas["Problem"]): string {
  return problem.message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "…")
}

/** What was done, as a sentence or two. */
export function told(action: Action, tally: Tally): string {
  const refused = [...tally.refused].sort((one, other) => other[1] - one[1])
  const left = refused.reduce((sum, [, times]) => sum + times, 0)
  const said = `${count(tally.done, "run")} ${action.past}.`
  const why = refused[0]?.[0] ?? ""
  return left === 0 ? said : `${said} ${count(left, "run")} could not be: ${why}`
}
