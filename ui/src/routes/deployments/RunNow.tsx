import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { useMemo, useState } from "react"
import { ApiError, client, unwrap, type Schemas } from "~/api/client"
import { CodeBlock } from "~/components/Code"
import { Dialog } from "~/components/Dialog"
import { Failure, messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { path } from "~/components/Link"
import { SchemaForm } from "~/components/SchemaForm"
import { done } from "~/components/Toast"
import { fieldsOf } from "~/lib/schemaForm"
import css from "./Deployments.module.css"
import { deployment, fullName, workers, type Details } from "./queries"
import { changed, needsPartition, partitionInput, refusals, withDefaults } from "./runForm"

/** Asks what a run of a deployment is to be given, and starts it. */
export function RunNow({ of, onClose }: { of: { id: string; flow_name: string; name: string }; onClose: () => void }) {
  const query = useQuery(deployment(of.id))
  const title = `Run ${fullName(of)}`
  if (query.data !== undefined) return <Form of={query.data} title={title} onClose={onClose} />
  return (
    <Dialog open onClose={onClose} title={title}>
      {query.isPending ? (
        <Skeleton lines={4} />
      ) : (
        <Failure what="The deployment" error={query.error} retry={query.refetch} />
      )}
    </Dialog>
  )
}

function Form({ of, title, onClose }: { of: Details; title: string; onClose: () => void }) {
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map())
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map())
  const [partition, setPartition] = useState("")
  const [partitionError, setPartitionError] = useState<string>()
  const [time, setTime] = useState("")
  const [problem, setProblem] = useState<string>()
  const [isSending, setSending] = useState(false)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const fields = useMemo(
    () => withDefaults(fieldsOf(of.parameter_schema, of.parameters), of.parameters),
    [of.parameter_schema, of.parameters],
  )
  const isOfPartition = of.partitions !== null && needsPartition(of.parameters)

  const start = async () => {
    const filled = changed(fields, texts)
    const missing = isOfPartition && partition === "" ? "A parameter is filled from it: choose one." : undefined
    setErrors(filled.errors)
    setPartitionError(missing)
    setProblem(undefined)
    if (filled.errors.size > 0 || missing !== undefined) return
    setSending(true)
    try {
      const body = {
        parameters: filled.values as Record<string, Schemas["JsonValue"]>,
        partition: partition === "" ? null : partition,
        scheduled_time: time === "" ? null : new Date(time).toISOString(),
        tags: [],
      }
      const run = await unwrap(client.POST("/api/deployments/{id}/runs", { params: { path: { id: of.id } }, body }))
      done(time === "" ? `${run.name} is created` : `${run.name} is scheduled`)
      onClose()
      void queries.invalidateQueries({ queryKey: ["deployment", of.id] })
      await navigate({ to: path("flow-runs", run.id) })
    } catch (error) {
      setSending(false)
      refused(error)
    }
  }
  const refused = (error: unknown) => {
    const known = error instanceof ApiError ? refusals(error.message, fields) : new Map<string, string>()
    setErrors(known)
    if (error instanceof ApiError && error.kind === "InvalidPartition") setPartitionError(error.message)
    else if (known.size === 0) setProblem(messageOf(error))
  }
  return (
    <FormDialog
      title={title}
      action={time === "" ? "Run now" : "Schedule the run"}
      ready={!isSending}
      onSubmit={() => void start()}
      onClose={onClose}
      problem={problem}
    >
      <NoWorker pool={of.work_pool} />
      {fields.length === 0 && <p className="soft">The flow takes no parameters.</p>}
      <SchemaForm
        fields={fields}
        texts={texts}
        errors={errors}
        onChange={(name, text) => setTexts(new Map([...texts, [name, text]]))}
      />
      <div className={css["also"]}>
        {of.partitions !== null && (
          <PartitionField
            partitions={of.partitions}
            required={isOfPartition}
            error={partitionError}
            value={partition}
            onChange={setPartition}
          />
        )}
        <Field label="Start time" hint="In your time zone. Empty: now.">
          <input type="datetime-local" value={time} onChange={event => setTime(event.target.value)} />
        </Field>
      </div>
    </FormDialog>
  )
}

/** A run without a worker waits, and nothing else says so. */
function NoWorker({ pool }: { pool: string }) {
  const { data } = useQuery(workers())
  if (data === undefined || data.some(each => each.work_pool === pool && !each.gone)) return null
  return (
    <div className={css["note"]} role="note">
      <p>No worker of the work pool {pool} is running. The run waits until one is started:</p>
      <CodeBlock code={`perdure worker start --pool ${pool}`} label="Command" />
    </div>
  )
}

interface PartitionProps {
  partitions: Record<string, unknown>
  required: boolean
  error: string | undefined
  value: string
  onChange: (value: string) => void
}

function PartitionField({ partitions, required, error, value, onChange }: PartitionProps) {
  const { kind, choices, hint } = partitionInput(partitions)
  return (
    <Field label="Partition" hint={hint} error={error} required={required}>
      {kind === "choice" ? (
        <select value={value} onChange={event => onChange(event.target.value)}>
          <option value="">{required ? "Choose…" : "None"}</option>
          {choices.map(each => (
            <option key={each}>{each}</option>
          ))}
        </select>
      ) : (
        <input
          type={kind}
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
