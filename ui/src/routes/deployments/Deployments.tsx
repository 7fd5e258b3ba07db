import { useQuery } from "@tanstack/react-query"
import { CalendarClock, Pause, Play } from "lucide-react"
import { useMemo, useState } from "react"
import { Button } from "~/components/Button"
import { CompactRow } from "~/components/CompactRow"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { StateBadge } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { useBecause } from "~/lib/permissions"
import css from "./Deployments.module.css"
import { deployments, fullName, type Deployment } from "./queries"
import { RunNow } from "./RunNow"
import { usePause } from "./usePause"
import { NotServed, Paused, When } from "./When"

/** All deployments: when they run, and how they ran last. */
export function Page() {
  const address = useAddress()
  const query = useQuery(deployments())
  const [started, setStarted] = useState<Deployment | null>(null)
  const q = address.one("q")
  const rows = useMemo(() => (query.data ?? []).filter(each => isLike(each, q ?? "")), [query.data, q])
  const columns = useMemo(() => columnsOf(setStarted), [])
  return (
    <>
      <PageHead title="Deployments" about="Flows that start by a schedule, from here, or by the API." />
      <FilterBar>
        <TextFilter main label="Search" value={q} onChange={next => address.set({ q: next })} />
      </FilterBar>
      {query.data === undefined ? (
        query.isPending ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Deployments" error={query.error} retry={query.refetch} />
        )
      ) : (
        <DataTable
          label="Deployments"
          columns={columns}
          compact={Compact}
          rows={rows}
          rowId={each => each.id}
          href={each => path("deployments", each.id)}
          empty={
            q === undefined ? (
              <Empty
                icon={CalendarClock}
                title="There is no deployment yet"
                command={'my_flow.serve(name="nightly", cron="0 6 * * *")'}
              >
                A deployment makes a flow startable by name. This makes one and runs it:
              </Empty>
            ) : (
              <Empty title="No deployment matches">Its name, flow, tags, work pool and description are searched.</Empty>
            )
          }
        />
      )}
      {started !== null && <RunNow of={started} onClose={() => setStarted(null)} />}
    </>
  )
}

function isLike(of: Deployment, wanted: string): boolean {
  const texts = [fullName(of), of.work_pool, of.description ?? "", ...of.tags]
  return texts.some(each => each.toLowerCase().includes(wanted.trim().toLowerCase()))
}

function columnsOf(start: (of: Deployment) => void): readonly Column<Deployment>[] {
  return [
    {
      id: "name",
      header: "Deployment",
      width: "minmax(0, 1.2fr)",
      value: of => of.name,
      cell: of => <Link to={path("deployments", of.id)}>{of.name}</Link>,
    },
    {
      id: "flow",
      header: "Flow",
      width: "minmax(0, 1.1fr)",
      value: of => of.flow_name,
      cell: of => (
        <Link to={path("flows", of.flow_name)} className="soft">
          {of.flow_name}
        </Link>
      ),
    },
    { id: "when", header: "When", width: "minmax(0, 1.8fr)", wide: true, cell: of => <Schedules of={of} /> },
    {
      id: "next",
      header: "Next",
      width: "100px",
      value: of => (of.next === null ? null : Date.parse(of.next)),
      cell: of => <Next of={of} />,
    },
    { id: "last", header: "Last run", width: "124px", wide: true, cell: of => <Last of={of} /> },
    {
      id: "pool",
      header: "Work pool",
      width: "minmax(0, 0.8fr)",
      wide: true,
      value: of => of.work_pool,
      cell: of => <span className="soft">{of.work_pool}</span>,
    },
    {
      id: "actions",
      header: "",
      width: "68px",
      align: "end",
      cell: of => <RowActions of={of} start={start} />,
    },
  ]
}

function Schedules({ of }: { of: Deployment }) {
  const [first, ...rest] = of.schedules
  if (first === undefined) return <span className="faint">By hand</span>
  return (
    <>
      <When schedule={first} />
      {rest.length > 0 && <span className="faint"> +{rest.length}</span>}
    </>
  )
}

function Next({ of }: { of: Deployment }) {
  if (of.paused !== null) return <Paused since={of.paused} />
  if (of.served === false) return <NotServed />
  return <Timestamp time={of.next} />
}

function Last({ of }: { of: Deployment }) {
  if (of.last === null) return <span className="faint">–</span>
  const { run } = of.last
  return (
    <Link to={path("flow-runs", run.id)} title={run.name}>
      <StateBadge state={run.state} />
    </Link>
  )
}

function RowActions({ of, start }: { of: Deployment; start: (of: Deployment) => void }) {
  const because = useBecause("write")
  const pause = usePause(of)
  const isPaused = of.paused !== null
  // Nothing ticks that has no schedule.
  return (
    <span className={css["actions"]}>
      {of.schedules.length > 0 && (
        <Button
          look="quiet"
          because={because}
          aria-label={`${isPaused ? "Resume" : "Pause"} ${fullName(of)}`}
          title={isPaused ? "Resume its schedules" : "Pause its schedules"}
          className={css["small"]}
          disabled={pause.isPending}
          onClick={() => pause.mutate({ action: isPaused ? "resume" : "pause" })}
        >
          {isPaused ? <CalendarClock size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
        </Button>
      )}
      <Button
        look="quiet"
        because={because}
        aria-label={`Run ${fullName(of)} now`}
        title="Run now…"
        className={css["small"]}
        onClick={() => start(of)}
      >
        <Play size={14} aria-hidden />
      </Button>
    </span>
  )
}

/** A deployment as narrow screens have it. */
function Compact(of: Deployment) {
  return (
    <CompactRow
      name={
        <Link to={path("deployments", of.id)} className="cut">
          {of.name}
        </Link>
      }
      aside={<Next of={of} />}
      under={of.flow_name}
      last={of.last !== null && <StateBadge state={of.last.run.state} />}
    />
  )
}
