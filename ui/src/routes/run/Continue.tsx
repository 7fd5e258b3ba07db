import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useMemo, useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { CodeBlock } from "~/components/Code"
import { Dialog } from "~/components/Dialog"
import { messageOf, Skeleton } from "~/components/Feedback"
import { SchemaForm } from "~/components/SchemaForm"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { fieldsOf, read } from "~/lib/schemaForm"
import { start } from "./queries"
import css from "./Run.module.css"

const ANSWER = "answer" // the field of a schema that is no object

/** A schema as that of an object, and whether it was made one. */
function asObject(schema: unknown): [Record<string, unknown>, boolean] {
  if (typeof schema !== "object" || schema === null) return [{ type: "object" }, false]
  if ("type" in schema && schema.type === "object") return [schema, false]
  const defs = "$defs" in schema ? schema.$defs : {}
  return [
    { type: "object", properties: { [ANSWER]: { title: "Answer", ...schema } }, required: [ANSWER], $defs: defs },
    true,
  ]
}

/** Asks what a paused run waits for, and continues it. */
export function Continue({ run, onClose }: { run: Schemas["FlowRunModel"]; onClose: () => void }) {
  const { data, isPending } = useQuery(start(run.id))
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map())
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map())
  const [byHand, setByHand] = useState<{ why: string | null; command: string } | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const queries = useQueryClient()
  const [schema, isWrapped] = useMemo(() => asObject(data?.asks), [data])
  const fields = useMemo(() => fieldsOf(schema), [schema])
  const send = async () => {
    setProblem(null)
    const filled = read(fields, texts)
    setErrors(filled.errors)
    if (filled.errors.size > 0) return
    const input = data?.asks == null ? null : isWrapped ? filled.values[ANSWER] : filled.values
    try {
      const at = { params: { path: { id: run.id } } }
      const found = await unwrap(client.POST("/api/flow-runs/{id}/continue", { ...at, body: { input } }))
      if (found.command == null) {
        done(found.is_resumed ? `${run.name} is resumed` : `${run.name} continues`)
        onClose()
      } else setByHand({ why: found.reason ?? null, command: found.command })
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(run.id) })
    } catch (error) {
      setProblem(messageOf(error))
    }
  }
  const foot = (
    <>
      <Button onClick={onClose}>Not now</Button>
      <Button look="primary" disabled={isPending} onClick={() => void send()}>
        Continue
      </Button>
    </>
  )
  if (byHand !== null) {
    return (
      <Dialog open onClose={onClose} title="Your input is stored. Run this where the flow’s code is">
        <p className="soft">{byHand.why}</p>
        <CodeBlock code={byHand.command} label="Command" />
      </Dialog>
    )
  }
  return (
    <Dialog open onClose={onClose} title={`Continue ${run.name}`} foot={foot}>
      {isPending && <Skeleton lines={2} />}
      {data?.waits_until && (
        <p className="soft">
          It stops waiting <Timestamp time={data.waits_until} />.
        </p>
      )}
      {data !== undefined && data.asks == null && <p>It asks for nothing, and continues where it paused.</p>}
      <SchemaForm
        fields={fields}
        texts={texts}
        errors={errors}
        onChange={(name, text) => setTexts(new Map([...texts, [name, text]]))}
      />
      {problem !== null && (
        <p role="alert" className={css["problem"]}>
          {problem}
        </p>
      )}
    </Dialog>
  )
}
