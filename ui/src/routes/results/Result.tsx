import { useMutation, useQuery } from "@tanstack/react-query"
import { CircleAlert, Download, GitCompare, ShieldCheck, ShieldX } from "lucide-react"
import { lazy, Suspense } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { result, session } from "~/api/queries"
import { Button } from "~/components/Button"
import { Card, Facts } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { Copyable } from "~/components/Copyable"
import { Failure, messageOf, Skeleton } from "~/components/Feedback"
import { JsonTree } from "~/components/JsonTree"
import { Link, path } from "~/components/Link"
import { StateBadge } from "~/components/State"
import { Bytes, Timestamp } from "~/components/Time"
import { failed } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useParam } from "~/lib/address"
import { shortType } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import { Earlier } from "./Earlier"
import { previewOf } from "./preview"
import { PreviewView } from "./PreviewView"
import { snippet } from "./queries"
import { KINDS } from "./Results"
import css from "./Results.module.css"

const Lineage = lazy(async () => ({ default: (await import("./Lineage")).Lineage }))

type Result = Schemas["ResultModel"]

/** One result: its preview, its location, its lineage, and how to load it. */
export function Page() {
  const id = useParam("id")
  const { data, error, refetch } = useQuery(result(id))
  if (data === undefined && error) return <Failure what="The result" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  return <Shown result={data} />
}

function Shown({ result: it }: { result: Result }) {
  const isStored = it.kind === "persisted" && it.removed === null
  const verify = useMutation({
    mutationFn: () => unwrap(client.POST("/api/results/{id}/verify", { params: { path: { id: it.run_id } } })),
  })
  const download = useMutation({
    mutationFn: () => unwrap(client.POST("/api/results/{id}/link", { params: { path: { id: it.run_id } } })),
    onSuccess: link => {
      const to = new URL(link.url, location.origin)
      if (to.origin === location.origin) location.assign(to)
    },
    onError: error => failed("It cannot be downloaded", error),
  })
  const write = useBecause("write")
  const { data: server } = useQuery(session())
  const refused = `This server serves no values: it was started without --serve-values. Load it with: perdure result get ${it.run_id}`
  const read = server?.serves_values === false ? refused : write
  const run = it.run
  const crumbs = [
    { label: "Results", to: "/results" },
    ...(run?.flow_run_id ? [{ label: run.flow_run_name ?? "Flow run", to: path("flow-runs", run.flow_run_id) }] : []),
    ...(run === null
      ? []
      : [{ label: run.name, to: path(run.kind === "flow run" ? "flow-runs" : "task-runs", run.id) }]),
  ]
  const about = (
    <div className={css["about"]}>
      <code title={it.type}>{shortType(it.type)}</code>
      <span>{KINDS[it.kind] ?? it.kind}</span>
      {it.size !== null && <Bytes size={it.size} />}
      <Timestamp time={it.created} />
      {run?.state_type && <StateBadge state={{ type: run.state_type, name: run.state_type.toLowerCase() }} />}
    </div>
  )
  const actions = isStored && (
    <>
      <Button icon={<ShieldCheck size={13} aria-hidden />} disabled={verify.isPending} onClick={() => verify.mutate()}>
        Verify
      </Button>
      <Button
        icon={<Download size={13} aria-hidden />}
        because={read}
        disabled={download.isPending}
        onClick={() => download.mutate()}
      >
        Download
      </Button>
    </>
  )
  const name = run === null ? it.run_id : run.name
  return (
    <>
      <PageHead title={`Result of ${name}`} crumbs={crumbs} about={about} actions={actions} />
      {it.removed !== null && (
        <p className={css["said"]}>
          <CircleAlert size={15} aria-hidden color="var(--crashed)" />
          <span>
            Its document was removed from the storage <Timestamp time={it.removed} />. Its record stays.
          </span>
        </p>
      )}
      {verify.data && <Verdict verdict={verify.data} />}
      {verify.error && (
        <p role="alert" className={css["said"]}>
          <CircleAlert size={15} aria-hidden color="var(--danger)" /> <span>{messageOf(verify.error)}</span>
        </p>
      )}
      <div className={css["columns"]}>
        <div className={css["stack"]}>
          <Card title="Value">
            <Value result={it} />
          </Card>
          <Card title="Lineage">
            <Suspense fallback={<Skeleton lines={5} />}>
              <Lineage id={it.run_id} />
            </Suspense>
          </Card>
        </div>
        <div className={css["stack"]}>
          <Card title="Facts">
            <Facts facts={factsOf(it)} />
          </Card>
          <HowTo id={it.run_id} />
          {run !== null && (
            <Card title="Compare with" aside={<GitCompare size={14} aria-hidden />}>
              <Earlier id={it.run_id} run={run} />
            </Card>
          )}
        </div>
      </div>
    </>
  )
}

