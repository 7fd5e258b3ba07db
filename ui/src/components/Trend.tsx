import type { Schemas } from "~/api/client"
import { count } from "~/lib/format"
import css from "./Trend.module.css"

interface Props {
  /** How many there were in each of the steps. */
  values: readonly number[]
  steps: Schemas["StepsModel"]
  color: string
}

/** How often something was, over time, as small as a word. */
export function Trend({ values, steps, color }: Props) {
  const most = Math.max(...values, 0)
  const at = values.indexOf(most)
  return (
    <svg
      className={css["trend"]}
      viewBox={`0 0 ${values.length} 20`}
      preserveAspectRatio="none"
      role="img"
      aria-label={most === 0 ? "None in this time" : `Most ${stepSpan(steps, at)}: ${most.toLocaleString()}`}
    >
      {values.map((value, index) => {
        const tall = value === 0 ? 1 : 3 + (value / most) * 17
        return (
          <g key={index}>
            <title>{`${stepSpan(steps, index)}: ${count(value, "run")}`}</title>
            <rect x={index} width={1} height={20} className={css["back"]} />
            <rect
              x={index + 0.12}
              width={0.76}
              y={20 - tall}
              height={tall}
              fill={value === 0 ? "var(--line-strong)" : color}
            />
          </g>
        )
      })}
    </svg>
  )
}

/** When a step is, as people say it: by the day, or by the clock. */
function stepSpan({ begin, seconds }: Schemas["StepsModel"], index: number): string {
  const from = new Date(Date.parse(begin) + index * seconds * 1_000)
  const until = new Date(from.getTime() + seconds * 1_000)
  const day = { day: "numeric", month: "short" } as const
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false } as const
  const said = `${from.toLocaleString(undefined, { ...day, ...clock })} – `
  if (from.toDateString() === until.toDateString()) return said + until.toLocaleTimeString(undefined, clock)
  return said + until.toLocaleString(undefined, { ...day, ...clock })
}
