import type { ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { Tag } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { StateBadge } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { short } from "~/lib/format"
import css from "./Run.module.css"
import { Spent } from "./Spent"

/** The line below a run's name: its state and times, then what only its kind has, then its tags and its id. */
export function About({
  run,
  children,
}: {
  run: Schemas["FlowRunModel"] | Schemas["TaskRunModel"]
  children: ReactNode
}) {
  return (
    <div className={css["about"]}>
      <StateBadge state={run.state} />
      <span>
        <Timestamp time={run.started ?? run.created} />
      </span>
      <span>
        <Spent run={run} />
      </span>
      {children}
      {run.tags.map(tag => (
        <Tag key={tag}>{tag}</Tag>
      ))}
      <Copyable text={run.id} shown={short(run.id)} />
    </div>
  )
}
