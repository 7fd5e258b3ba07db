import { useQuery } from "@tanstack/react-query"
import { Pause, Play, TriangleAlert, Zap } from "lucide-react"
import { Button } from "~/components/Button"
import { CompactRow } from "~/components/CompactRow"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useBecause } from "~/lib/permissions"
import { Paused } from "../deployments/When"
import css from "./Automations.module.css"
import { OutcomeBadge } from "./Outcome"
import { automations, usePause, type Automation } from "./queries"
import { actionOf, triggerOf, UNREADABLE } from "./words"

/** All automations: what they wait for, what they do, and when they did it last. */
export function Page() {
  const query = useQuery(automations())
  return (
    <>
      <PageHead title="Automations" about="What is done when an event comes, or does not come in time." />
      {query.data === undefined ? (
        query.isPending ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Automations" error={query.error} retry={query.refetch} />
        )
      ) : (
        <DataTable
          label="Automations"
          columns={COLUMNS}
          compact={Compact}
          rows={query.data}
          rowId={each => each.id}
          href={each => path("automations", each.name)}
          empty={
            <Empty
              icon={Zap}
              title="There is no automation yet"
              command="perdure automation create failures --on flow-run.failed --notify '{event.run.name} failed'"
            >
              An automation starts, pauses, cancels or notifies by itself. This makes one:
            </Empty>
          }
        />
      )}
    </>
  )
}

const COLUMNS: readonly Column<Automation>[] = [
  {
    id: "name",
    header: "Automation",
    width: "minmax(0, 1fr)",
    value: of => of.name,
    cell: of => (
      <>
        <Link to={path("automations", of.name)}>{of.name}</Link>
        <Warned of={of} />
      </>
    ),
  },
  {
    id: "on",
    header: "Waits for",
    width: "minmax(0, 1.8fr)",
    wide: true,
    cell: of => <span title={waitsFor(of)}>{waitsFor(of)}</span>,
  },
  {
    id: "does",
    header: "Does",
    width: "minmax(0, 1.3fr)",
    cell: of => <span className="soft">{of.definition?.actions.map(actionOf).join(", ") ?? "–"}</span>,
  },
  { id: "last", header: "Last", width: "110px", wide: true, cell: of => <Last of={of} /> },
  {
    id: "when",
    header: "Acted",
    width: "84px",
    align: "end",
    value: of => (of.last === null ? null : Date.parse(of.last.time)),
    cell: of => (of.paused === null ? <Timestamp time={of.last?.time ?? null} /> : <Paused since={of.paused} />),
  },
  { id: "actions", header: "", width: "40px", align: "end", cell: of => <PauseButton of={of} /> },
]

/** That it names what is not there, and what. */
function Warned({ of }: { of: Automation }) {
  if (of.warnings.length === 0) return null
  return (
    <span className={css["warned"]} title={of.warnings.join("\n")}>
      <TriangleAlert size={13} role="img" aria-label={of.warnings.join(" ")} />
    </span>
  )
}

function waitsFor({ definition }: Automation): string {
  return definition === null ? UNREADABLE : triggerOf(definition.trigger)
}

function Last({ of }: { of: Automation }) {
  return of.last === null ? <span className="faint">–</span> : <OutcomeBadge outcome={of.last.outcome} />
}

function PauseButton({ of }: { of: Automation }) {
  const because = useBecause("write")
  const pause = usePause(of)
  const isPaused = of.paused !== null
  const what = isPaused ? "Resume" : "Pause"
  return (
    <Button
      look="quiet"
      because={because}
      aria-label={`${what} ${of.name}`}
      title={what}
      className={css["small"]}
      disabled={pause.isPending}
      onClick={() => pause.mutate(isPaused ? "resume" : "pause")}
    >
      {isPaused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
    </Button>
  )
}

/** An automation as narrow screens have it. */
function Compact(of: Automation) {
  return (
    <CompactRow
      name={
        <Link to={path("automations", of.name)} className="cut">
          {of.name}
        </Link>
      }
      aside={of.paused === null ? <Timestamp time={of.last?.time ?? null} /> : <Paused since={of.paused} />}
      under={waitsFor(of)}
      last={of.last !== null && <Last of={of} />}
    />
  )
}
