import { useQuery } from "@tanstack/react-query"
import type { Schemas } from "~/api/client"
import { Duration } from "~/components/Time"
import { duration } from "~/lib/format"
import { useNow } from "~/lib/now"
import { begunAgain, spentOf } from "~/lib/spent"
import { flowRunStates, taskRunStates } from "./queries"

type Run = Schemas["FlowRunModel"] | Schemas["TaskRunModel"]

/** How long a run ran; what it waited, and was without a process, apart. */
export function Spent({ run }: { run: Run }) {
  // The usual run ran once, from its start to its end: its states say nothing more.
  const isOnce = run.run_count <= 1 && run.state?.type !== "PAUSED" && run.state?.type !== "SCHEDULED"
  if (run.run_count <= 1 && run.state?.is_stopped) {
    return (
      <span title="From its start until it was noticed that its process was lost">
        at most <Duration started={run.started} ended={run.ended} />
      </span>
    )
  }
  return isOnce ? <Duration started={run.started} ended={run.ended} /> : <Parts run={run} />
}

function Parts({ run }: { run: Run }) {
  const now = useNow()
  const query = "flow_name" in run ? flowRunStates(run.id) : taskRunStates(run.id, run.ended === null)
  const { data } = useQuery(query)
  if (run.started === null || data === undefined) return <span className="faint">–</span>
  const { ran, waited, lost } = spentOf(data, now)
  return (
    <>
      <span title="How long it ran">{duration(ran)}</span>
      {waited > 0 && (
        <span className="faint" title="Paused, suspended, or before another try">
          {" "}
          · waited {duration(waited)}
        </span>
      )}
      {lost > 0 && (
        <span
          className="faint"
          title="From its last start until it was noticed that its process was lost, and until it was resumed or retried"
        >
          {" "}
          · {duration(lost)} until it was resumed
        </span>
      )}
    </>
  )
}

/** What a run that began to run more than once did between: was tried again, resumed, continued. */
export function Attempts({ run }: { run: Run }) {
  const isAsked = run.run_count > 1
  const query = "flow_name" in run ? flowRunStates(run.id) : taskRunStates(run.id, run.ended === null)
  const { data } = useQuery({ ...query, enabled: isAsked })
  return isAsked && data !== undefined ? <span>{begunAgain(data)}</span> : null
}
