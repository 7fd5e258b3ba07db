import { RotateCcw } from "lucide-react"
import { useState } from "react"
import type { Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { FINAL } from "~/components/State"
import { useBecause } from "~/lib/permissions"
import { Rerun } from "./Rerun"

interface RunAgainProps {
  /** The flow run that called the step. */
  run: Schemas["FlowRunModel"]
  step: { id: string; name: string; parent_task_run_id: string | null }
}

/** Runs a flow again from one of its steps; nothing where that cannot be done: in subflows, and before the run has ended. */
export function RunAgain({ run, step }: RunAgainProps) {
  const [asked, setAsked] = useState(false)
  const admin = useBecause("admin")
  if (run.parent_flow_run_id !== null || step.parent_task_run_id !== null || !FINAL.has(run.state?.type ?? "PENDING"))
    return null
  return (
    <>
      <Button icon={<RotateCcw size={13} aria-hidden />} because={admin} onClick={() => setAsked(true)}>
        Run again from here…
      </Button>
      {asked && <Rerun run={run} from={step} onClose={() => setAsked(false)} />}
    </>
  )
}
