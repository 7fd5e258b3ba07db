import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { Ban, Play, RotateCcw, Trash2 } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { session } from "~/api/queries"
import { Button } from "~/components/Button"
import { CodeBlock } from "~/components/Code"
import { ConfirmDialog, Dialog } from "~/components/Dialog"
import { Field } from "~/components/Field"
import { FINAL } from "~/components/State"
import { done } from "~/components/Toast"
import { useBecause } from "~/lib/permissions"
import { useByHand } from "./byHand"
import { Continue } from "./Continue"
import { ResumePlan } from "./Plan"
import { start } from "./queries"
import { Rerun } from "./Rerun"
import css from "./Run.module.css"

type FlowRun = Schemas["FlowRunModel"]

/** What can be done with a flow run as it stands. */
export function Actions({ run }: { run: FlowRun }) {
  const [asked, setAsked] = useState<"cancel" | "delete" | "continue" | "resume" | "rerun" | null>(null)
  const [byHand, byHandDialog] = useByHand(run.name)
  const [grace, setGrace] = useState(30)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const write = useBecause("write")
  const admin = useBecause("admin")
  const type = run.state?.type ?? "PENDING"
  const isOver = FINAL.has(type)
  const isSuspended = run.state?.name === "Suspended"
  const begun = useQuery({ ...start(run.id), enabled: isSuspended })
  const isAnswered = begun.data?.is_answered === true
  const { data: server } = useQuery(session())
  const command = `perdure flow-run resume ${run.id}${type === "FAILED" ? " --retry-failed" : ""}`
  const at = { params: { path: { id: run.id } } }
  const refresh = () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(run.id) || queryKey[0] === "flow-runs" })

  const resume = async () => {
    try {
      await unwrap(client.POST("/api/flow-runs/{id}/resume", { ...at, body: { retry_failed: type === "FAILED" } }))
      done(`${run.name} is resumed`)
      await refresh()
    } catch (error) {
      byHand("resumed")(error)
    }
  }
  const cancel = async () => {
    await unwrap(client.POST("/api/flow-runs/{id}/cancel", { ...at, body: { grace_seconds: grace } }))
    done(`${run.name} is being cancelled`)
    await refresh()
  }
  const remove = async () => {
    await unwrap(client.DELETE("/api/flow-runs/{id}", at))
    done(`${run.name} is deleted`)
    await queries.invalidateQueries({ queryKey: ["flow-runs"] })
    await navigate({ to: "/flow-runs" })
  }

  return (
    <>
      {isAnswered && <p className={css["stored"]}>Its input is stored. Resume it, and it continues.</p>}
      {type === "PAUSED" && !isAnswered && (
        <Button
          look="primary"
          icon={<Play size={13} aria-hidden />}
          because={write}
          onClick={() => setAsked("continue")}
        >
          Continue…
        </Button>
      )}
      {(type === "CRASHED" || type === "FAILED" || isSuspended) && run.parent_flow_run_id === null && (
        <Button
          look={type === "PAUSED" && !isAnswered ? "plain" : "primary"}
          icon={<Play size={13} aria-hidden />}
          because={admin}
          onClick={() => setAsked("resume")}
        >
          {type === "FAILED" ? "Retry failed steps…" : "Resume…"}
        </Button>
      )}
      {isOver && run.parent_flow_run_id === null && (
        <Button icon={<RotateCcw size={13} aria-hidden />} because={admin} onClick={() => setAsked("rerun")}>
          Rerun…
        </Button>
      )}
      {!isOver && (
        <Button icon={<Ban size={13} aria-hidden />} because={write} onClick={() => setAsked("cancel")}>
          Cancel…
        </Button>
      )}
      {isOver && (
        <Button
          look="danger"
          icon={<Trash2 size={13} aria-hidden />}
          because={write}
          onClick={() => setAsked("delete")}
        >
          Delete…
        </Button>
      )}
      <ConfirmDialog
        open={asked === "cancel"}
        onClose={() => setAsked(null)}
        title={`Cancel ${run.name}?`}
        action="Cancel the run"
        danger
        onConfirm={cancel}
      >
        <p>
          It is cancelled with all its calls, wherever they run. A cancelled run cannot be resumed; you can rerun it.
          Code that cannot be interrupted, such as C code, runs on by itself:{" "}
          <code>perdure flow-run cancel --force</code> on its machine kills its process.
        </p>
        <Field
          label="Grace period in seconds"
          hint="After it, the run does not wait for its code any more, and task processes are killed."
        >
          <input
            type="number"
            min={0}
            max={86_400}
            value={grace}
            onChange={event => setGrace(Math.max(0, Number(event.target.value)))}
          />
        </Field>
      </ConfirmDialog>
      <Dialog
        open={asked === "resume" && server?.runs_flows === false}
        onClose={() => setAsked(null)}
        title="Run this where the flow’s code is"
      >
        <p className="soft">
          {isAnswered ? "Its input is stored; this resumes the run. " : ""}This server starts no programs: it was
          started without --run-flows.
        </p>
        <CodeBlock code={command} label="Command" />
        <ResumePlan id={run.id} />
      </Dialog>
      <ConfirmDialog
        open={asked === "resume" && server?.runs_flows !== false}
        onClose={() => setAsked(null)}
        title={type === "FAILED" ? `Retry failed steps of ${run.name}?` : `Resume ${run.name}?`}
        action={type === "FAILED" ? "Retry" : "Resume the run"}
        onConfirm={resume}
      >
        <ResumePlan id={run.id} />
      </ConfirmDialog>
      <ConfirmDialog
        open={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${run.name}?`}
        action="Delete the run"
        danger
        onConfirm={remove}
      >
        <p>
          The run is deleted with all its calls, its log and artifacts. Documents of its results stay in their storage.
          This cannot be undone.
        </p>
      </ConfirmDialog>
      {asked === "rerun" && <Rerun run={run} onClose={() => setAsked(null)} />}
      {asked === "continue" && <Continue run={run} onClose={() => setAsked(null)} />}
      {byHandDialog}
    </>
  )
}
