import type { UseQueryResult } from "@tanstack/react-query"
import { Button } from "~/components/Button"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Figure, Figures } from "~/components/Figures"
import { Link, path } from "~/components/Link"
import { RunLine } from "~/components/RunLines"
import { StateBadge } from "~/components/State"
import { Duration, Timestamp } from "~/components/Time"
import { duration } from "~/lib/format"
import { summary } from "~/lib/statistics"
import css from "./Deployments.module.css"
import { Matrix } from "./Matrix"
import { lateness } from "./matrix"
import type { ScheduledRun } from "./queries"

/** How the newest runs went: in figures, and tick by tick. */
export function Outcomes({ runs }: { runs: readonly ScheduledRun[] }) {
  if (runs.length === 0) return <p className="faint">It has not run yet.</p>
  const skipped = runs.filter(each => each.run.state?.name === "Skipped").length
  const begun = runs.filter(each => each.run.state?.name !== "Skipped").map(each => each.run)
  const { ended, completed, median } = summary(begun)
  const late = middle(runs.flatMap(each => lateness(each) ?? []))
  return (
    <>
      <Figures>
        <Figure name="Completed" value={ended === 0 ? "–" : `${Math.round((100 * completed) / ended)}%`}>
          of the last {ended.toLocaleString()}
        </Figure>
        <Figure name="Median time" value={median === null ? "–" : duration(median)} />
        <Figure name="Median lateness" value={late === null ? "–" : duration(late)} />
        {skipped > 0 && <Figure name="Skipped" value={skipped.toLocaleString()} />}
      </Figures>
      <Matrix runs={runs} />
    </>
  )
}

function middle(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

const COLUMNS: readonly Column<ScheduledRun>[] = [
  { id: "state", header: "State", width: "116px", cell: ({ run }) => <StateBadge state={run.state} /> },
  {
    id: "name",
    header: "Run",
    width: "minmax(0, 1.8fr)",
    cell: ({ run }) => <Link to={path("flow-runs", run.id)}>{run.name}</Link>,
  },
  {
    id: "partition",
    header: "Partition",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: ({ partition }) => partition ?? <span className="faint">–</span>,
  },
  {
    id: "schedule",
    header: "Schedule",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: ({ schedule }) => <span className="soft">{schedule ?? "By hand"}</span>,
  },
  {
    id: "version",
    header: "Version",
    width: "56px",
    align: "end",
    wide: true,
    cell: ({ version }) => <span className="soft">{version}</span>,
  },
  { id: "due", header: "Due", width: "76px", align: "end", cell: ({ due }) => <Timestamp time={due} /> },
  {
    id: "late",
    header: "Late by",
    width: "68px",
    align: "end",
    wide: true,
    cell: of => {
      const late = lateness(of)
      return late === null ? <span className="faint">–</span> : duration(late)
    },
  },
  {
    id: "took",
    header: "Took",
    width: "72px",
    align: "end",
    cell: ({ run }) => <Duration started={run.started} ended={run.ended} runs={run.run_count} />,
  },
]

const MOST = 10_000

interface Props {
  query: UseQueryResult<ScheduledRun[]>
  limit: number
  more: () => void
}

/** The runs that were due last, and those that are to come. */
export function Runs({ query, limit, more }: Props) {
  if (query.data === undefined) {
    return query.isPending ? <Skeleton lines={6} /> : <Failure what="Runs" error={query.error} retry={query.refetch} />
  }
  return (
    <div className={css["table"]}>
      <DataTable
        label="Runs"
        columns={COLUMNS}
        compact={compact}
        rows={query.data}
        rowId={each => each.run.id}
        href={each => path("flow-runs", each.run.id)}
        empty={<Empty title="It has not run yet">“Run now…” starts a run.</Empty>}
      />
      {query.data.length >= limit && limit < MOST && (
        <p>
          <Button look="quiet" disabled={query.isFetching} onClick={more}>
            Show older runs
          </Button>
        </p>
      )}
    </div>
  )
}

function compact({ run }: ScheduledRun) {
  return <RunLine run={run} time="ago" under="state" />
}
