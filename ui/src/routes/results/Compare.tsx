import { useQuery } from "@tanstack/react-query"
import { Equal, EqualNot, Info } from "lucide-react"
import type { Schemas } from "~/api/client"
import { result } from "~/api/queries"
import { Card, Facts } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Bytes, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useParam } from "~/lib/address"
import { count } from "~/lib/format"
import { previewOf, readable, type Preview } from "./preview"
import { PreviewView } from "./PreviewView"
import { comparison } from "./queries"
import css from "./Results.module.css"

const BY = {
  digest: "Their digests say so.",
  value: "Their values were compared.",
  preview: "",
}

/** Two results side by side, the older one first, however they were chosen. */
export function Page() {
  const chosen = [useParam("id"), useParam("other")] as const
  const [one, two] = [useQuery(result(chosen[0])), useQuery(result(chosen[1]))]
  const isSwapped = one.data !== undefined && two.data !== undefined && one.data.created > two.data.created
  const [id, other] = isSwapped ? [chosen[1], chosen[0]] : chosen
  const before = previewOf((isSwapped ? two : one).data?.preview)
  const isOrdered = !one.isPending && !two.isPending
  const { data, error, refetch } = useQuery({ ...comparison(id, other), enabled: isOrdered })
  return (
    <>
      <PageHead title="Two results" crumbs={[{ label: "Results", to: "/results" }]} />
      {data === undefined && error && <Failure what="The comparison" error={error} retry={refetch} />}
      {data === undefined && !error && <Skeleton lines={2} />}
      {data !== undefined && <Verdict found={data} />}
      <div className={css["pair"]}>
        <Side id={id} title="Before" other={other} />
        <Side id={other} title="After" other={id} />
      </div>
      {data !== undefined && data.changes.length > 0 && (
        <Card title={`What differs: ${count(data.changes.length + data.more, "place")}`}>
          <Changes found={data} before={before} />
        </Card>
      )}
    </>
  )
}

/** How two results differ, without what they are. */
export function Differences({ id, other }: { id: string; other: string }) {
  const { data, error, refetch } = useQuery(comparison(id, other))
  if (data === undefined && error) return <Failure what="The comparison" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={2} />
  return (
    <>
      <Verdict found={data} />
      <Changes found={data} before={null} />
    </>
  )
}

function Changes({ found, before }: { found: Schemas["Comparison"]; before: Preview | null }) {
  return (
    <>
      <ul className={css["changes"]}>
        {found.changes.map(change => (
          <li key={`${change.path} ${change.kind}`}>
            <ChangeLine change={change} place={placeOf(change.path, before)} />
          </li>
        ))}
      </ul>
      {found.more > 0 && <p className="faint">{found.more.toLocaleString()} more differ.</p>}
    </>
  )
}

function Verdict({ found }: { found: Schemas["Comparison"] }) {
  const words =
    found.is_same === null ? "Whether they are equal is not known" : found.is_same ? "They are equal" : "They differ"
  const Icon = found.is_same === null ? Info : found.is_same ? Equal : EqualNot
  return (
    <>
      <p className={css["said"]}>
        <Icon size={15} aria-hidden />
        <span>
          <strong>{words}.</strong> {found.by !== null && BY[found.by]} {found.note}{" "}
          {found.chunks !== null && (
            <>
              {found.chunks.count.toLocaleString()} of {count(found.chunks.total, "chunk")} differ (
              <Bytes size={found.chunks.size} />
              ).
            </>
          )}
        </span>
      </p>
      {found.is_same === null && (
        <div style={{ marginBottom: 14 }}>
          <CodeBlock code={found.command} label="Command" />
        </div>
      )}
    </>
  )
}

function Side({ id, title, other }: { id: string; title: string; other: string }) {
  const { data, error, refetch } = useQuery(result(id))
  const compared = useQuery(result(other))
  if (data === undefined && error) return <Failure what="The result" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={6} />
  const preview = previewOf(data.preview)
  return (
    <Card
      title={
        <>
          {title}: <Link to={path("results", id)}>{data.run?.name ?? id}</Link>
        </>
      }
      aside={<Timestamp time={data.created} />}
    >
      <div className={css["stack"]}>
        <Facts
          facts={[
            ["Type", <code key="type">{data.type}</code>],
            ["Size", <Bytes key="size" size={data.size} />],
            ["Run of", data.run?.flow_run_name ?? "–"],
          ]}
        />
        {preview === null ? (
          <p className="faint">It has no preview.</p>
        ) : (
          <PreviewView preview={preview} other={previewOf(compared.data?.preview)} />
        )}
      </div>
    </Card>
  )
}

const KINDS = { added: "added", removed: "removed", changed: "changed", retyped: "of another type" }

/** A place in a preview's first rows as people say it; any other as it is. */
function placeOf(path: string, preview: Preview | null): string {
  const [, row, column] = /^\['head'\]\[(\d+)\]\[(\d+)\]$/.exec(path) ?? []
  const name = preview?.kind === "table" ? preview.columns[Number(column)]?.name : undefined
  return row === undefined || name === undefined ? path || "the value" : `row ${Number(row) + 1}, column ${name}`
}

function ChangeLine({ change, place }: { change: Schemas["ChangeModel"]; place: string }) {
  return (
    <>
      <p>
        <code>{place}</code> <span className="soft">{KINDS[change.kind]}</span>
        {change.total > 0 && (
          <span className="faint">
            {" "}
            {change.count.toLocaleString()} of {change.total.toLocaleString()}
            {change.largest !== null && `, by at most ${readable(change.largest)}`}
          </span>
        )}
      </p>
      {change.lines.length > 0 ? (
        <pre className={css["lines"]}>
          {change.lines.map((line, index) => (
            <span
              key={index}
              className={line.startsWith("+") ? css["added"] : line.startsWith("-") ? css["gone"] : undefined}
            >
              {line.replace(/\n?$/, "\n")}
            </span>
          ))}
        </pre>
      ) : (
        <div className={css["values"]}>
          {change.before !== null && <Line of="before" text={change.before} />}
          {change.after !== null && <Line of="after" text={change.after} />}
        </div>
      )}
      {change.samples.map(sample => (
        <p key={sample.place} className="mono faint">
          {sample.place}: {sample.before} → {sample.after}
        </p>
      ))}
    </>
  )
}

function Line({ of, text }: { of: "before" | "after"; text: string }) {
  return (
    <>
      <span className="faint">{of}</span>
      <code className={of === "before" ? css["gone"] : css["added"]}>{text}</code>
    </>
  )
}
