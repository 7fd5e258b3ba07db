import { useNavigate } from "@tanstack/react-router"
import { useMemo, useState, type KeyboardEvent, type MouseEvent } from "react"
import { path } from "~/components/Link"
import { STATES } from "~/components/State"
import css from "./Backfills.module.css"
import type { Details } from "./queries"
import { neighbour, pathsOf, squareAt, squaresOf } from "./squares"

const STEP = 14 // pixels from one square to the next
const SIZE = 12

/** Each partition as a square in the colour of its run's state. One tab stop; arrows go from square to square. */
export function Squares({ of }: { of: Details }) {
  const navigate = useNavigate()
  const squares = useMemo(() => squaresOf(of.partitions), [of.partitions])
  const paths = useMemo(() => pathsOf(squares, of.states, STEP, SIZE), [squares, of.states])
  const [chosen, setChosen] = useState<number | null>(null)
  const open = (index: number | null | undefined) => {
    const run = of.runs[index ?? -1]
    if (run !== undefined) void navigate({ to: path("flow-runs", run) })
  }
  const at = (event: MouseEvent<SVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return squareAt(squares, event.clientX - box.left, event.clientY - box.top, STEP)
  }
  const move = (event: KeyboardEvent) => {
    if (event.key === "Enter") open(chosen)
    const next = neighbour(squares, chosen ?? 0, event.key)
    if (next === undefined) return
    event.preventDefault()
    setChosen(next)
  }
  const height = squares.rows.length * STEP
  const width = squares.width * STEP
  const row = squares.rows.findIndex(({ from, to }) => chosen !== null && chosen >= from && chosen < to)
  return (
    <div className={css["pane"]}>
      <div className={css["labels"]} aria-hidden>
        {squares.rows.map(({ label }, index) => (
          <span key={label} style={{ height: STEP }}>
            {isLabelled(squares.rows.length, index) ? label : ""}
          </span>
        ))}
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a list whose items are drawn */}
      <div
        className={css["squares"]}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- arrows go from square to square
        tabIndex={0}
        role="application"
        aria-label="Partitions: arrows go from one to the next, Enter opens its run"
        onKeyDown={move}
        onFocus={() => setChosen(chosen ?? 0)}
      >
        <svg
          width={width}
          height={height}
          aria-hidden
          onMouseMove={event => setChosen(at(event) ?? null)}
          onMouseLeave={() => setChosen(null)}
          onClick={event => open(at(event))}
        >
          {paths.map(({ state, d }) => (
            <path key={state} d={d} fill={STATES[state].color} />
          ))}
          {chosen !== null && row >= 0 && (
            <rect
              className={css["chosen"]}
              x={(chosen - (squares.rows[row]?.from ?? 0)) * STEP - 1}
              y={row * STEP - 1}
              width={SIZE + 2}
              height={SIZE + 2}
              rx={2}
            />
          )}
        </svg>
        <p className={css["said"]} aria-live="polite">
          {chosen === null ? "" : saidOf(of, chosen)}
        </p>
      </div>
    </div>
  )
}

const MOST_LABELS = 40

function isLabelled(rows: number, index: number): boolean {
  return index % Math.ceil(rows / MOST_LABELS) === 0
}

function saidOf(of: Details, index: number): string {
  const state = of.states[index]
  return `${of.partitions[index] ?? ""}: ${STATES[state ?? "SCHEDULED"].word.toLowerCase()}`
}
