import type { Schemas } from "~/api/client"
import { StateBadge } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { duration } from "~/lib/format"
import css from "./States.module.css"

/** All the states that a run went through, the newest first, and how long it was in each. */
export function States({ states }: { states: readonly Schemas["StateModel"][] }) {
  const newest = states.map((state, index) => ({ state, next: states[index + 1] })).reverse()
  return (
    <ol className={css["states"]}>
      {newest.map(({ state, next }) => (
        <li key={`${state.time} ${state.name}`}>
          <StateBadge state={state} />
          <span className="faint">
            {next !== undefined && `${duration(Date.parse(next.time) - Date.parse(state.time))} · `}
            <Timestamp time={state.time} />
          </span>
          {state.message && <p className={css["message"]}>{state.message}</p>}
        </li>
      ))}
    </ol>
  )
}
