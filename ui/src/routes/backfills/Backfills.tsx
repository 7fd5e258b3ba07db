import { useQuery } from "@tanstack/react-query"
import { Grid3x3 } from "lucide-react"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Shares } from "~/components/Shares"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { Paused } from "../deployments/When"
import { backfills, type Backfill } from "./queries"
import { countsOf, failuresOf, rangeOf } from "./words"

/** All backfills, and how far they are. */
export function Page() {
  const query = useQuery(backfills())
  return (
    <>
      <PageHead title="Backfills" about="Runs of a deployment for a range of its partitions." />
      {query.data === undefined ? (
        query.isPending ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Backfills" error={query.error} retry={query.refetch} />
        )
      ) : (
        <DataTable
          label="Backfills"
          columns={COLUMNS}
          rows={query.data}
          rowId={each => each.id}
          href={each => path("backfills", each.id)}
          empty={
            <Empty
              icon={Grid3x3}
              title="There is no backfill yet"
              command="perdure backfill start report/nightly --from 2026-01-01 --max-active 4"
            >
              A backfill runs a deployment for partitions that have no run. This starts one:
            </Empty>
          }
        />
      )}
    </>
  )
}

const COLUMNS: readonly Column<Backfill>[] = [
  {
    id: "deployment",
    header: "Deployment",
    width: "minmax(0, 1.2fr)",
    value: of => of.deployment,
    cell: of => <Link to={path("backfills", of.id)}>{of.deployment}</Link>,
  },
  { id: "range", header: "Partitions", width: "minmax(0, 1.4fr)", wide: true, cell: rangeOf },
  {
    id: "progress",
    header: "Progress",
    width: "minmax(120px, 1fr)",
    wide: true,
    cell: of => <Shares counts={countsOf(of)} />,
  },
  {
    id: "done",
    header: "Done",
    width: "108px",
    align: "end",
    value: of => of.done / of.total,
    cell: of => `${of.done.toLocaleString()} of ${of.total.toLocaleString()}`,
  },
  {
    id: "failed",
    header: "Failed",
    width: "70px",
    align: "end",
    wide: true,
    value: failuresOf,
    cell: of => (failuresOf(of) === 0 ? <span className="faint">–</span> : failuresOf(of).toLocaleString()),
  },
  {
    id: "began",
    header: "Began",
    width: "84px",
    align: "end",
    value: of => Date.parse(of.created),
    cell: of => (of.paused === null ? <Timestamp time={of.created} /> : <Paused since={of.paused} />),
  },
]
