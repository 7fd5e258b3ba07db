import { useQuery } from "@tanstack/react-query"
import { Box } from "lucide-react"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Bytes, Timestamp } from "~/components/Time"
import { shortType } from "~/lib/format"
import { newestResults, type Result } from "./queries"

const COLUMNS: readonly Column<Result>[] = [
  {
    id: "type",
    header: "Type",
    width: "minmax(0, 1fr)",
    cell: result => (
      <Link to={path("results", result.run_id)} className="mono">
        {shortType(result.type)}
      </Link>
    ),
  },
  {
    id: "kind",
    header: "Kind",
    width: "100px",
    wide: true,
    cell: result => <span className="soft">{result.kind}</span>,
  },
  {
    id: "run",
    header: "Of",
    width: "minmax(0, 1.4fr)",
    cell: result => (
      <Link to={path(result.of_task ? "task-runs" : "flow-runs", result.run_id)} className="soft">
        {result.run?.name ?? result.run_id}
        {result.run?.flow_run_name != null && <span className="faint"> in {result.run.flow_run_name}</span>}
      </Link>
    ),
  },
  { id: "size", header: "Size", width: "80px", align: "end", cell: result => <Bytes size={result.size} /> },
  {
    id: "created",
    header: "Created",
    width: "84px",
    align: "end",
    cell: result => <Timestamp time={result.created} />,
  },
]

/** The newest results of a flow's runs, and of the tasks that they called. */
export function Results({ flow }: { flow: string }) {
  const query = useQuery(newestResults(flow))
  if (query.isError && query.data === undefined) {
    return <Failure what="Results" error={query.error} retry={query.refetch} />
  }
  if (query.data === undefined) return <Skeleton lines={8} />
  return (
    <DataTable
      label="Last results"
      inline
      columns={COLUMNS}
      rows={query.data.items}
      rowId={result => result.run_id + String(result.number ?? "")}
      href={result => path("results", result.run_id)}
      empty={
        <Empty icon={Box} title="No result of this flow is known" command="@flow(persist_result=True)">
          What its runs return is here once one has ended.
        </Empty>
      }
    />
  )
}
