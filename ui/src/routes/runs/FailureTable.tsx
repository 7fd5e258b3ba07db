import { useQuery } from "@tanstack/react-query"
import { CircleCheck } from "lucide-react"
import type { Schemas } from "~/api/client"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { StateBadge } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { count, shortType } from "~/lib/format"
import { rangeOf } from "~/lib/span"
import css from "./Failures.module.css"
import { failures } from "./queries"

type Group = Schemas["FailureGroupModel"]

interface Props {
  /** Only runs of this flow, its subflow runs too. */
  flow?: string | undefined
  /** When they were created, as an address has it. */
  created?: string | undefined
}

/** Failed flow runs by what they failed of, the most frequent first; each leads to its runs. */
export function FailureTable({ flow, created }: Props) {
  const { data, error, refetch } = useQuery(failures({ flow, ...rangeOf(created) }))
  if (data === undefined && error) return <Failure what="Failures" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  const runsOf = (group: Group) => runsPath(group, flow, created)
  return (
    <>
      <DataTable
        label="Failures"
        rows={data.groups}
        columns={columns(flow === undefined, runsOf)}
        compact={group => <Compact group={group} to={runsOf(group)} />}
        rowId={group => `${group.state_type} ${group.type ?? ""} ${group.message ?? ""}`}
        href={runsOf}
        rowHeight={54}
        empty={
          <Empty icon={CircleCheck} title="No run has failed">
            {created === undefined ? "Failures appear here, grouped by their exception." : "Extend the time."}
          </Empty>
        }
      />
      {!data.is_complete && <p className="faint">Only the newest {count(data.runs, "failed run")} were looked at.</p>}
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

function columns(hasFlow: boolean, runsOf: (group: Group) => string): Column<Group>[] {
  const all: Column<Group>[] = [
    {
      id: "failure",
      header: "Failure",
      width: "minmax(0, 3fr)",
      cell: group => <Said group={group} to={runsOf(group)} />,
    },
    {
      id: "flow",
      header: "Flow",
      width: "minmax(0, 1fr)",
      wide: true,
      cell: group => <Flows group={group} />,
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
  return hasFlow ? all : all.filter(({ id }) => id !== "flow")
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

function Compact({ group, to }: { group: Group; to: string }) {
  return (
    <span className={css["compact"]}>
      <Said group={group} to={to} />
      <span className={css["counts"]}>
        <span>{count(group.runs, "run")}</span>
        <span className="faint">
          <Timestamp time={group.last} />
        </span>
      </span>
    </span>
  )
}
