import { useMemo } from "react"
import { Facts } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { DataTable, type Column } from "~/components/DataTable"
import { JsonTree } from "~/components/JsonTree"
import { Bytes } from "~/components/Time"
import { readable, type Preview, type Statistics } from "./preview"
import css from "./PreviewView.module.css"

interface Props {
  preview: Preview
  /** Of the value that it is compared with: cells of a table that differ from that one's are marked. */
  other?: Preview | null
}

/** What the process that made a value left to be seen of it. */
export function PreviewView({ preview, other }: Props) {
  switch (preview.kind) {
    case "json":
      return preview.isCut ? <p className="faint">It is too large to be shown.</p> : <JsonTree value={preview.value} />
    case "text":
      return (
        <>
          <CodeBlock code={preview.text} label="Text" />
          <More shown={preview.text.length} all={preview.length} what="characters" />
        </>
      )
    case "bytes":
      return (
        <>
          <CodeBlock code={preview.hex.replace(/(..)/g, "$1 ").trim()} label="Bytes" />
          <More shown={preview.hex.length / 2} all={preview.length} what="bytes" />
        </>
      )
    case "table":
      return <Table preview={preview} other={other?.kind === "table" ? other : undefined} />
    case "array":
      return <Numbers preview={preview} />
    case "image":
      return preview.source === null ? (
        <p className="faint">
          An image of {preview.width} × {preview.height} pixels.
        </p>
      ) : (
        <figure className={css["image"]}>
          <img src={preview.source} alt={`The result: ${preview.width} by ${preview.height} pixels, made smaller`} />
          <figcaption className="faint">
            {preview.width} × {preview.height} pixels
          </figcaption>
        </figure>
      )
    case "exception":
      return <ExceptionView preview={preview} />
    case "object":
      return (
        <>
          {preview.text !== null && <CodeBlock code={preview.text} label="Object" />}
          {preview.fields !== null && <JsonTree value={preview.fields} />}
          {preview.text === null && preview.fields === null && <p className="faint">Only its type is known.</p>}
        </>
      )
  }
}

function More({ shown, all, what }: { shown: number; all: number | null; what: string }) {
  if (all === null || all <= shown) return null
  return (
    <p className="faint">
      The first {shown.toLocaleString()} of {all.toLocaleString()} {what}.
    </p>
  )
}

interface Row {
  index: number
  cells: readonly string[]
}

type TablePreview = Extract<Preview, { kind: "table" }>

function Table({ preview, other }: { preview: TablePreview; other: TablePreview | undefined }) {
  const { columns, head } = preview
  const rows = useMemo(() => head.map((cells, index): Row => ({ index, cells })), [head])
  const tracks = useMemo(
    () =>
      columns.map((column, at): Column<Row> => {
        const there = other?.columns.findIndex(each => each.name === column.name) ?? -1
        const differs = (row: Row) => other !== undefined && other.head[row.index]?.[there] !== row.cells[at]
        const isNumber = /^(u?int|float|decimal|Int|Float|UInt)/.test(column.dtype)
        return {
          id: `${at} ${column.name}`,
          header: column.name,
          width: "minmax(96px, 1fr)",
          align: isNumber ? "end" : undefined,
          value: row => (isNumber ? Number(row.cells[at]) : (row.cells[at] ?? null)),
          cell: row =>
            differs(row) ? (
              <mark title={`${row.cells[at] ?? ""} (differs)`}>{row.cells[at]}</mark>
            ) : (
              <span title={row.cells[at]}>{row.cells[at]}</span>
            ),
        }
      }),
    [columns, other],
  )
  return (
    <>
      <div className={css["table"]}>
        <DataTable
          label="The first rows"
          inline
          rows={rows}
          rowId={row => String(row.index)}
          columns={tracks}
          rowHeight={30}
        />
      </div>
      <p className="faint">
        The first {head.length.toLocaleString()} of {(preview.rows ?? head.length).toLocaleString()} rows.{" "}
        {preview.memory !== null && (
          <>
            <Bytes size={preview.memory} /> in memory.
          </>
        )}
      </p>
      <details className={css["schema"]}>
        <summary>{columns.length} columns</summary>
        <Facts facts={columns.map((column, at) => [column.name || `(${at})`, <code key={at}>{column.dtype}</code>])} />
      </details>
    </>
  )
}

function Numbers({ preview }: { preview: Extract<Preview, { kind: "array" }> }) {
  const { shape, dtype, stats, head } = preview
  return (
    <div className={css["array"]}>
      <Facts
        facts={[
          [
            "Shape",
            <code key="shape">
              {shape.length === 0 ? "a single value" : shape.map(each => each.toLocaleString()).join(" × ")}
            </code>,
          ],
          ["Type", <code key="dtype">{dtype}</code>],
          ["Size", <Bytes key="size" size={preview.bytes} />],
          ...(stats === null
            ? []
            : ([
                ["Least", readable(stats.min)],
                ["Mean", readable(stats.mean)],
                ["Greatest", readable(stats.max)],
                ["No numbers", stats.nan.toLocaleString()],
              ] as const)),
        ]}
      />
      {stats !== null && stats.histogram.length > 0 && <Histogram stats={stats} />}
      {head != null && <CodeBlock code={rowsOf(head)} label="The first values" />}
    </div>
  )
}

/** The first values, a row a line, in columns. */
function rowsOf(head: unknown): string {
  if (!Array.isArray(head)) return JSON.stringify(head)
  return head.map(row => (Array.isArray(row) ? row : [row]).map(cell => String(cell).padStart(11)).join(" ")).join("\n")
}

function Histogram({ stats }: { stats: Statistics }) {
  const largest = Math.max(1, ...stats.histogram)
  const width = 100 / stats.histogram.length
  return (
    <figure className={css["histogram"]}>
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label="How the values are distributed">
        {stats.histogram.map((count, index) => (
          <rect
            key={index}
            x={index * width + width * 0.08}
            width={width * 0.84}
            y={40 - (count / largest) * 40}
            height={(count / largest) * 40}
          >
            <title>{count.toLocaleString()}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span>{readable(stats.min)}</span>
        {stats.sampled !== null && <span>of a sample of {stats.sampled.toLocaleString()}</span>}
        <span>{readable(stats.max)}</span>
      </figcaption>
    </figure>
  )
}

function ExceptionView({ preview }: { preview: Extract<Preview, { kind: "exception" }> }) {
  return (
    <div className={css["exception"]}>
      <p>
        <strong>{preview.type.split(".").at(-1)}</strong>: {preview.message}
      </p>
      <ol>
        {[...preview.frames].reverse().map((frame, index) => (
          <li key={index}>
            <code>{frame.in}</code>{" "}
            <span className="faint mono">
              {frame.file}:{frame.line}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}
