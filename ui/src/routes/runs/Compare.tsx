import { useQuery } from "@tanstack/react-query"
import { ChevronRight, CircleQuestionMark, Equal, EqualNot, Info } from "lucide-react"
import { useState, type ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Card } from "~/components/Card"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { StateBadge, STATES, type StateType } from "~/components/State"
import { Duration, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useParam } from "~/lib/address"
import { count, duration, essence } from "~/lib/format"
import { Differences } from "../results/Compare"
import { runComparison } from "../run/queries"
import css from "./Compare.module.css"

type Found = Schemas["RunComparisonModel"]
type Run = Schemas["FlowRunModel"]

/** Two flow runs beside each other. */
export function Page() {
  const id = useParam("id")
  const other = useParam("other")
  const { data, error, refetch } = useQuery(runComparison(id, other))
  const flow = data?.after.flow_name
  const crumbs = [
    { label: "Flow runs", to: "/flow-runs" },
    ...(flow === undefined ? [] : [{ label: flow, to: path("flows", flow) }]),
  ]
  return (
    <>
      <PageHead title={data?.is_rerun ? "A run and its rerun" : "Two runs"} crumbs={crumbs} />
      {data === undefined && error && <Failure what="The comparison" error={error} retry={refetch} />}
      {data === undefined && !error && <Skeleton lines={8} />}
      {data !== undefined && <Shown found={data} />}
    </>
  )
}

