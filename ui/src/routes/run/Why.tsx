import { useQuery } from "@tanstack/react-query"
import { CircleHelp, Play, RotateCcw } from "lucide-react"
import type { Schemas } from "~/api/client"
import { Card } from "~/components/Card"
import { DataTable, type Column } from "~/components/DataTable"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { explanation } from "./queries"
import css from "./Why.module.css"

type Component = Schemas["ComponentModel"]
type Involved = Schemas["InvolvedModel"]

/** Why a run called its function, or why it did not. */
export function Why({ id, of }: { id: string; of: "flow-runs" | "task-runs" }) {
  const query = useQuery(explanation(id, of))
  const found = query.data
  if (found === undefined && query.error)
    return <Failure what="The explanation" error={query.error} retry={query.refetch} />
  if (found === undefined) return <Skeleton lines={4} />
  const compared = found.nearest !== null
  return (
    <div className={css["why"]}>
      <p className={css["verdict"]}>
        {found.ran ? <Play size={15} aria-hidden /> : <RotateCcw size={15} aria-hidden />}
        <span>{found.verdict}</span>
      </p>
      {found.advice && (
        <p className={css["advice"]}>
          <CircleHelp size={14} aria-hidden /> {found.advice}
        </p>
      )}
      {found.changes.length > 0 && (
        <ul className={css["changes"]}>
          {found.changes.map(change => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {(found.used ?? found.nearest) && (
        <dl className={css["runs"]}>
          {found.used && <RunLine what="Its result was made by" run={found.used} />}
          {found.nearest && <RunLine what="Compared with" run={found.nearest} />}
        </dl>
      )}
      {found.components.length > 0 && (
        <Card title="Components of the cache key and identity" flush>
          <DataTable
            label="Components"
            inline
            columns={compared ? COMPARED : ALONE}
            rows={found.components}
            rowId={component => `${component.of} ${component.name}`}
          />
        </Card>
      )}
      {found.sources.length > 0 && (
        <Card title="Input results">
          <ul className={css["sources"]}>
            {found.sources.map(source => (
              <li key={`${source.name} ${source.run.id}`}>
                <code>{source.name}</code> from <Link to={path("results", source.run.id)}>{source.run.name}</Link>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {found.unknown.map(each => (
        <p key={each} className="faint">
          {each}
        </p>
      ))}
    </div>
  )
}

function RunLine({ what, run }: { what: string; run: Involved }) {
  const kind = run.flow_run_id === null ? "flow-runs" : "task-runs"
  return (
    <div>
      <dt>{what}</dt>
      <dd>
        <Link to={path(kind, run.id)}>{run.name}</Link>
        {run.flow_run_name !== null && <span className="faint"> in {run.flow_run_name}</span>}{" "}
        <span className="faint">
          <Timestamp time={run.time} />
        </span>
      </dd>
    </div>
  )
}

const OF: Column<Component> = {
  id: "of",
  header: "Of",
  width: "96px",
  cell: each => <span className="soft">{each.of}</span>,
}
const NAME: Column<Component> = {
  id: "name",
  header: "Component",
  width: "minmax(0, 1fr)",
  cell: each => <code>{each.name}</code>,
}
const VALUE: Column<Component> = {
  id: "value",
  header: "Here",
  width: "minmax(0, 2fr)",
  cell: each => <Shown text={each.shown} digest={each.digest} />,
}
const BEFORE: Column<Component> = {
  id: "before",
  header: "Before",
  width: "minmax(0, 2fr)",
  cell: each => <Shown text={each.shown_before} digest={each.before} />,
}
const DIFFERS: Column<Component> = {
  id: "differs",
  header: "",
  width: "80px",
  cell: each =>
    each.differs ? <strong className={css["differs"]}>differs</strong> : <span className="faint">same</span>,
}
const ALONE = [OF, NAME, VALUE]
const COMPARED = [OF, NAME, VALUE, BEFORE, DIFFERS]

function Shown({ text, digest }: { text: string | null; digest: string | null }) {
  if (text !== null) return <span className="mono">{text}</span>
  return <span className="faint mono">{digest ?? "–"}</span>
}
