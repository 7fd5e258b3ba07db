import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { RotateCcw } from "lucide-react"
import { lazy, Suspense, useMemo } from "react"
import type { Schemas } from "~/api/client"
import { flowRun, flowRunCount, results, taskRuns } from "~/api/queries"
import { Card, Facts } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, TagFilter, TextFilter } from "~/components/Filters"
import { JsonTree } from "~/components/JsonTree"
import { Link, path } from "~/components/Link"
import { FINAL, StateBadge } from "~/components/State"
import { Tabs } from "~/components/Tabs"
import { Bytes, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress, useParam } from "~/lib/address"
import { count, shortType } from "~/lib/format"
import { compactRun, runFilter, STATE_CHOICES } from "~/routes/runs/FlowRuns"
import { ORDERS, TASK_RUN_COLUMNS } from "~/routes/runs/TaskRuns"
import { About } from "./About"
import { Actions } from "./Actions"
import css from "./Run.module.css"
import { Logs } from "./Logs"
import { Origin, OriginCard } from "./Origin"
import { ancestors, flowRunStates, start } from "./queries"
import { RunAgain } from "./RunAgain"
import { Attempts } from "./Spent"
import { Source } from "./Source"
import { States } from "./States"
import { timeline } from "./timeline/queries"
import { Timeline } from "./timeline/Timeline"
import { FailedFlow } from "./WhatFailed"
import { Why } from "./Why"

const Graph = lazy(async () => ({ default: (await import("./Graph")).Graph }))
const Artifacts = lazy(async () => ({ default: (await import("./Artifacts")).Artifacts }))

/** One flow run: what it did, why, and what came of it. */
export function Page() {
  const id = useParam("id")
  const { data: run, error, refetch } = useQuery(flowRun(id))
  if (run === undefined && error) return <Failure what="The flow run" error={error} retry={refetch} />
  if (run === undefined) return <Skeleton lines={8} />
  return <Shown run={run} />
}

function Shown({ run }: { run: Schemas["FlowRunModel"] }) {
  const address = useAddress()
  const live = !FINAL.has(run.state?.type ?? "PENDING")
  const { data: columns } = useQuery(timeline(run.id, live))
  const names = useMemo(
    () => new Map((columns?.id ?? []).map((id, index) => [id, columns?.name[index] ?? id])),
    [columns],
  )
  const above = useQuery({ ...ancestors(run.id), enabled: run.parent_flow_run_id !== null })
  const caller = useQuery({ ...flowRun(run.parent_flow_run_id ?? ""), enabled: run.parent_flow_run_id !== null })
  const crumbs = [
    { label: "Flow runs", to: "/flow-runs" },
    ...(above.data ?? []).map(each => ({ label: each.name, to: path("flow-runs", each.id) })),
    ...(run.parent_flow_run_id === null ? [{ label: run.flow_name, to: path("flows", run.flow_name) }] : []),
  ]
  const tabs = [
    {
      id: "timeline",
      label: "Timeline",
      content: <Timeline flowRunId={run.id} live={live} isRepeated={run.run_count > 1} />,
    },
    {
      id: "graph",
      label: "Graph",
      content: (
        <Suspense fallback={<Skeleton lines={8} />}>
          <Graph flowRunId={run.id} />
        </Suspense>
      ),
    },
    { id: "task-runs", label: "Task runs", content: <TaskRuns flowRunId={run.id} /> },
    { id: "log", label: "Log", content: <Logs flowRunId={run.id} live={live} names={names} /> },
    { id: "results", label: "Results", content: <Results flowRunId={run.id} /> },
    {
      id: "artifacts",
      label: "Artifacts",
      content: (
        <Suspense fallback={<Skeleton />}>
          <Artifacts flowRunId={run.id} />
        </Suspense>
      ),
    },
    ...(run.parent_flow_run_id === null
      ? [{ id: "source", label: "Source", content: <Source flowRunId={run.id} /> }]
      : []),
    { id: "why", label: "Why", content: <Why id={run.id} of="flow-runs" /> },
    { id: "details", label: "Details", content: <Details run={run} /> },
  ]
  const about = (
    <About run={run}>
      {run.parent_flow_run_id === null && <Origin run={run} />}
      <Again run={run} />
      <Attempts run={run} />
      {run.parent_flow_run_id && <Link to={path("flows", run.flow_name)}>flow {run.flow_name}</Link>}
    </About>
  )
  return (
    <>
      <PageHead
        title={run.name}
        crumbs={crumbs}
        about={about}
        actions={
          <>
            {caller.data && <RunAgain run={caller.data} step={run} />}
            <Actions run={run} />
          </>
        }
      />
      {columns !== undefined && Object.keys(columns.counts).length > 0 && (
        <Counts id={run.id} counts={columns.counts} />
      )}
      {(run.state?.type === "FAILED" || run.state?.type === "CRASHED") && <FailedFlow run={run} />}
      <Tabs
        label="Of this run"
        tabs={tabs}
        value={address.one("view") ?? "timeline"}
        onChange={view => address.set({ view })}
      />
    </>
  )
}

/** Which run it is again, and what differs from that one. */
function Again({ run }: { run: Schemas["FlowRunModel"] }) {
  const { data: begun } = useQuery({ ...start(run.id), enabled: run.parent_flow_run_id === null })
  const earlier = useQuery({ ...flowRun(begun?.rerun_of ?? ""), enabled: begun?.rerun_of != null })
  if (earlier.data === undefined) return null
  return (
    <span className={css["origin"]}>
      <RotateCcw size={13} aria-hidden />
      <span>
        rerun of <Link to={path("flow-runs", earlier.data.id)}>{earlier.data.name}</Link> ·{" "}
        <Link to={path("flow-runs", earlier.data.id, "compare", run.id)}>Compare with the earlier run</Link>
      </span>
    </span>
  )
}

