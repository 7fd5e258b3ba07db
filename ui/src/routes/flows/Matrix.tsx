import { useQuery } from "@tanstack/react-query"
import { Grid3x3 } from "lucide-react"
import { useEffect, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from "react"
import type { Schemas } from "~/api/client"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { STATES, type StateType } from "~/components/State"
import { duration, exact } from "~/lib/format"
import css from "./Matrix.module.css"
import { inWords, rowsOf, worstOf, type Column } from "./matrix"
import { matrixOf } from "./queries"

/**
 * The newest runs of a flow beside each other, by what they called: the worst state of the calls, and how long the
 * longest took beside those of other runs. One tab stop; arrows go from cell to cell.
 */
export function Matrix({ flow }: { flow: string }) {
  const query = useQuery(matrixOf(flow))
  if (query.data === undefined && query.error)
    return <Failure what="The matrix" error={query.error} retry={query.refetch} />
  if (query.data === undefined) return <Skeleton lines={6} />
  if (query.data.every(({ calls }) => calls.length === 0)) {
    return (
      <Empty icon={Grid3x3} title="Its runs called no task or flow">
        Each task is a row here, and each run a column.
      </Empty>
    )
  }
  return <Grid runs={query.data} />
}

function Grid({ runs }: { runs: readonly Column[] }) {
  const rows = useMemo(() => rowsOf(runs), [runs])
  const oldestFirst = useMemo(() => [...runs].reverse(), [runs])
  const table = useRef<HTMLTableElement>(null)
  const pane = useRef<HTMLDivElement>(null)
  const newest = runs[0]?.run.id
  useEffect(() => {
    if (pane.current !== null) pane.current.scrollLeft = pane.current.scrollWidth
  }, [newest])
  const [stop, setStop] = useState({ row: 0, column: runs.length - 1 })
  const move = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
    if (by === undefined) return
    event.preventDefault()
    let { row, column } = stop
    // Over empty cells to the next one.
    for (;;) {
      row += by[0] ?? 0
      column += by[1] ?? 0
      if (row < 0 || column < 0 || row > rows.length || column >= runs.length) return
      const next = table.current?.querySelector<HTMLElement>(`[data-cell="${row} ${column}"]`)
      if (next == null) continue
      setStop({ row, column })
      next.focus()
      return
    }
  }
  const at = (row: number, column: number) => ({
    "data-cell": `${row} ${column}`,
    tabIndex: stop.row === row && stop.column === column ? 0 : -1,
    onFocus: () => setStop({ row, column }),
  })
  return (
    <div ref={pane} className={css["pane"]}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrows go from cell to cell */}
      <table ref={table} className={css["matrix"]} aria-label="Runs by task, oldest first" onKeyDown={move}>
        <thead>
          <tr>
            <th scope="col" className={css["label"]}>
              Run
            </th>
            {oldestFirst.map(({ run }, column) => (
              <th key={run.id} scope="col">
                <Cell
                  type={run.state?.type ?? "PENDING"}
                  to={path("flow-runs", run.id)}
                  lines={[run.name, run.state?.name ?? "Pending", exact(new Date(run.created))]}
                  {...at(0, column)}
                />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, of, cells, longest }, row) => (
            <tr key={key}>
              <th scope="row" className={[css["label"], "cut"].join(" ")} title={of}>
                {of}
              </th>
              {cells.map((calls, column) => {
                const run = oldestFirst[column]?.run
                if (run === undefined) return null
                if (calls === undefined) return <td key={run.id} className={css["missing"]} />
                return (
                  <td key={run.id}>
                    <CallsCell calls={calls} run={run} longest={longest} {...at(row + 1, column)} />
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {runs.some(each => !each.is_complete) && (
        <p className="faint">Of runs with very many calls, or of too many such runs, not all were looked at.</p>
      )}
    </div>
  )
}

interface Stop {
  "data-cell": string
  tabIndex: number
  onFocus: () => void
}

interface CallsProps extends Stop {
  calls: Schemas["TaskCallsModel"]
  run: Schemas["FlowRunModel"]
  longest: number
}

function CallsCell({ calls, run, longest, ...stop }: CallsProps) {
  const type = worstOf(calls.counts)
  const took = calls.longest_seconds
  const search = new URLSearchParams({
    view: "task-runs",
    q: calls.of,
    ...(type === "COMPLETED" ? {} : { state: type }),
  })
  const to = calls.of_task
    ? `${path("flow-runs", run.id)}?${search.toString()}`
    : `/flow-runs?parent=${run.id}&flow=${encodeURIComponent(calls.of)}`
  return (
    <Cell
      type={type}
      to={to}
      share={took === null || longest === 0 ? 0 : took / longest}
      lines={[
        `${calls.of} in ${run.name}`,
        inWords(calls.counts),
        took === null ? "" : `the longest took ${duration(took * 1_000)}`,
      ]}
      {...stop}
    />
  )
}

interface CellProps extends Stop {
  type: StateType
  to: string
  lines: readonly string[]
  share?: number
}

function Cell({ type, to, lines, share = 0, ...stop }: CellProps) {
  const { icon: Icon, color } = STATES[type]
  const said = lines.filter(line => line !== "")
  return (
    <Link
      to={to}
      className={css["cell"]}
      style={{ "--state": color, "--share": `${Math.round(share * 100)}%` } as CSSProperties}
      title={said.join("\n")}
      aria-label={said.join(", ")}
      {...stop}
    >
      <Icon size={13} strokeWidth={2.25} aria-hidden />
    </Link>
  )
}
