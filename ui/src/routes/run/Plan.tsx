import { useQuery } from "@tanstack/react-query"
import type { Schemas } from "~/api/client"
import { Failure, Skeleton } from "~/components/Feedback"
import { count } from "~/lib/format"
import { rerunPlan, resumePlan } from "./queries"
import css from "./Run.module.css"

const WHY: Record<Schemas["RunsAgain"]["why"], string> = {
  failed: "failed",
  unfinished: "did not end",
  "no result": "completed, but the result was not persisted",
  later: "from here on",
}

interface PlanProps {
  id: string
  /** A run that it called, from which on it is run again; without, it is resumed. */
  from?: string
}

/** What resuming a run will do, or running it again, before it is done: what is reused, and what runs again and why. */
export function Plan({ id, from }: PlanProps) {
  const resumed = useQuery({ ...resumePlan(id), enabled: from === undefined })
  const rerun = useQuery({ ...rerunPlan(id, from ?? ""), enabled: from !== undefined })
  const { data, error, refetch } = from === undefined ? resumed : rerun
  if (data === undefined && error) return <Failure what="What will happen" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={3} />
  return (
    <div className={css["plan"]}>
      <p>
        {data.reused === 0
          ? "No call has a persisted result that can be reused."
          : `${count(data.reused, "call")} ${data.reused === 1 ? "does" : "do"} not run again: persisted results are reused.`}
      </p>
      {data.runs_again.length > 0 && (
        <>
          <p>These run again:</p>
          <ul>
            {data.runs_again.map(each => (
              <li key={`${each.of} ${String(each.of_task)} ${each.why}`}>
                {count(each.count, "call")} of {each.of_task ? "task" : "flow"} <strong>{each.of}</strong>{" "}
                <span className="soft">({WHY[each.why]})</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <p className="soft">
        Calls that were not made yet run as usual. Use <code>persist_result=True</code> to reuse a task’s results.
      </p>
    </div>
  )
}
