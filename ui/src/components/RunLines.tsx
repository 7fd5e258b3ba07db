import type { ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { essence } from "~/lib/format"
import { Link, path } from "./Link"
import css from "./RunLines.module.css"
import { spaced, StateBadge } from "./State"
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
export function RunLines({ runs, empty, ...shown }: Props) {
  if (runs.length === 0) return <p className={css["empty"]}>{empty}</p>
  return (
    <ul className={css["lines"]}>
      {runs.map(run => (
        <li key={run.id}>
          <RunLine run={run} {...shown} />
        </li>
      ))}
    </ul>
  )
}

interface LineProps {
  run: Schemas["FlowRunModel"] | Schemas["TaskRunModel"]
  time: "took" | "ago"
  under?: "flow" | "message" | "state"
}

/** One run in two lines: how it went, what it is called, when it was; and of which flow or task, or what it said. */
export function RunLine({ run, time, under = "flow" }: LineProps) {
  const isFlow = "flow_name" in run
  const of = isFlow ? run.flow_name : run.task_name
  return (
    <div className={css["line"]}>
      <StateBadge state={run.state} word={false} />
      <div className={css["names"]}>
        <Link to={path(isFlow ? "flow-runs" : "task-runs", run.id)} className="cut">
          {run.name}
        </Link>
        {under === "message" && <span className="cut faint">{of}</span>}
      </div>
      <span className={css["time"]}>
        {time === "took" ? (
          <Duration started={run.started} ended={run.ended} runs={run.run_count} />
        ) : (
          <Timestamp time={run.state?.time ?? run.created} />
        )}
      </span>
      <div className={["cut", css["under"]].join(" ")}>
        {under === "message" && essence(run.state?.message ?? run.state?.name ?? "")}
        {under === "state" && `${spaced(run.state?.name ?? "Unknown")} · ${of}`}
        {under === "flow" && of}
      </div>
    </div>
  )
}
