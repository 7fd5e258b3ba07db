import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { OctagonAlert, Play } from "lucide-react"
import { useMemo, useState } from "react"
import type { Schemas } from "~/api/client"
import { flowRunCount, flowRuns, type FlowRunFilter } from "~/api/queries"
import { ButtonLink } from "~/components/Button"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, RangeFilter, TagFilter, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { RunLine } from "~/components/RunLines"
import { STATE_TYPES, STATES, StateBadge, type StateType } from "~/components/State"
import { Tags } from "~/components/Tags"
import { Duration, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress, type Address } from "~/lib/address"
import { isSpan, rangeOf } from "~/lib/span"
import { CANCEL, DELETE, RERUN, RESUME } from "./bulk"
import { BulkBar } from "./BulkBar"
import { Counted, said } from "./Counted"
import { workers } from "~/routes/deployments/queries"
import { flowNames } from "./queries"
import { Views } from "./Views"

type FlowRun = Schemas["FlowRunModel"]

type AnyRun = Schemas["FlowRunModel"] | Schemas["TaskRunModel"]

// Columns of the lists of either kind of run.
export const STATE: Column<AnyRun> = {
  id: "state",
  header: "State",
  width: "116px",
  cell: run => <StateBadge state={run.state} />,
}
export const CREATED: Column<AnyRun> = {
  id: "created",
  header: "Created",
  width: "84px",
  align: "end",
  cell: run => <Timestamp time={run.created} />,
}
export const TOOK: Column<AnyRun> = {
  id: "took",
  header: "Took",
  width: "72px",
  align: "end",
  wide: true,
  cell: run => <Duration started={run.started} ended={run.ended} runs={run.run_count} />,
}

export const FLOW_RUN_COLUMNS: readonly Column<FlowRun>[] = [
  STATE,
  {
    id: "name",
    header: "Run",
    width: "minmax(0, 1.8fr)",
    cell: run => <Link to={path("flow-runs", run.id)}>{run.name}</Link>,
  },
  {
    id: "flow",
    header: "Flow",
    width: "minmax(0, 1.2fr)",
    wide: true,
    cell: run => (
      <Link to={path("flows", run.flow_name)} className="soft">
        {run.flow_name}
      </Link>
    ),
  },
  { id: "tags", header: "Tags", width: "minmax(0, 1.5fr)", wide: true, cell: run => <Tags tags={run.tags} /> },
  CREATED,
  TOOK,
]

const VIEWS = [
  { name: "All", search: "" },
  { name: "Running", search: "?state=RUNNING" },
  { name: "Failed today", search: "?state=FAILED&state=CRASHED&created=24h" },
  { name: "Waiting for somebody", search: "?state=PAUSED" },
]

/** What an address says that a list of runs is to show. */
export function runFilter(address: Address) {
  return {
    q: address.one("q"),
    state: address.all("state").filter((state): state is StateType => Object.hasOwn(STATES, state)),
    tag: address.all("tag").slice(0, 10),
    ...rangeOf(address.one("created")),
  }
}

/** A run of either kind, as lists on narrow screens have it. */
export function compactRun(run: AnyRun) {
  return <RunLine run={run} time="ago" under="state" />
}

/** All flow runs. */
export function Page() {
  const address = useAddress()
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const created = address.one("created")
  const worker = address.one("worker")
  const filter: FlowRunFilter = {
    ...runFilter(address),
    flow: address.one("flow"),
    parent: address.one("parent"),
    outermost: address.one("outermost") === "true" ? true : undefined,
    worker,
  }
  const query = useInfiniteQuery(flowRuns(filter))
  const counted = useQuery(flowRunCount(filter))
  const flows = useQuery(flowNames())
  const workerNames = useQuery({ ...workers(), enabled: worker !== undefined })
  const choices = useMemo(() => (flows.data ?? []).map(name => ({ value: name, label: name })), [flows.data])
  const everything =
    query.hasNextPage && counted.data !== undefined ? { chosen: { filter }, count: said(counted.data, "run") } : null
  return (
    <>
      <PageHead
        title="Flow runs"
        heading={<Counted title="Flow runs" count={counted.data} />}
        actions={
          (filter.state ?? []).some(state => state === "FAILED" || state === "CRASHED") && (
            <ButtonLink to={failuresOf(address.one("flow"), created)}>
              <OctagonAlert size={14} aria-hidden /> Group by exception
            </ButtonLink>
          )
        }
      />
      <Views of="/flow-runs" given={VIEWS} search={address.text} />
      <FilterBar>
        <TextFilter main label="Search" value={address.one("q")} onChange={q => address.set({ q })} />
        <ChoiceFilter
          label="State"
          choices={STATE_CHOICES}
          value={filter.state ?? []}
          onChange={state => address.set({ state })}
        />
        <ChoiceFilter
          label="Flow"
          single
          choices={choices}
          value={address.all("flow")}
          onChange={flow => address.set({ flow })}
        />
        <TagFilter value={filter.tag ?? []} onChange={tag => address.set({ tag })} />
        <RangeFilter value={created} onChange={next => address.set({ created: next })} />
        <ChoiceFilter
          label="Subflows"
          single
          choices={[{ value: "true", label: "Left out" }]}
          value={address.all("outermost")}
          onChange={outermost => address.set({ outermost })}
        />
        {worker !== undefined && (
          <ChoiceFilter
            label="Worker"
            single
            choices={[{ value: worker, label: workerNames.data?.find(each => each.id === worker)?.name ?? worker }]}
            value={[worker]}
            onChange={next => address.set({ worker: next })}
          />
        )}
      </FilterBar>
      <QueryTable
        label="Flow runs"
        query={query}
        columns={FLOW_RUN_COLUMNS}
        compact={compactRun}
        rowId={run => run.id}
        href={run => path("flow-runs", run.id)}
        selected={selected}
        onSelect={setSelected}
        empty={
          address.text !== "" ? (
            <Empty title="No run matches">
              {created !== undefined && !isSpan(created) ? "Remove a filter." : "Remove a filter, or extend the time."}
            </Empty>
          ) : (
            <Empty
              icon={Play}
              title="No flow has run yet"
              command={`PERDURE_API_URL=${location.origin} python my_flow.py`}
            >
              Runs appear here as they begin.
            </Empty>
          )
        }
      />
      <BulkBar
        actions={[CANCEL, RESUME, RERUN, DELETE]}
        ids={selected}
        everything={everything}
        onClear={() => setSelected(new Set())}
        compare={(one, other) => path("flow-runs", one, "compare", other)}
      />
    </>
  )
}

/** Where failures of a flow, or of all, are grouped. */
function failuresOf(flow: string | undefined, created: string | undefined): string {
  const search = new URLSearchParams({
    ...(flow === undefined ? {} : { flow }),
    ...(created === undefined ? {} : { created }),
  }).toString()
  return search === "" ? "/failures" : `/failures?${search}`
}

export const STATE_CHOICES = STATE_TYPES.map(type => {
  const { word, icon: Icon, color } = STATES[type]
  return { value: type, label: word, icon: <Icon size={14} strokeWidth={2.25} color={color} aria-hidden /> }
})
