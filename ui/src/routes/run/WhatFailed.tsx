import { useQuery } from "@tanstack/react-query"
import { ChevronRight } from "lucide-react"
import type { Schemas } from "~/api/client"
import { flowRun, flowRunCount, taskRun } from "~/api/queries"
import { Link, path } from "~/components/Link"
import { count } from "~/lib/format"
import { taskRunCount } from "~/routes/runs/queries"
import { Given } from "./Given"
import { failurePath, lastTraceback } from "./queries"
import css from "./Run.module.css"
import { Traceback } from "./Traceback"

type Name = Schemas["RunName"]

/** Why a flow run failed: the run below it in which the failure began, the way there, and that run's exception. */
export function FailedFlow({ run }: { run: Schemas["FlowRunModel"] }) {
  const { data, isPending } = useQuery(failurePath(run.id))
  const first = data?.at(-1)
  const isOwn = first === undefined || first.id === run.id
  const stopped = useStopped(run, !isPending && isOwn)
  if (isPending || stopped === undefined) return null
  if (stopped > 0) {
    return (
      <>
        <p className={css["way"]}>It was stopped while {count(stopped, "call")} ran or waited.</p>
        {run.state?.message && <Traceback text={run.state.message} />}
      </>
    )
  }
  if (isOwn) return <FailedRun id={run.id} kind="flow run" state={run.state} />
  return (
    <>
      <nav aria-label="Where it failed" className={css["way"]}>
        <span className="faint">It failed in</span>
        {data?.slice(1).map((each, index) => (
          <span key={each.id}>
            {index > 0 && <ChevronRight size={12} aria-hidden />}
            <Link to={hrefOf(each)}>{each.name}</Link>
          </span>
        ))}
      </nav>
      <Below run={first} />
    </>
  )
}

/** How many calls a crashed run's end has ended with it: they have the time of their end in common. */
function useStopped(run: Schemas["FlowRunModel"], isOwn: boolean): number | undefined {
  const isAsked = isOwn && run.state?.type === "CRASHED" && run.ended !== null
  const filter = { state: ["CRASHED" as const], ended_after: run.ended ?? undefined }
  const tasks = useQuery({ ...taskRunCount({ ...filter, flow_run: run.id }), enabled: isAsked })
  const flows = useQuery({ ...flowRunCount({ ...filter, parent: run.id }), enabled: isAsked })
  if (!isAsked || tasks.error || flows.error) return 0
  return tasks.data && flows.data && tasks.data.count + flows.data.count
}

/** A failed run by its name alone: its state is asked for. */
function Below({ run }: { run: Name }) {
  const isTask = run.kind === "task run"
  const task = useQuery({ ...taskRun(run.id), enabled: isTask })
  const flow = useQuery({ ...flowRun(run.id), enabled: !isTask })
  const state = isTask ? task.data?.state : flow.data?.state
  return state === undefined ? null : <FailedRun id={run.id} kind={run.kind} state={state} />
}

/** The exception's traceback if it was logged, else the message of the state. */
export function FailedRun({ id, kind, state }: Pick<Name, "id" | "kind"> & { state: Schemas["StateModel"] | null }) {
  const { data, isPending } = useQuery(lastTraceback(kind === "flow run" ? { flowRunId: id } : { taskRunId: id }))
  if (isPending) return null
  const text = data?.message ?? state?.message
  return (
    <>
      {text != null && <Traceback text={text} />}
      <Given id={id} kind={kind} />
    </>
  )
}

function hrefOf(run: Name): string {
  return path(run.kind === "flow run" ? "flow-runs" : "task-runs", run.id)
}
