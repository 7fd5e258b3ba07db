import { useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { RotateCcw } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { ConfirmDialog } from "~/components/Dialog"
import { path } from "~/components/Link"
import { FINAL } from "~/components/State"
import { done } from "~/components/Toast"
import { useBecause } from "~/lib/may"
import { useByHand } from "./byHand"
import { Plan } from "./Plan"
import css from "./Run.module.css"

interface RunAgainProps {
  /** The flow run that called the step. */
  run: Schemas["FlowRunModel"]
  step: { id: string; name: string; parent_task_run_id: string | null }
}

/** Runs a flow again from one of its steps; nothing where that cannot be done: in subflows, and before the run has ended. */
export function RunAgain({ run, step }: RunAgainProps) {
  const [asked, setAsked] = useState(false)
  const [byHand, byHandDialog] = useByHand(run.name)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const admin = useBecause("admin")
  if (run.parent_flow_run_id !== null || step.parent_task_run_id !== null || !FINAL.has(run.state?.type ?? "PENDING"))
    return null
  const rerun = async () => {
    const asks = { params: { path: { id: run.id } }, body: { from_step: step.id } }
    try {
      const next = await unwrap(client.POST("/api/flow-runs/{id}/rerun", asks))
      done(next.id === run.id ? `${run.name} runs again` : `${next.name} runs`)
      await queries.invalidateQueries({ queryKey: ["flow-runs"] })
      if (next.id !== run.id) await navigate({ to: path("flow-runs", next.id) })
    } catch (error) {
      byHand("run again")(error)
    }
  }
  return (
    <>
      <Button icon={<RotateCcw size={13} aria-hidden />} because={admin} onClick={() => setAsked(true)}>
        Run again from here…
      </Button>
      <ConfirmDialog
        open={asked}
        onClose={() => setAsked(false)}
        title={`Run ${run.name} again from ${step.name}?`}
        action="Run again"
        onConfirm={rerun}
      >
        <div className={css["plan"]}>
          <p>A new run is made with the same arguments. The earlier one stays as it is.</p>
          <Plan id={run.id} from={step.id} />
        </div>
      </ConfirmDialog>
      {byHandDialog}
    </>
  )
}
