import type { Schemas } from "~/api/client"
import type { StateType } from "~/components/State"

/** What a timeline draws. Times are ms since 1970. */
export interface Bar {
  id: string
  kind: "task" | "flow" | "attempt"
  name: string
  /** The task or the flow. */
  of: string
  type: StateType
  stateName: string
  start: number
  end: number
  isOpen: boolean
  /** Its process was lost: when it stopped running is not known, only when that was noticed. */
  isStopped: boolean
  attempts: number
}

type Columns = Schemas["Timeline"]
const PER_RUN = [
  ...(["id", "of_task", "name", "of", "state_type", "state_name", "created", "started", "ended"] as const),
  ...(["run_count", "is_stopped"] as const),
]

/** A timeline with what changed in it since: the runs of `changes` are put in the place of what was known of them. */
export function merged(known: Columns, changes: Columns): Columns {
  const places = new Map(known.id.map((id, index) => [id, index]))
  const next: Columns = { ...changes, next: known.next, changed: changes.changed ?? known.changed }
  for (const name of PER_RUN) Object.assign(next, { [name]: [...known[name]] })
  changes.id.forEach((id, index) => {
    const place = places.get(id) ?? next.id.length
    places.set(id, place)
    for (const name of PER_RUN) (next[name] as unknown[])[place] = changes[name][index]
  })
  return next
}

/** Whether a timeline has all that the server counts: if not, changes were missed, as by a clock that is behind. */
export function isWhole({ counts, next, state_type: types }: Columns): boolean {
  if (next !== null) return true
  const own = new Map<string, number>()
  for (const type of types) own.set(type ?? "PENDING", (own.get(type ?? "PENDING") ?? 0) + 1)
  const said = Object.entries(counts)
  return said.length === own.size && said.every(([type, number]) => own.get(type) === number)
}

/** The bars of a timeline, by their beginnings; what has not ended extends to `now`. */
export function barsOf(columns: Columns, now: number): Bar[] {
  const bars = columns.id.map((id, index): Bar => {
    const type = columns.state_type[index] ?? "PENDING"
    const started = columns.started[index] ?? null
    const start = started ?? columns.created[index] ?? now
    const end = columns.ended[index] ?? null
    return {
      id,
      kind: columns.of_task[index] === false ? "flow" : "task",
      name: columns.name[index] ?? "",
      of: columns.of[index] ?? "",
      type,
      stateName: columns.state_name[index] ?? "",
      start,
      end: Math.max(start, end ?? (started === null ? start : now)),
      isOpen: end === null && started !== null,
      isStopped: columns.is_stopped[index] ?? false,
      attempts: columns.run_count[index] ?? 1,
    }
  })
  return bars.sort((one, other) => one.start - other.start)
}
