import { SkipForward } from "lucide-react"
import { useEffect, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from "react"
import { Link, path } from "~/components/Link"
import { spaced, STATES, type StateType } from "~/components/State"
import { duration, exact } from "~/lib/format"
import css from "./Matrix.module.css"
import { axisOf, lateness, matrixOf, neighbour } from "./matrix"
import type { ScheduledRun } from "./queries"

const MOST = 60 // columns

/** The newest runs, tick by tick: what came of each, as colour and shape. One tab stop; arrows go from run to run. */
export function Matrix({ runs }: { runs: readonly ScheduledRun[] }) {
  const matrix = useMemo(() => matrixOf(runs, MOST), [runs])
  const axis = useMemo(() => axisOf(matrix.times), [matrix])
  const pane = useRef<HTMLDivElement>(null)
  const [chosen, setChosen] = useState<string | null>(null)
  const newest = runs[0]?.run.id
  useEffect(() => {
    if (pane.current !== null) pane.current.scrollLeft = pane.current.scrollWidth
  }, [newest])
  const stop = runs.some(each => each.run.id === chosen) ? chosen : newest
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const next = neighbour(matrix, stop ?? "", event.key)
    if (next === undefined) return
    event.preventDefault()
    setChosen(next)
    pane.current?.querySelector<HTMLElement>(`[data-run="${next}"]`)?.focus()
  }
  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- arrows go from run to run
    <div ref={pane} className={css["pane"]} onKeyDown={move}>
      <div
        className={css["grid"]}
        style={{ gridTemplateColumns: `auto repeat(${matrix.times.length}, 22px)` }}
        role="list"
        aria-label="Runs by tick, oldest first"
      >
        {matrix.rows.map(({ label, cells }, row) => [
          <span key={label} className={["cut", css["label"]].join(" ")} style={at(row, 0)} title={label} aria-hidden>
            {label}
          </span>,
          ...cells.map((each, column) =>
            each === undefined ? (
              <span key={`${label} ${column}`} className={css["missing"]} style={at(row, column + 1)} aria-hidden />
            ) : (
              <div key={each.run.id} role="listitem" style={at(row, column + 1)}>
                <Cell of={each} row={label} isStop={each.run.id === stop} onFocus={() => setChosen(each.run.id)} />
              </div>
            ),
          ),
        ])}
        <span className={css["label"]} style={at(matrix.rows.length, 0)} aria-hidden />
        {axis.map(({ at: column, label }) => (
          <span key={column} className={css["tick"]} style={at(matrix.rows.length, column + 1)} aria-hidden>
            {label}
          </span>
        ))}
      </div>
    </div>
  )
}

function at(row: number, column: number): CSSProperties {
  return { gridRow: row + 1, gridColumn: column + 1 }
}

interface CellProps {
  of: ScheduledRun
  row: string
  isStop: boolean
  onFocus: () => void
}

function Cell({ of, row, isStop, onFocus }: CellProps) {
  const { run } = of
  const state = run.state
  const isSkipped = state?.name === "Skipped"
  const { icon, color } = STATES[state?.type ?? "SCHEDULED"]
  const Icon = isSkipped ? SkipForward : icon
  const name = spaced(state?.name ?? "Scheduled")
  const late = lateness(of)
  const lines = [
    run.name,
    name + (run.duration_seconds === null ? "" : `, took ${duration(run.duration_seconds * 1_000)}`),
    `Due ${exact(new Date(of.due))}`,
    late === null ? null : `Began ${duration(late)} after that`,
    of.partition === null ? null : `Partition ${of.partition}`,
  ]
  return (
    <Link
      to={path("flow-runs", run.id)}
      className={[css["cell"], HOLLOW.has(state?.type ?? "SCHEDULED") && css["hollow"]].join(" ")}
      style={{ "--state": color } as CSSProperties}
      title={lines.filter(each => each !== null).join("\n")}
      aria-label={`${name}, ${row}, due ${exact(new Date(of.due))}`}
      data-run={run.id}
      tabIndex={isStop ? 0 : -1}
      onFocus={onFocus}
    >
      <Icon size={13} strokeWidth={2.25} aria-hidden />
    </Link>
  )
}

const HOLLOW: ReadonlySet<StateType> = new Set<StateType>(["CANCELLED", "SCHEDULED", "PENDING"])
