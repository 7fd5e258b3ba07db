import { useId } from "react"
import css from "./Bars.module.css"

export interface Bar {
  /** For the pointer and screen readers: "14:00: 12 Completed, 1 Failed". */
  title: string
  parts: readonly { value: number; color: string }[]
}

interface Props {
  label: string
  bars: readonly Bar[]
  height?: number
  /** Under the first and the last bar. */
  from?: string
  until?: string
}

/** Stacked bars over time. */
export function Bars({ label, bars, height = 120, from, until }: Props) {
  const id = useId()
  const largest = Math.max(1, ...bars.map(bar => bar.parts.reduce((sum, part) => sum + part.value, 0)))
  const width = 100 / Math.max(1, bars.length)
  return (
    <figure className={css["figure"]} aria-labelledby={id}>
      <figcaption id={id} className="hidden">
        {label}
      </figcaption>
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" style={{ height }} aria-hidden>
        {bars.map((bar, index) => {
          let top = 100
          return (
            <g key={index} className={css["bar"]}>
              <title>{bar.title}</title>
              <rect x={index * width} y={0} width={width} height={100} className={css["back"]} />
              {bar.parts.map((part, which) => {
                const tall = (part.value / largest) * 96
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
      <div className={css["axis"]}>
        <span>{from}</span>
        <span>{until}</span>
      </div>
    </figure>
  )
}
