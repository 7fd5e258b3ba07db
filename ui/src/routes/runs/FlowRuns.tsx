import { useInfiniteQuery } from "@tanstack/react-query"
import { Play } from "lucide-react"
import type { Schemas } from "~/api/client"
import { flowRuns, type FlowRunFilter } from "~/api/queries"
import { Tag } from "~/components/Card"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, RangeFilter, sinceOf, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { STATE_TYPES, STATES, StateBadge, type StateType } from "~/components/State"
import { Duration, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"

type FlowRun = Schemas["FlowRunModel"]

const COLUMNS: readonly Column<FlowRun>[] = [
  { id: "state", header: "State", width: "124px", cell: run => <StateBadge state={run.state} /> },
  {
    id: "name",
    header: "Run",
    width: "minmax(0, 2fr)",
    cell: run => <Link to={path("flow-runs", run.id)}>{run.name}</Link>,
  },
  {
    id: "flow",
    header: "Flow",
    width: "minmax(0, 1.4fr)",
    cell: run => (
      <Link to={path("flows", run.flow_name)} className="soft">
        {run.flow_name}
      </Link>
    ),
  },
  {
    id: "tags",
    header: "Tags",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: run => run.tags.map(tag => <Tag key={tag}>{tag}</Tag>),
  },
  {
    id: "created",
    header: "Created",
    width: "92px",
    wide: true,
    align: "end",
    cell: run => <Timestamp time={run.created} />,
  },
  {
    id: "took",
    header: "Took",
    width: "84px",
    align: "end",
    cell: run => <Duration started={run.started} ended={run.ended} />,
  },
]

/** All flow runs. */
export function Page() {
  const address = useAddress()
  const states = address.all("state").filter((state): state is StateType => state in STATES)
  const filter: FlowRunFilter = {
    name: address.one("name"),
    state: states,
    created_after: sinceOf(address.one("created")),
  }
  const query = useInfiniteQuery(flowRuns(filter))
  const isFiltered = address.text !== ""
  return (
    <>
      <PageHead title="Flow runs" />
      <FilterBar>
        <TextFilter main label="Name" value={address.one("name")} onChange={name => address.set({ name })} />
        <ChoiceFilter
          label="State"
          choices={STATE_TYPES.map(type => ({ value: type, label: STATES[type].word }))}
          value={states}
          onChange={state => address.set({ state })}
        />
        <RangeFilter value={address.one("created")} onChange={created => address.set({ created })} />
      </FilterBar>
      <QueryTable
        label="Flow runs"
        query={query}
        columns={COLUMNS}
        rowId={run => run.id}
        href={run => path("flow-runs", run.id)}
        empty={
          isFiltered ? (
            <Empty title="No run is like that">Take a filter away, or look further back.</Empty>
          ) : (
            <Empty
              icon={Play}
              title="No flow has run yet"
              command={"PERDURE_API_URL=" + location.origin + " python my_flow.py"}
            >
              Runs appear here as they begin.
            </Empty>
          )
        }
      />
    </>
  )
}
