import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { useMemo, useState, type SyntheticEvent } from "react"
import { ApiError, client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { CodeBlock } from "~/components/Code"
import { Dialog } from "~/components/Dialog"
import { Failure, messageOf, Skeleton } from "~/components/Feedback"
import { path } from "~/components/Link"
import { SchemaForm } from "~/components/SchemaForm"
import { done } from "~/components/Toast"
import { fieldsOf } from "~/lib/schemaForm"
import { changed, withDefaults } from "../deployments/runForm"
import { RerunPlan } from "./Plan"
import { runParameters } from "./queries"
import css from "./Run.module.css"

const FORM = "rerun"

interface RerunProps {
  run: Schemas["FlowRunModel"]
  /** A run that it called, from which on it is run again; without one, from its start. */
  from?: { id: string; name: string }
  onClose: () => void
}

/** Asks with which parameters a flow is run again, says what will happen, and runs it. */
export function Rerun({ run, from, onClose }: RerunProps) {
  const query = useQuery(runParameters(run.id))
  const title = from === undefined ? `Rerun ${run.name}?` : `Run ${run.name} again from ${from.name}?`
  if (query.data !== undefined)
    return <Form run={run} from={from} onClose={onClose} title={title} parameters={query.data} />
  return (
    <Dialog open onClose={onClose} title={title}>
      {query.isPending ? (
        <Skeleton lines={4} />
      ) : (
        <Failure what="The run’s parameters" error={query.error} retry={query.refetch} />
      )}
    </Dialog>
  )
}

interface FormProps extends Omit<RerunProps, "from"> {
  from: RerunProps["from"] | undefined
  title: string
  parameters: Schemas["RunParameters"]
}

function Form({ run, from, onClose, title, parameters }: FormProps) {
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map())
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map())
  const [problem, setProblem] = useState<unknown>(null)
  const [isSending, setSending] = useState(false)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { parameter_schema: schema, values } = parameters
  const fields = useMemo(() => withDefaults(fieldsOf(schema, values), values), [schema, values])
  const others = fields.filter(({ name, initial }) => (texts.get(name) ?? initial) !== initial).map(({ name }) => name)
  const rerun = async () => {
    const filled = changed(fields, texts)
    setErrors(filled.errors)
    setProblem(null)
    if (filled.errors.size > 0) return
    setSending(true)
    try {
      const body = {
        from_step: from?.id ?? null,
        parameters: filled.values as Record<string, Schemas["JsonValue"]>,
      }
      const next = await unwrap(client.POST("/api/flow-runs/{id}/rerun", { params: { path: { id: run.id } }, body }))
      done(next.id === run.id ? `${run.name} runs again` : `${next.name} runs`)
      onClose()
      void queries.invalidateQueries({ queryKey: ["flow-runs"] })
      if (next.id !== run.id) await navigate({ to: path("flow-runs", next.id) })
    } catch (error) {
      setSending(false)
      setProblem(error)
    }
  }
  const foot = (
    <>
      <Button onClick={onClose}>Keep as it is</Button>
      <Button look="primary" type="submit" form={FORM} disabled={isSending}>
        {from === undefined ? "Rerun" : "Run again"}
      </Button>
    </>
  )
  return (
    <Dialog open onClose={onClose} title={title} foot={foot} wide={fields.length > 0}>
      <form
        id={FORM}
        noValidate
        className={fields.length > 0 ? css["rerun"] : css["plan"]}
        onSubmit={(event: SyntheticEvent) => {
          event.preventDefault()
          if (!isSending) void rerun()
        }}
      >
        {fields.length > 0 && (
          <section aria-label="Parameters">
            <h3>Parameters</h3>
            <SchemaForm
              fields={fields}
              texts={texts}
              errors={errors}
              onChange={(name, text) => setTexts(new Map([...texts, [name, text]]))}
            />
            {parameters.schema_from === "values" && (
              <p className="faint">
                The fields follow the values of this run. The flow checks the types when it begins.
              </p>
            )}
          </section>
        )}
        <section aria-label="What will happen" className={css["plan"]}>
          {fields.length > 0 && <h3>What will happen</h3>}
          <p>
            A new run is made with {others.length === 0 ? "the same parameters" : <Changed names={others} />}. The
            earlier one stays as it is.
          </p>
          <RerunPlan id={run.id} from={from?.id} changed={others} />
        </section>
        {problem !== null && <Problem error={problem} />}
      </form>
    </Dialog>
  )
}

function Changed({ names }: { names: readonly string[] }) {
  return (
    <>
      another{" "}
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && (index === names.length - 1 ? " and " : ", ")}
          <code>{name}</code>
        </span>
      ))}
    </>
  )
}

/** Brings what has come at the foot of a form in sight. */
function shown(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" })
}

/** What was wrong, with the command that does the same where the flow's code is. */
function Problem({ error }: { error: unknown }) {
  const known = error instanceof ApiError ? error.details["command"] : undefined
  const command = typeof known === "string" ? known : undefined
  const message = command !== undefined && error instanceof Error ? error.message : messageOf(error)
  return (
    <div role="alert" className={css["refused"]} ref={shown}>
      <p className={command === undefined ? css["problem"] : undefined}>{message}</p>
      {command !== undefined && <CodeBlock code={command} label="Command" />}
    </div>
  )
}
