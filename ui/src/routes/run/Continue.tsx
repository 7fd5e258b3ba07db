import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Dialog } from "~/components/Dialog"
import { messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { done } from "~/components/Toast"
import { Timestamp } from "~/components/Time"
import { answerOf, questionsOf, type Question } from "./questions"
import { start } from "./queries"

/** Asks what a paused run waits for, and has it go on. */
export function Continue({ run, onClose }: { run: Schemas["FlowRunModel"]; onClose: () => void }) {
  const { data, isPending } = useQuery(start(run.id))
  const [texts, setTexts] = useState<Record<string, string>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const queries = useQueryClient()
  const questions = questionsOf(data?.asks)
  const send = async () => {
    setProblem(null)
    try {
      const input = questions === null ? null : answerOf(questions, texts)
      await unwrap(client.POST("/api/flow-runs/{id}/continue", { params: { path: { id: run.id } }, body: { input } }))
      done(`${run.name} goes on`)
      onClose()
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(run.id) })
    } catch (error) {
      setProblem(messageOf(error))
    }
  }
  const foot = (
    <>
      <Button onClick={onClose}>Not now</Button>
      <Button look="primary" onClick={() => void send()}>
        Continue
      </Button>
    </>
  )
  return (
    <Dialog open onClose={onClose} title={`Continue ${run.name}`} foot={foot}>
      {isPending && <Skeleton lines={2} />}
      {data?.waits_until && (
        <p className="soft">
          It waits until <Timestamp time={data.waits_until} />.
        </p>
      )}
      {questions === null && !isPending && <p>It asks for nothing, and goes on where it paused.</p>}
      {questions?.map(question => (
        <Field key={question.name} label={question.title} hint={question.hint} required={question.required}>
          {inputOf(question, texts[question.name] ?? question.initial, text =>
            setTexts({ ...texts, [question.name]: text }),
          )}
        </Field>
      ))}
      {problem !== null && (
        <p role="alert" style={{ color: "var(--danger)", overflowWrap: "anywhere" }}>
          {problem}
        </p>
      )}
    </Dialog>
  )
}

function inputOf(question: Question, value: string, set: (text: string) => void) {
  if (question.choices !== null) {
    return (
      <select value={value} onChange={event => set(event.target.value)}>
        <option value="" />
        {question.choices.map(choice => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    )
  }
  if (question.kind === "boolean") {
    return <input type="checkbox" checked={value === "true"} onChange={event => set(String(event.target.checked))} />
  }
  if (question.kind === "json") return <textarea value={value} onChange={event => set(event.target.value)} />
  const type = question.kind === "number" || question.kind === "integer" ? "number" : "text"
  return (
    <input
      type={type}
      step={question.kind === "number" ? "any" : undefined}
      value={value}
      onChange={event => set(event.target.value)}
    />
  )
}