function Shown({ found }: { found: Found }) {
  const parameters = found.parameters.map((each): Row => ({
    name: each.name,
    differs: each.differs,
    before: each.is_in === "after" ? <Missing /> : <Value value={each.before} />,
    after: each.is_in === "before" ? <Missing /> : <Value value={each.after} />,
    note: each.differs === null ? "hidden or cut: not known" : undefined,
  }))
  const isSaid = (each: Schemas["CodePairModel"]) => each.before !== null || each.after !== null
  const unsaid = found.code.filter(each => !isSaid(each)).map(({ what, of }) => (what === "source" ? of : what))
  const code = found.code.filter(isSaid).map((each): Row => ({
    name: each.what === "source" ? `source of ${each.of}` : each.what,
    differs: each.differs,
    before: each.before === null ? <Missing word="not recorded" /> : <code>{each.before}</code>,
    after: each.after === null ? <Missing word="not recorded" /> : <code>{each.after}</code>,
    note: each.changes.length > 0 ? each.changes.join("; ") : undefined,
  }))
  return (
    <div className={css["stack"]}>
      <div className={css["pair"]}>
        <Side run={found.before} title="Before" />
        <Side run={found.after} title="After" />
      </div>
      <Rows title="Parameters" rows={parameters} empty="Neither run was given any." />
      <Calls found={found} />
      <Results found={found} />
      <Rows title="Code" rows={code} empty="Nothing of their code is recorded.">
        {unsaid.length > 0 && (
          <p className={css["none"]}>
            The source of {unsaid.join(", ")} is not recorded: only cache keys that contain it keep it.
          </p>
        )}
      </Rows>
      {found.unknown.length > 0 && (
        <ul className={css["unknown"]} aria-label="What is not known">
          {found.unknown.map(sentence => (
            <li key={sentence}>
              <Info size={14} aria-hidden />
              {sentence}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function Side({ run, title }: { run: Run; title: string }) {
  return (
    <section className={css["side"]} aria-label={title}>
      <p className="faint">{title}</p>
      <h2>
        <Link to={path("flow-runs", run.id)}>{run.name}</Link>
      </h2>
      <p className={css["about"]}>
        <StateBadge state={run.state} />
        <Duration started={run.started} ended={run.ended} />
        <Timestamp time={run.started ?? run.created} />
      </p>
      {run.state?.message && <p className={css["message"]}>{essence(run.state.message)}</p>}
    </section>
  )
}

interface Row {
  name: string
  differs: boolean | null
  before: ReactNode
  after: ReactNode
  note?: string | undefined
}

const WORDS = { true: "differs", false: "equal", null: "not known" }

interface RowsProps {
  title: string
  rows: readonly Row[]
  empty: string
  /** What is said under them. */
  children?: ReactNode
}

/** Names with the values of both runs; those that are equal are out of sight at first. */
function Rows({ title, rows, empty, children }: RowsProps) {
  const [isWhole, setWhole] = useState(false)
  const equal = rows.filter(({ differs }) => differs === false)
  const shown = isWhole ? rows : rows.filter(({ differs }) => differs !== false)
  const toggle = (
    <Button look="quiet" onClick={() => setWhole(!isWhole)}>
      {isWhole ? "Hide equal ones" : `Show ${equal.length.toLocaleString()} equal`}
    </Button>
  )
  return (
    <Card title={title} aside={equal.length > 0 ? toggle : undefined} flush>
      {shown.length === 0 ? (
        <p className={css["none"]}>{rows.length === 0 ? empty : `All ${equal.length.toLocaleString()} are equal.`}</p>
      ) : (
        <table className={css["rows"]} aria-label={title}>
          <Head first="Name" />
          <tbody>
            {shown.map(row => (
              <tr key={row.name}>
                <th scope="row">
                  <Mark differs={row.differs} />
                  <span>{row.name}</span>
                  {row.note !== undefined && <span className="faint">{row.note}</span>}
                </th>
                <td data-of="before">{row.before}</td>
                <td data-of="after">{row.after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {children}
    </Card>
  )
}

function Head({ first, children }: { first: string; children?: ReactNode }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        <th scope="col">Before</th>
        <th scope="col">After</th>
        {children}
      </tr>
    </thead>
  )
}

function Mark({ differs }: { differs: boolean | null }) {
  const Icon = differs === null ? CircleQuestionMark : differs ? EqualNot : Equal
  const word = WORDS[String(differs) as keyof typeof WORDS]
  return <Icon size={14} role="img" aria-label={word} className={css[differs === true ? "differs" : "same"]} />
}

function Missing({ word = "not given" }: { word?: string }) {
  return <span className="faint">{word}</span>
}

function Value({ value }: { value: unknown }) {
  return <pre className={css["value"]}>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
}

/** What each run called, by task: how often, how long, and with what results. */
function Calls({ found }: { found: Found }) {
  const rows = found.calls.slice(1) // the first one are the runs themselves
  if (rows.length === 0) return null
  const hasTimes = rows.some(row => change(row) !== "")
  return (
    <Card title="Calls" flush>
      <table className={css["rows"]} aria-label="Calls">
        <Head first="Task">
          {hasTimes && (
            <th scope="col" className={css["end"]}>
              Time
            </th>
          )}
          <th scope="col">Results</th>
        </Head>
        <tbody>
          {rows.map(row => (
            <tr key={`${row.of} ${String(row.of_task)}`}>
              <th scope="row">
                <span>{row.of}</span>
                {!row.of_task && <span className="faint">flow</span>}
              </th>
              <td data-of="before">
                <Called calls={row.before} />
              </td>
              <td data-of="after">
                <Called calls={row.after} />
              </td>
              {hasTimes && (
                <td data-of="time" className={css["end"]}>
                  {change(row)}
                </td>
              )}
              <td data-of="results">
                <Outcomes row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  )
}

function Called({ calls }: { calls: Schemas["CallsModel"] | null }) {
  if (calls === null) return <Missing word="not called" />
  const states = Object.entries(calls.states).filter(([type]) => type !== "COMPLETED") as [StateType, number][]
  return (
    <span className={css["called"]}>
      <span>{count(calls.count, "call")}</span>
      {calls.seconds !== null && <span className="soft">{duration(calls.seconds * 1_000)}</span>}
      {calls.taken > 0 && <span className="soft">{calls.taken.toLocaleString()} reused</span>}
      {states.map(([type, number]) => (
        <StateBadge
          key={type}
          state={{ type, name: `${number.toLocaleString()} ${STATES[type].word.toLowerCase()}` }}
        />
      ))}
    </span>
  )
}

const NOTABLE = 0.1 // seconds: what takes less differs by chance

/** How much longer the calls of the second run took, all together. */
function change({ before, after }: Schemas["CallsPairModel"]): string {
  if (before?.seconds == null || after?.seconds == null) return ""
  if (Math.max(before.seconds, after.seconds) < NOTABLE || before.seconds === 0) return ""
  const factor = after.seconds / before.seconds
  if (factor >= 2) return `${factor.toFixed(factor < 10 ? 1 : 0)}×`
  const percent = Math.round(100 * (factor - 1))
  return percent === 0 ? "±0%" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)}%`
}

function Outcomes({ row }: { row: Schemas["CallsPairModel"] }) {
  const all: [number, string, boolean | null][] = [
    [row.equal, "equal", false],
    [row.different, row.different === 1 ? "differs" : "differ", true],
    [row.unknown, "not known", null],
  ]
  const shown = all.filter(([number]) => number > 0)
  if (shown.length === 0) return <span className="faint">–</span>
  return (
    <span className={css["outcomes"]}>
      {shown.map(([number, word, differs]) => (
        <span key={word}>
          <Mark differs={differs} /> {number.toLocaleString()} {word}
        </span>
      ))}
    </span>
  )
}

/** Results that are not known to be equal; each opens, and says how they differ. */
function Results({ found: { results, calls, after } }: { found: Found }) {
  const equal = calls.reduce((sum, each) => sum + each.equal, 0)
  if (results.length === 0 && equal === 0) return null
  return (
    <Card title="Results" aside={<span className="faint">{equal.toLocaleString()} equal</span>} flush>
      {results.length === 0 && <p className={css["none"]}>All results that correspond are equal.</p>}
      <ul>
        {results.map(each => (
          <Result key={each.after_id} pair={each} isOfRun={each.after_id === after.id} />
        ))}
      </ul>
    </Card>
  )
}

function Result({ pair, isOfRun }: { pair: Schemas["ResultPairModel"]; isOfRun: boolean }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <li className={css["result"]}>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <ChevronRight size={14} aria-hidden className={isOpen ? css["open"] : undefined} />
        <Mark differs={pair.is_same === null ? null : true} />
        <strong>{pair.name}</strong>
        <span className="soft">
          {isOfRun && "of the flow · "}
          {pair.note ?? words(pair.changes)}
        </span>
      </button>
      {isOpen && (
        <div className={css["difference"]}>
          <Differences id={pair.before_id} other={pair.after_id} />
          <Link to={path("results", pair.before_id, "compare", pair.after_id)}>Both side by side</Link>
        </div>
      )}
    </li>
  )
}

function words(changes: number | null): string {
  return changes === null ? "differ" : `differ in ${count(changes, "place")}`
}
