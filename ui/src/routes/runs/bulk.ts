import { ApiError, client, unwrap, type Schemas } from "~/api/client"
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
  /** The scope that it needs. */
  scope: "write" | "admin"
  /** Of some; those that do one at a time are not for all that a filter lets through. */
  ask: (chosen: Schemas["Chosen"]) => Promise<Outcomes>
  oneByOne?: boolean
  /** What is said before of a single run. */
  plan?: "resume" | "rerun"
}

interface Outcomes {
  /** `command` does it by hand. */
  items: readonly (Schemas["Outcome"] & { command?: string })[]
  next: string | null
}

export const CANCEL: Action = {
  verb: "Cancel",
  past: "cancelled",
  means:
    "Those that run get 30 seconds to tidy up, wherever they run. A cancelled run is not resumed; it can be rerun.",
  scope: "write",
  ask: chosen => unwrap(client.POST("/api/flow-runs/cancel", { body: { chosen } })),
}

export const DELETE: Action = {
  verb: "Delete",
  past: "deleted",
  means:
    "Runs that have ended are removed with all their calls, logs and artifacts. Documents of their" +
    " results stay in their storages. This cannot be undone.",
  danger: true,
  scope: "write",
  ask: chosen => unwrap(client.POST("/api/flow-runs/delete", { body: { chosen } })),
}

export const RESUME: Action = {
  verb: "Resume",
  past: "resumed",
  means: "Runs that did not complete are resumed on the server’s machine: finished steps do not run again.",
  scope: "admin",
  oneByOne: true,
  plan: "resume",
  ask: chosen => each(chosen, path => unwrap(client.POST("/api/flow-runs/{id}/resume", { params: { path } }))),
}

export const RERUN: Action = {
  verb: "Rerun",
  past: "rerun",
  means: "Each is run again from the start, with its parameters, on the server’s machine. Cached results are used.",
  scope: "admin",
  oneByOne: true,
  plan: "rerun",
  ask: chosen => each(chosen, path => unwrap(client.POST("/api/flow-runs/{id}/rerun", { params: { path } }))),
}

/** One after the other: each is a process to start. */
async function each(chosen: Schemas["Chosen"], ask: (path: { id: string }) => Promise<unknown>): Promise<Outcomes> {
  const items: Outcomes["items"][number][] = []
  for (const id of chosen.ids ?? []) {
    try {
      await ask({ id })
      items.push({ id, error: null })
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      const command = error.details["command"]
      items.push({
        id,
        error: { kind: error.kind, message: error.message },
        ...(typeof command === "string" ? { command } : {}),
      })
    }
  }
  return { items, next: null }
}

export interface Tally {
  done: number
  /** Of those that could not be: how many, by why. */
  refused: Map<string, number>
  /** What does by hand what the server would not. */
  commands: string[]
}

/** Do something with all that are chosen, at most 1,000 in one request; `progress` gets the number done. */
export async function doAll(action: Action, chosen: Chosen, progress: (through: number) => void): Promise<Tally> {
  const tally: Tally = { done: 0, refused: new Map(), commands: [] }
  let through = 0
  for await (const outcomes of outcomesOf(action, chosen)) {
    for (const { error, command } of outcomes.items) {
      if (command !== undefined) tally.commands.push(command)
      if (error === null) tally.done += 1
      else tally.refused.set(reason(error), (tally.refused.get(reason(error)) ?? 0) + 1)
    }
    progress((through += outcomes.items.length))
  }
  return tally
}

const MOST = 1_000

async function* outcomesOf(action: Action, chosen: Chosen): AsyncGenerator<Outcomes> {
  if ("ids" in chosen) {
    const most = action.oneByOne ? 1 : MOST
    for (let at = 0; at < chosen.ids.length; at += most) {
      yield await action.ask({ ids: chosen.ids.slice(at, at + most) })
    }
    return
  }
  let cursor: string | null = null
  do {
    const filter: Schemas["FlowRunsWanted"] = { ...DEFAULTS, ...chosen.filter, limit: MOST, cursor }
    const outcomes: Outcomes = await action.ask({ filter })
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
export function report(action: Action, tally: Tally): string {
  const refused = [...tally.refused].sort((one, other) => other[1] - one[1])
  const left = refused.reduce((sum, [, times]) => sum + times, 0)
  const said = `${count(tally.done, "run")} ${action.past}.`
  const why = refused[0]?.[0] ?? ""
  return left === 0 ? said : `${said} ${count(left, "run")} could not be: ${why}`
}