/** How many runs of each state it called; each leads to them. */
function Counts({ id, counts }: { id: string; counts: Readonly<Record<string, number>> }) {
  return (
    <ul className={css["counts"]} aria-label="Runs that it called">
      {Object.entries(counts).map(([type, number]) => (
        <li key={type}>
          <Link to={`${path("flow-runs", id)}?view=task-runs&state=${type}`}>
            <StateBadge
              state={{ type: type as Schemas["StateType"], name: `${number.toLocaleString()} ${type.toLowerCase()}` }}
            />
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Details({ run }: { run: Schemas["FlowRunModel"] }) {
  const states = useQuery(flowRunStates(run.id))
  const begun = useQuery(start(run.id))
  return (
    <div className={css["columns"]}>
      <Card title="States">{states.data === undefined ? <Skeleton /> : <States states={states.data} />}</Card>
      <Card title="Parameters">
        {Object.keys(run.parameters).length === 0 ? (
          <p className="faint">It was called without any.</p>
        ) : (
          <JsonTree value={run.parameters} />
        )}
      </Card>
      <OriginCard run={run} />
      <Card title="Facts">
        <Facts
          facts={[
            ["Id", <Copyable key="id" text={run.id} />],
            [
              "Flow",
              <Link key="flow" to={path("flows", run.flow_name)}>
                {run.flow_name}
              </Link>,
            ],
            [
              "Version",
              <span key="version" className="mono">
                {run.flow_version ?? "–"}
              </span>,
            ],
            ["Code", begun.data?.target ? <Copyable key="code" text={begun.data.target} /> : "–"],
            [
              "Started in",
              <span key="in" className="mono">
                {begun.data?.directory ?? "–"}
              </span>,
            ],
            ["Host", begun.data?.host ?? "–"],
            ["Process", begun.data?.pid == null ? "–" : String(begun.data.pid)],
            ["Created", <Timestamp key="created" time={run.created} />],
            ["Times started", String(run.run_count)],
          ]}
        />
      </Card>
    </div>
  )
}

const OF_OTHERS = ["flow-run", "tags", "created"] // of runs of several flow runs; of one, they say little
const TASK_RUNS = TASK_RUN_COLUMNS.filter(({ id }) => !OF_OTHERS.includes(id))

function TaskRuns({ flowRunId }: { flowRunId: string }) {
  const address = useAddress()
  const { q, state, tag } = runFilter(address)
  const sort = ORDERS.find(({ value }) => value === address.one("sort"))?.value ?? "created"
  const query = useInfiniteQuery(taskRuns({ flow_run: flowRunId, q, state, tag, sort }))
  const subflows = useQuery(flowRunCount({ parent: flowRunId, state }))
  const isFiltered = q !== undefined || state.length > 0 || tag.length > 0
  const among = state.map(each => `&state=${each}`).join("")
  return (
    <>
      <FilterBar>
        <TextFilter label="Search task runs" value={q} onChange={next => address.set({ q: next })} />
        <ChoiceFilter
          label="State"
          choices={STATE_CHOICES}
          value={state}
          onChange={next => address.set({ state: next })}
        />
        <TagFilter ofTask value={tag} onChange={next => address.set({ tag: next })} />
        <ChoiceFilter
          label="Order"
          single
          choices={ORDERS}
          value={[sort]}
          onChange={([next]) => address.set({ sort: next === "created" ? undefined : next })}
        />
        {(subflows.data?.count ?? 0) > 0 && (
          <Link to={`/flow-runs?parent=${flowRunId}${among}`}>{count(subflows.data?.count ?? 0, "subflow run")}</Link>
        )}
      </FilterBar>
      <div className={css["list"]}>
        <QueryTable
          label="Task runs"
          query={query}
          columns={TASK_RUNS}
          compact={compactRun}
          rowId={run => run.id}
          href={run => path("task-runs", run.id)}
          empty={<Empty title={isFiltered ? "No task run of this run matches" : "This run has called no task"} />}
        />
      </div>
    </>
  )
}

type Result = Schemas["ResultModel"]

const RESULTS: readonly Column<Result>[] = [
  {
    id: "run",
    header: "Of",
    width: "minmax(0, 1.4fr)",
    cell: each => <Link to={path("results", each.run_id)}>{each.run?.name ?? each.run_id}</Link>,
  },
  {
    id: "type",
    header: "Type",
    width: "minmax(0, 1fr)",
    cell: each => (
      <span className="mono" title={each.type}>
        {shortType(each.type)}
      </span>
    ),
  },
  { id: "kind", header: "Kind", width: "100px", wide: true, cell: each => <span className="soft">{each.kind}</span> },
  { id: "size", header: "Size", width: "84px", align: "end", cell: each => <Bytes size={each.size} /> },
]

function Results({ flowRunId }: { flowRunId: string }) {
  const query = useInfiniteQuery(results({ flow_run: flowRunId }))
  return (
    <div className={css["list"]}>
      <QueryTable
        label="Results"
        query={query}
        columns={RESULTS}
        rowId={each => `${each.run_id} ${each.number ?? ""}`}
        href={each => path("results", each.run_id)}
        empty={<Empty title="No result yet" />}
      />
    </div>
  )
}
