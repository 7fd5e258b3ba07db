import { useQuery } from "@tanstack/react-query"
import { FileCode } from "lucide-react"
import { useMemo, type ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { highlightedLines } from "~/components/Code"
import { Copyable, CopyButton } from "~/components/Copyable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Segments } from "~/components/Segments"
import { Timestamp } from "~/components/Time"
import { useAddress } from "~/lib/address"
import { diffLines, hunks } from "~/lib/diff"
import { count } from "~/lib/format"
import { sources } from "./queries"
import css from "./Source.module.css"

type FlowSource = Schemas["FlowSource"]

const VIEWS = ["own", "differences", "newest"] as const

/** The source of a flow as a run of it began; where the newest run's is another one, what differs. */
export function Source({ flowRunId }: { flowRunId: string }) {
  const { data, error, refetch } = useQuery(sources(flowRunId))
  const address = useAddress()
  if (data === undefined && error) return <Failure what="The source" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  const { own, newest } = data
  if (own === null) {
    return (
      <Empty icon={FileCode} title="The source was not recorded">
        It is recorded of outermost runs, where PERDURE_FLOW_SOURCES is on and the function is in a file as it runs.
      </Empty>
    )
  }
  if (newest === null || newest.text === own.text) {
    const isSame = newest !== null && newest.run.id !== own.run.id
    return <Text source={own}>{isSame && <Said source={newest}>The same as in the newest run,</Said>}</Text>
  }
  const view = VIEWS.find(each => each === address.one("source")) ?? "own"
  return (
    <>
      <div className={css["choice"]}>
        <Segments
          label="Which source"
          value={view}
          choices={[
            { value: "own", label: "As it ran" },
            { value: "differences", label: "Differences" },
            { value: "newest", label: "Newest" },
          ]}
          onChange={next => address.set({ source: next === "own" ? undefined : next })}
        />
        <Said source={newest}>It has changed since:</Said>
      </div>
      {view === "differences" ? <Differences before={own} after={newest} /> : null}
      {view === "own" ? <Text source={own} /> : null}
      {view === "newest" ? <Text source={newest} /> : null}
    </>
  )
}

/** The newest source of a flow, by its newest run. */
export function NewestSource({ flowRunId }: { flowRunId: string }) {
  const { data, error, refetch } = useQuery(sources(flowRunId))
  if (data === undefined && error) return <Failure what="The source" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  if (data.newest === null) {
    return (
      <Empty icon={FileCode} title="No source was recorded">
        It is recorded as a run begins, where PERDURE_FLOW_SOURCES is on.
      </Empty>
    )
  }
  return (
    <Text source={data.newest}>
      <Said source={data.newest}>As it was in</Said>
    </Text>
  )
}

function Said({ source, children }: { source: FlowSource; children: ReactNode }) {
  return (
    <span className="soft">
      {children} <Link to={path("flow-runs", source.run.id)}>{source.run.name}</Link>,{" "}
      <Timestamp time={source.run.created} />
    </span>
  )
}

function Text({ source, children }: { source: FlowSource; children?: ReactNode }) {
  const lines = useMemo(() => highlightedLines(source.text), [source.text])
  return (
    <Block source={source} about={children} copied={source.text}>
      {lines.map((line, at) => (
        <span key={at} className={css["line"]}>
          <span className={css["number"]}>{source.line + at}</span>
          <span>{line}</span>
        </span>
      ))}
      {source.is_cut && <span className={css["left"]}>What follows is longer than what is kept.</span>}
    </Block>
  )
}

const SIGNS = { same: " ", removed: "−", added: "+" }
const WORDS = { same: "", removed: "Removed: ", added: "Added: " }

function Differences({ before, after }: { before: FlowSource; after: FlowSource }) {
  const { parts, one, other, added, removed } = useMemo(() => {
    const lines = diffLines(before.text.trimEnd().split("\n"), after.text.trimEnd().split("\n"))
    return {
      parts: hunks(lines),
      one: highlightedLines(before.text),
      other: highlightedLines(after.text),
      added: lines.filter(line => line.kind === "added").length,
      removed: lines.filter(line => line.kind === "removed").length,
    }
  }, [before.text, after.text])
  return (
    <Block source={after} about={<span className="soft">{`${count(added, "line")} added, ${removed} removed`}</span>}>
      {parts.map((part, at) =>
        typeof part === "number" ? (
          <span key={at} className={css["left"]}>
            {count(part, "equal line")}
          </span>
        ) : (
          <span key={at} className={[css["line"], css[part.kind]].join(" ")}>
            <span className={css["number"]}>
              {part.before === null ? after.line + (part.after ?? 0) : before.line + part.before}
            </span>
            <span className={css["sign"]} aria-hidden>
              {SIGNS[part.kind]}
            </span>
            <span>
              <span className="hidden">{WORDS[part.kind]}</span>
              {part.before === null ? other[part.after ?? 0] : one[part.before]}
            </span>
          </span>
        ),
      )}
    </Block>
  )
}

interface BlockProps {
  source: FlowSource
  about?: ReactNode
  copied?: string
  children: ReactNode
}

function Block({ source, about, copied, children }: BlockProps) {
  return (
    <section className={css["block"]} aria-label="Source">
      <header className={css["head"]}>
        <FileCode size={14} aria-hidden />
        {source.target !== null && <Copyable text={source.target} shown={shortTarget(source.target)} />}
        {source.run.flow_version !== null && (
          <span className="faint" title={source.run.flow_version}>
            version {source.run.flow_version.slice(0, 12)}
          </span>
        )}
        {source.code_from !== null && <span className="faint mono">{source.code_from}</span>}
        <span className={css["about"]}>{about}</span>
        {copied !== undefined && <CopyButton text={copied} label="Copy the source" />}
      </header>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and so must be reachable */}
      <pre className={css["code"]} tabIndex={0} aria-label="Code" role="region">
        <code>{children}</code>
      </pre>
    </section>
  )
}

/** The file without its folders: "flights.py:pipeline". */
function shortTarget(target: string): string {
  return target.split(/[\\/]/).at(-1) ?? target
}
