import type { ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { essence } from "~/lib/format"
import { Link, path } from "./Link"
import css from "./RunLines.module.css"
import { StateBadge } from "./State"
import { Duration, Timestamp } from "./Time"

interface Props {
  runs: readonly Schemas["FlowRunModel"][]
  /** What each one's right side says. */
  time: "took" | "ago"
  /** Under the name: the flow, or what the state says. */
  under?: "flow" | "message"
  empty: ReactNode
}

/** A few runs, a line or two each. */
export function RunLines({ runs, time, under = "flow", empty }: Props) {
  if (runs.length === 0) return <p className={css["empty"]}>{empty}</p>
  return (
    <ul className={css["lines"]}>
      {runs.map(run => (
        <li key={run.id}>
          <StateBadge state={run.state} word={false} />
          <div className={css["names"]}>
            <Link to={path("flow-runs", run.id)} className="cut">
              {run.name}
            </Link>
            {under === "message" && <span className="cut faint">{run.flow_name}</span>}
          </div>
          <span className={css["time"]}>
            {time === "took" ? (
              <Duration started={run.started} ended={run.ended} />
            ) : (
              <Timestamp time={run.state?.time ?? run.created} />
            )}
          </span>
          <div className={["cut", css["under"]].join(" ")}>
            {under === "message" ? essence(run.state?.message ?? run.state?.name ?? "") : run.flow_name}
          </div>
        </li>
      ))}
    </ul>
  )
}
