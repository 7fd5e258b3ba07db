import type { Schemas } from "~/api/client"
import { Bars } from "~/components/Bars"
import { Card } from "~/components/Card"
import { Link } from "~/components/Link"
import { STATES, type StateType } from "~/components/State"
import { count } from "~/lib/format"
import { byStep, rangeText, SPANS, stepLabel, stepLabels, type SpanName, type Steps } from "~/lib/span"
import css from "./Overview.module.css"

/** From the ground up: what is well is at the bottom, what is not lies on it. */
const ORDER: readonly StateType[] = [
  "COMPLETED",
  "RUNNING",
  "PENDING",
  "SCHEDULED",
  "PAUSED",
  "CANCELLING",
  "CANCELLED",
  "CRASHED",
  "FAILED",
]

interface Props {
  span: SpanName
  steps: Steps
  found: readonly Schemas["Step"][] | undefined
  /** Of this flow alone. */
  flow?: string
}

/** Runs over time, by the state that they are in now. */
export function Runs({ span, steps, found, flow }: Props) {
  const of = flow === undefined ? "outermost=true&" : `flow=${encodeURIComponent(flow)}&`
  const sums = new Map<StateType, number>()
  for (const step of found ?? []) {
    for (const type of ORDER) sums.set(type, (sums.get(type) ?? 0) + (step.counts[type] ?? 0))
  }
  const total = [...sums.values()].reduce((sum, each) => sum + each, 0)
  const bars = byStep(found ?? [], steps).map((step, index) => {
    const begin = new Date(steps.since.getTime() + index * steps.length)
    const parts = ORDER.map(type => ({ type, value: step?.counts[type] ?? 0 })).filter(part => part.value > 0)
    const lines = parts.map(part => `${part.value.toLocaleString()} ${STATES[part.type].word.toLowerCase()}`)
    return {
      title: [stepLabel(begin, span), ...(lines.length > 0 ? lines : ["no runs"])].join("\n"),
      parts: parts.map(part => ({ value: part.value, color: STATES[part.type].color })),
      to: `/flow-runs?${of}created=${rangeText(begin, new Date(begin.getTime() + steps.length))}`,
    }
  })
  return (
    <Card>
      <div className={css["totals"]}>
        <Link to={`/flow-runs?${of}created=${span}`} className={css["total"]}>
          <strong>{found === undefined ? "–" : total.toLocaleString()}</strong>
          <span className="soft">
            {total === 1 ? "flow run" : "flow runs"}
            {flow !== undefined && `, ${SPANS[span].label.toLowerCase()}`}
          </span>
        </Link>
        {ORDER.filter(type => sums.get(type)).map(type => {
          const { word, icon: Icon, color } = STATES[type]
          return (
            <Link key={type} to={`/flow-runs?${of}state=${type}&created=${span}`} className={css["part"]}>
              <Icon size={13} strokeWidth={2.25} color={color} aria-hidden />
              {sums.get(type)?.toLocaleString()} <span className="soft">{word.toLowerCase()}</span>
            </Link>
          )
        })}
      </div>
      <Bars
        label={`Flow runs over time: ${count(total, "run")}, of which ${sums.get("FAILED") ?? 0} failed`}
        bars={bars}
        height={132}
        ticks={stepLabels(steps, span)}
        format={value => value.toLocaleString()}
      />
    </Card>
  )
}
