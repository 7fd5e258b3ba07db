import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query"
import type { Schemas } from "~/api/client"
import { Failure, Skeleton } from "~/components/Feedback"
import { count } from "~/lib/format"
import { rerunPlan, resumePlan } from "./queries"
import css from "./Run.module.css"

type Plan = Schemas["ResumePlan"]
type Why = Schemas["RunsAgain"]["why"]

const WHY: Record<Why, string> = {
  failed: "failed",
  unfinished: "did not end",
  "no result": "its result was not persisted",
  later: "from here on",
  changed: "an argument changes",
  follows: "an input changes",
  again: "",
}

/** What resuming a run will do, before it is done. */
export function ResumePlan({ id }: { id: string }) {
  return (
    <Shown
      query={useQuery(resumePlan(id))}
      rest="Calls that were not made yet run as usual. Use persist_result=True to reuse a task’s results."
    />
  )
}

interface RerunPlanProps {
  id: string
  /** A run that it called, from which on it is run again; without, it is from the start. */
  from: string | undefined
  /** Parameters that are given other values. */
  changed: readonly string[]
}

/** What running a flow again will do, before it is done. */
export function RerunPlan({ id, from, changed }: RerunPlanProps) {
  const query = useQuery({ ...rerunPlan(id, from, changed), placeholderData: keepPreviousData })
  return <Shown query={query} isFromStart={from === undefined} />
}

interface ShownProps {
  query: UseQueryResult<Plan>
  isFromStart?: boolean
  rest?: string
}

function Shown({ query: { data, error, refetch, isPlaceholderData }, isFromStart = false, rest }: ShownProps) {
  if (data === undefined && error) return <Failure what="What will happen" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={3} />
  return (
    <div className={css["plan"]} aria-busy={isPlaceholderData} aria-live="polite">
      <p>{isFromStart ? fromStart(data) : reused(data)}</p>
      {data.runs_again.length > 0 && (
        <>
          <p>These run again:</p>
          <ul className={css["again"]}>
            {data.runs_again.map(each => (
              <li key={`${each.of} ${String(each.of_task)} ${each.why}`}>
                <span>
                  {!each.of_task && <span className="soft">flow </span>}
                  <strong>{each.of}</strong> <span className="soft">× {each.count.toLocaleString()}</span>
                </span>
                {WHY[each.why] !== "" && <span className="soft">{WHY[each.why]}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      {[...data.unknown, ...(rest === undefined ? [] : [rest])].map(sentence => (
        <p key={sentence} className="soft">
          {sentence}
        </p>
      ))}
    </div>
  )
}

function reused({ reused, runs_again: again }: Plan): string {
  if (reused === 0 && again.some(({ why }) => why === "changed")) return "No call is reused."
  if (reused === 0) return "No call has a persisted result that can be reused."
  return `${count(reused, "call")} ${reused === 1 ? "does" : "do"} not run again: persisted results are reused.`
}

function fromStart({ runs_again: again, cached }: Plan): string {
  if (again.length === 0) return "The flow runs from its start. It called no task or flow in this run."
  if (cached === 0) return "The flow runs from its start. No step is reused."
  const total = again.reduce((sum, each) => sum + each.count, 0)
  const has = cached === 1 ? "has a result" : "have results"
  return `The flow runs from its start. No step is reused, but of ${count(total, "call")}, ${cached.toLocaleString()} ${has} in the cache.`
}
