import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { ListTree } from "lucide-react"
import type { Schemas } from "~/api/client"
import { taskRuns, type TaskRunFilter } from "~/api/queries"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, RangeFilter, TagFilter, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Tags } from "~/components/Tags"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { Counted } from "./Counted"
import { compactRun, CREATED, runFilter, STATE, STATE_CHOICES, TOOK } from "./FlowRuns"
import { taskRunCount } from "./queries"
import { Views } from "./Views"

type TaskRun = Schemas["TaskRunModel"]

export const TASK_RUN_COLUMNS: readonly Column<TaskRun>[] = [
  STATE,
  {
    id: "name",
    header: "Run",
    width: "minmax(0, 1.6fr)",
    cell: run => <Link to={path("task-runs", run.id)}>{run.name}</Link>,
  },
  {
    id: "task",
    header: "Task",
    width: "minmax(0, 1.2fr)",
    wide: true,
    cell: run => (
      <Link to={`/task-runs?task=${encodeURIComponent(run.task_name)}`} className="soft">
        {run.task_name}
      </Link>
    ),
  },
  {
    id: "flow-run",
    header: "In",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: run =>
      run.flow_run_id === null ? (
        <span className="faint">no flow</span>
      ) : (
        <Link to={path("flow-runs", run.flow_run_id)} className="soft">
          {run.flow_run_name ?? run.flow_run_id.slice(0, 13)}
        </Link>
      ),
  },
  { id: "tags", header: "Tags", width: "minmax(0, 1fr)", wide: true, cell: run => <Tags tags={run.tags} most={1} /> },
  {
    id: "attempts",
    header: "Attempts",
    width: "72px",
    align: "end",
    wide: true,
    cell: run => <span className={run.run_count > 1 ? undefined : "faint"}>{run.run_count}</span>,
  },
  CREATED,
  TOOK,
]

const VIEWS = [
  { name: "All", search: "" },
  { name: "Running", search: "?state=RUNNING" },
  { name: "Failed today", search: "?state=FAILED&state=CRASHED&created=24h" },
  { name: "Waiting", search: "?state=SCHEDULED&state=PENDING" },
  { name: "Longest today", search: "?created=24h&sort=-duration" },
]

export const ORDERS = [
  { value: "-created", label: "Newest first" },
  { value: "created", label: "Oldest first" },
  { value: "-duration", label: "Longest first" },
] as const

/** All task runs. */
export function Page() {
  const address = useAddress()
  const task = address.one("task")
  const sort = ORDERS.find(({ value }) => value === address.one("sort"))?.value ?? "-created"
  const filter: TaskRunFilter = { ...runFilter(address), task, flow_run: address.one("flow_run"), sort }
  // There are no events for task runs, so their list is refreshed while it is visible, unless it is long.
  const query = useInfiniteQuery({
    ...taskRuns(filter),
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 2 ? false : 5_000),
  })
  const counted = useQuery(taskRunCount(filter))
  return (
    <>
      <PageHead title="Task runs" heading={<Counted title="Task runs" count={counted.data} />} />
      <Views of="/task-runs" given={VIEWS} search={address.text} />
      <FilterBar>
        <TextFilter main label="Search" value={address.one("q")} onChange={q => address.set({ q })} />
        <ChoiceFilter
          label="State"
          choices={STATE_CHOICES}
          value={filter.state ?? []}
          onChange={state => address.set({ state })}
        />
        <TagFilter ofTask value={filter.tag ?? []} onChange={tag => address.set({ tag })} />
        <RangeFilter value={address.one("created")} onChange={created => address.set({ created })} />
        <ChoiceFilter
          label="Order"
          single
          choices={ORDERS}
          value={sort === "-created" ? [] : [sort]}
          onChange={next => address.set({ sort: next })}
        />
        {(["task", "flow_run"] as const).map(name => {
          const value = address.one(name)
          if (value === undefined) return null
          const label = name === "task" ? "Task" : "Flow run"
          return (
            <ChoiceFilter
              key={name}
              label={label}
              single
              choices={[{ value, label: value }]}
              value={[value]}
              onChange={next => address.set({ [name]: next })}
            />
          )
        })}
      </FilterBar>
      <QueryTable
        label="Task runs"
        query={query}
        columns={TASK_RUN_COLUMNS}
        compact={compactRun}
        rowId={run => run.id}
        href={run => path("task-runs", run.id)}
        empty={
          address.text !== "" ? (
            <Empty title="No task run matches">Remove a filter, or extend the time.</Empty>
          ) : (
            <Empty icon={ListTree} title="No task has run yet">
              Each call of a function with @task is one.
            </Empty>
          )
        }
      />
    </>
  )
}
