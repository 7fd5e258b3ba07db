import { Markdown } from "./Markdown"
import type { Schemas } from "~/api/client"
import { DataTable, type Column } from "./DataTable"
import { JsonTree } from "./JsonTree"
import { SafeLink } from "./SafeLink"
import { bytes } from "~/lib/format"
import css from "./ArtifactView.module.css"

type Artifact = Schemas["ArtifactModel"]

/** What a run left to look at, by its kind. Nothing in it becomes markup. */
export function ArtifactView({ artifact }: { artifact: Artifact }) {
  return (
    <div className={css["artifact"]}>
      {artifact.description && <p className="soft">{artifact.description}</p>}
      <Content artifact={artifact} />
    </div>
  )
}

function Content({ artifact: { kind, data, key } }: { artifact: Artifact }) {
  const text = (name: string) => (typeof data[name] === "string" ? data[name] : "")
  if (kind === "markdown") return <Markdown text={text("markdown")} />
  if (kind === "link") return <SafeLink to={text("url")} text={text("text") || text("url")} />
  if (kind === "progress") return <Progress percent={Number(data["percent"])} label={key ?? "Progress"} />
  if (kind === "image") {
    const type = /^image\/(png|jpeg|gif|webp)$/.test(text("type")) ? text("type") : null
    const source = type === null ? null : `data:${type};base64,${text("base64")}`
    if (typeof data["size"] === "number") {
      return <p className="faint">An image of {bytes(data["size"])}, which is too large to be kept with a run.</p>
    }
    return source === null ? (
      <SafeLink to={text("url")} text={text("url")} />
    ) : (
      <img src={source} alt={key ?? "Image of a run"} />
    )
  }
  const columns = Array.isArray(data["columns"]) ? data["columns"].map(String) : null
  const rows = Array.isArray(data["rows"]) ? data["rows"] : null
  if (columns === null || rows === null) return <JsonTree value={data} />
  const total = typeof data["total"] === "number" ? data["total"] : rows.length
  const shown = rows
    .slice(0, MOST)
    .map((cells: unknown, index): Row => ({ index, cells: Array.isArray(cells) ? cells : [cells] }))
  const tracks = columns.map((name, at): Column<Row> => ({
    id: `${at} ${name}`,
    header: name,
    width: "minmax(72px, 1fr)",
    align: typeof shown[0]?.cells[at] === "number" ? "end" : undefined,
    value: row => sortable(row.cells[at]),
    cell: row => cellText(row.cells[at]),
  }))
  return (
    <>
      <DataTable label={key ?? "Table"} inline rows={shown} rowId={row => String(row.index)} columns={tracks} />
      {(rows.length > MOST || total > rows.length) && (
        <p className="faint">
          The first {shown.length.toLocaleString()} of {total.toLocaleString()} rows.
          {total > rows.length && ` ${rows.length.toLocaleString()} are kept: more than a MiB is not.`}
        </p>
      )}
    </>
  )
}

interface Row {
  index: number
  cells: unknown[]
}

const MOST = 500 // rows

function sortable(value: unknown): string | number | null {
  return typeof value === "number" || typeof value === "string" ? value : value == null ? null : JSON.stringify(value)
}

function cellText(value: unknown): string {
  if (value == null) return "–"
  return typeof value === "string" ? value : JSON.stringify(value)
}

function Progress({ percent, label }: { percent: number; label: string }) {
  const shown = Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : 0
  return (
    <div className={css["progress"]}>
      <progress aria-label={label} value={shown} max={100} />
      <span>{Math.round(shown)}%</span>
    </div>
  )
}
