import { useNavigate } from "@tanstack/react-router"
import { useId, useState } from "react"
import css from "./Bars.module.css"
import { parseSearch } from "~/lib/address"

export interface Bar {
  /** For the pointer: "14:00", and what its parts are, a line each. */
  title: string
  parts: readonly { value: number; color: string }[]
  /** Where a click leads. What it leads to is to be had without a pointer, too. */
  to?: string
}

interface Props {
  /** What it shows, for screen readers: also what matters most in it. */
  label: string
  bars: readonly Bar[]
  height?: number
  /** Under the bars, evenly spaced. */
  ticks?: readonly string[]
  /** Under the first and the last bar, where there are no ticks. */
  from?: string
  until?: string
  /** A value as text, for the scale: the largest is shown. */
  format?: (value: number) => string
}

/** Stacked bars over time. */
export function Bars({ label, bars, height = 120, ticks, from, until, format }: Props) {
  const id = useId()
  const [at, setAt] = useState<number | null>(null)
  const navigate = useNavigate()
  const sums = bars.map(bar => bar.parts.reduce((sum, part) => sum + part.value, 0))
  const largest = Math.max(...sums, 0)
  const width = 100 / Math.max(1, bars.length)
  const shown = at === null ? undefined : bars[at]
  const open = (bar: Bar) => {
    const [to = "", search = ""] = bar.to?.split("?", 2) ?? []
    if (bar.to !== undefined) void navigate({ to, search: parseSearch(search) })
  }
  return (
    <figure className={css["figure"]} aria-labelledby={id}>
      <figcaption id={id} className="hidden">
        {label}
      </figcaption>
      {format !== undefined && (
        <span className={css["scale"]} aria-hidden>
          {largest > 0 && format(largest)}
        </span>
      )}
      <div className={css["plot"]} style={{ height }} onPointerLeave={() => setAt(null)}>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden>
          {bars.map((bar, index) => {
            let top = 100
            return (
              <g
                key={index}
                className={[css["bar"], bar.to !== undefined && (sums[index] ?? 0) > 0 && css["leading"]].join(" ")}
                onPointerEnter={() => setAt(index)}
                onClick={() => open(bar)}
              >
                <rect x={index * width} y={0} width={width} height={100} className={css["back"]} />
                {bar.parts.map((part, which) => {
                  const tall = part.value === 0 ? 0 : Math.max(1.5, (part.value / largest) * 96)
                  top -= tall
                  return (
                    <rect
                      key={which}
                      x={index * width + width * 0.14}
                      y={top}
                      width={width * 0.72}
                      height={tall}
                      fill={part.color}
                    />
                  )
                })}
              </g>
            )
          })}
        </svg>
        {shown !== undefined && at !== null && (
          <div
            className={[css["tip"], at > bars.length / 2 && css["left"]].join(" ")}
            style={{ left: `${(at + (at > bars.length / 2 ? 0 : 1)) * width}%` }}
            aria-hidden
          >
            {shown.title}
          </div>
        )}
      </div>
      <div className={css["axis"]} aria-hidden>
        {ticks?.map((tick, index) => <span key={index}>{tick}</span>) ?? (
          <>
            <span>{from}</span>
            <span>{until}</span>
          </>
        )}
      </div>
    </figure>
  )
}
