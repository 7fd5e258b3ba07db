import { useQuery } from "@tanstack/react-query"
import { CircleCheck } from "lucide-react"
import type { Schemas } from "~/api/client"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { STATES, StateBadge } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { Trend } from "~/components/Trend"
import { count, shortType } from "~/lib/format"
import { rangeOf } from "~/lib/span"
import css from "./Failures.module.css"
import { failures } from "./queries"

type Group = Schemas["FailureGroupModel"]
type Steps = Schemas["StepsModel"]

interface Props {
  /** Only runs of this flow, its subflow runs too. */
  flow?: string | undefined
  /** When they were created, as an address has it. */
  created?: string | undefined
  /** The column that they are sorted by, and what is called when somebody sorts: see `DataTable`. */
  order?: string | undefined
  onOrder?: (order: string | undefined) => void
  /** Only so many, in a card of the page. */
  most?: number
}

/** Failed flow runs by what they failed of, the most frequent first; each leads to its runs. */
export function FailureTable({ flow, created, order, onOrder, most }: Props) {
  const { data, error, refetch } = useQuery(failures({ flow, ...rangeOf(created) }))
  if (data === undefined && error) return <Failure what="Failures" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  const runsOf = (group: Group) => runsPath(group, flow, created)
  const isCard = most !== undefined
  const shown = columns(data.steps, runsOf).filter(({ id }) => !isLeftOut(id, flow !== undefined, isCard))
  return (
    <>
      <DataTable
        label="Failures"
        rows={data.groups.slice(0, most)}
        columns={shown}
        compact={group => <Compact group={group} steps={data.steps} to={runsOf(group)} />}
        inline={isCard}
        {...(onOrder === undefined ? {} : { order, onOrder })}
        rowId={group => `${group.state_type} ${group.type ?? ""} ${group.message ?? ""}`}
        href={runsOf}
        rowHeight={54}
        empty={
          <Empty icon={CircleCheck} title="No run has failed">
            {created === undefined ? "Failures appear here, grouped by their exception." : "Extend the time."}
          </Empty>
        }
      />
      {!data.is_complete && !isCard && (
        <p className="faint">Only the newest {count(data.runs, "failed run")} were looked at.</p>
      )}
    </>
  )
}

/** The list of a group's runs; one that says nothing in common leads to its newest run. */
function runsPath(group: Group, flow: string | undefined, created: string | undefined): string {
  if (group.search === null && group.runs === 1) return path("flow-runs", group.newest.id)
  const [only] = group.flows
  const of = flow ?? (group.flows.length === 1 ? only?.flow : undefined)
  const search = new URLSearchParams({
    state: group.state_type,
    ...(of === undefined ? {} : { flow: of }),
    ...(group.search === null ? {} : { q: group.search }),
    ...(created === undefined ? {} : { created }),
  })
  return `/flow-runs?${search.toString()}`
}

/** A page of one flow needs no column for it, and a card has less room. */
function isLeftOut(id: string, ofFlow: boolean, isCard: boolean): boolean {
  return (id === "flow" && ofFlow) || (isCard && (id === "first" || id === "newest"))
}

function columns(steps: Steps, runsOf: (group: Group) => string): Column<Group>[] {
  return [
    {
      id: "failure",
      header: "Failure",
      width: "minmax(0, 3fr)",
      value: title,
      cell: group => <Said group={group} to={runsOf(group)} />,
    },
    {
      id: "flow",
      header: "Flow",
      width: "minmax(0, 1fr)",
      wide: true,
      value: group => group.flows[0]?.flow ?? "",
      cell: group => <Flows group={group} />,
    },
    {
      id: "trend",
      header: "Trend",
      width: "132px",
      wide: true,
      value: rise,
      cell: group => <Trend values={group.trend} steps={steps} color={STATES[group.state_type].color} />,
    },
    {
      id: "runs",
      header: "Runs",
      width: "64px",
      align: "end",
      value: group => group.runs,
      cell: group => group.runs.toLocaleString(),
    },
    {
      id: "first",
      header: "First",
      width: "84px",
      align: "end",
      wide: true,
      value: group => Date.parse(group.first),
      cell: group => <Timestamp time={group.first} />,
    },
    {
      id: "last",
      header: "Last",
      width: "84px",
      align: "end",
      value: group => Date.parse(group.last),
      cell: group => <Timestamp time={group.last} />,
    },
    {
      id: "newest",
      header: "Newest run",
      width: "minmax(0, 1fr)",
      wide: true,
      cell: group => <Link to={path("flow-runs", group.newest.id)}>{group.newest.name}</Link>,
    },
  ]
}

/** How many of its runs are of the last quarter of the time, 0 to 1: what has begun lately, or grows, is high. */
function rise({ trend, runs }: Group): number {
  const late = trend.slice(-Math.max(1, Math.round(trend.length / 4)))
  return late.reduce((sum, each) => sum + each, 0) / Math.max(1, runs)
}

/** What it is called: the exception, or how the runs ended. */
function title(group: Group): string {
  if (group.type !== null) return shortType(group.type)
  return group.state_type === "CRASHED" ? "Crashed" : "Failed"
}

function Said({ group, to }: { group: Group; to: string }) {
  return (
    <span className={css["said"]}>
      <StateBadge state={{ type: group.state_type, name: group.state_type.toLowerCase() }} word={false} />
      <span className={css["lines"]}>
        <Link to={to} className="cut" title={group.type ?? undefined}>
          {title(group)}
        </Link>
        <Message group={group} />
      </span>
    </span>
  )
}

function Message({ group: { message } }: { group: Group }) {
  if (message === null) return <span className="cut faint">No message was recorded</span>
  return (
    <span className="cut soft" title={message}>
      {message === "" ? "Without a message" : message}
    </span>
  )
}

function Flows({ group: { flows } }: { group: Group }) {
  const [first, ...rest] = flows
  if (first === undefined) return null
  return (
    <span title={flows.map(({ flow, runs }) => `${flow}: ${runs.toLocaleString()}`).join("\n")}>
      <Link to={path("flows", first.flow)} className="soft">
        {first.flow}
      </Link>
      {rest.length > 0 && <span className="faint"> and {rest.length.toLocaleString()} more</span>}
    </span>
  )
}

function Compact({ group, steps, to }: { group: Group; steps: Steps; to: string }) {
  return (
    <span className={css["compact"]}>
      <Said group={group} to={to} />
      <span className={css["counts"]}>
        <span>{count(group.runs, "run")}</span>
        <span className="faint">
          <Timestamp time={group.last} />
        </span>
      </span>
      <span className={css["trend"]}>
        <Trend values={group.trend} steps={steps} color={STATES[group.state_type].color} />
      </span>
    </span>
  )
}
