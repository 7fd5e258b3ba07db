import { useInfiniteQuery } from "@tanstack/react-query"
import { Workflow } from "lucide-react"
import type { Schemas } from "~/api/client"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Shares } from "~/components/Shares"
import { StateBadge } from "~/components/State"
import { Duration, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { flows } from "./queries"

type Flow = Schemas["FlowModel"]

const COLUMNS: readonly Column<Flow>[] = [
  {
    id: "name",
    header: "Flow",
    width: "minmax(0, 1.6fr)",
    cell: flow => <Link to={path("flows", flow.name)}>{flow.name}</Link>,
  },
  { id: "state", header: "State", width: "112px", cell: flow => <StateBadge state={flow.last_run.state} /> },
  {
    id: "run",
    header: "Newest run",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: flow => (
      <Link to={path("flow-runs", flow.last_run.id)} className="soft">
        {flow.last_run.name}
      </Link>
    ),
  },
  {
    id: "took",
    header: "Took",
    width: "72px",
    align: "end",
    wide: true,
    cell: flow => (
      <Duration started={flow.last_run.started} ended={flow.last_run.ended} runs={flow.last_run.run_count} />
    ),
  },
  {
    id: "created",
    header: "Created",
    width: "84px",
    align: "end",
    cell: flow => <Timestamp time={flow.last_created} />,
  },
  {
    id: "shares",
    header: "Last 7 days",
    width: "150px",
    wide: true,
    cell: flow => <Shares counts={flow.counts} />,
  },
  {
    id: "runs",
    header: "Runs",
    width: "52px",
    align: "end",
    wide: true,
    cell: flow => flow.runs.toLocaleString(),
  },
]

/** All flows that have run. */
export function Page() {
  const address = useAddress()
  const q = address.one("q")
  const query = useInfiniteQuery(flows(q))
  return (
    <>
      <PageHead title="Flows" />
      <FilterBar>
        <TextFilter main label="Search" value={q} onChange={next => address.set({ q: next })} />
      </FilterBar>
      <QueryTable
        label="Flows"
        query={query}
        columns={COLUMNS}
        rowId={flow => flow.name}
        href={flow => path("flows", flow.name)}
        empty={
          q === undefined ? (
            <Empty
              icon={Workflow}
              title="No flow has run yet"
              command={`PERDURE_API_URL=${location.origin} python my_flow.py`}
            >
              A function with @flow is here once it was called.
            </Empty>
          ) : (
            <Empty title="No flow is called like that">Part of its name is enough, in any case.</Empty>
          )
        }
      />
    </>
  )
}