function Value({ result: it }: { result: Result }) {
  const preview = previewOf(it.preview)
  if (preview !== null) return <PreviewView preview={preview} />
  if (it.value !== null && it.value !== undefined) return <JsonTree value={it.value} />
  if (it.kind === "literal") return <code>None</code>
  return (
    <p className="faint">
      {it.kind === "unpersisted"
        ? "It was not persisted: use persist_result=True to load its value again, and see it here."
        : "It has no preview."}
    </p>
  )
}

function Verdict({ verdict }: { verdict: Schemas["VerdictModel"] }) {
  const isFine = verdict.finding === "ok"
  return (
    <p role="status" className={css["said"]}>
      {isFine ? (
        <ShieldCheck size={15} aria-hidden color="var(--completed)" />
      ) : (
        <ShieldX size={15} aria-hidden color="var(--danger)" />
      )}
      <span>
        <strong>{isFine ? "It exists and is whole." : `It is ${verdict.finding}.`}</strong> {verdict.reason}
      </span>
    </p>
  )
}

function factsOf(it: Result): readonly (readonly [string, React.ReactNode])[] {
  const serializer = it.serializer as { type?: unknown } | null
  const facts: (readonly [string, React.ReactNode] | null)[] = [
    ["Type", <code key="type">{it.type}</code>],
    ["Kept", KINDS[it.kind] ?? it.kind],
    it.storage_key === null ? null : ["Key", <Copyable key="key" text={it.storage_key} />],
    it.storage_id === null ? null : ["Storage", <Storage key="storage" id={it.storage_id} />],
    serializer === null
      ? null
      : ["Serializer", <code key="serializer">{typeof serializer.type === "string" ? serializer.type : "–"}</code>],
    it.size === null ? null : ["Size", <Bytes key="size" size={it.size} />],
    it.digest === null ? null : ["Digest", <Copyable key="digest" text={it.digest} />],
    ["Created", <Timestamp key="created" time={it.created} />],
    ["Expires", it.expires === null ? "Never" : <Timestamp key="expires" time={it.expires} />],
    it.cache_key === null ? null : ["Cache key", <Copyable key="cache" text={it.cache_key} />],
    it.item_of === null ? null : ["Item", `${it.number ?? "?"} of a generator`],
    ["Run", <Copyable key="run" text={it.run_id} />],
  ]
  return facts.filter(fact => fact !== null)
}

/** A storage by its name, where it was saved under one. */
function Storage({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ["blocks"], queryFn: () => unwrap(client.GET("/api/blocks")) })
  const block = data?.find(each => each.id === id)
  if (block?.name == null) return <span className="faint">one that has no name</span>
  return <Link to="/blocks">{`${block.type}/${block.name}`}</Link>
}

function HowTo({ id }: { id: string }) {
  const { data } = useQuery(snippet(id))
  if (data === undefined) return null
  return (
    <Card title="Load it in Python">
      <div className={css["code"]}>
        <CodeBlock code={data.python} label="Python" />
        <CodeBlock code={data.shell} label="Shell" />
      </div>
    </Card>
  )
}
