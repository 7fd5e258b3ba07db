import { useQuery } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { ChartGantt, Maximize, Minus, Plus } from "lucide-react"
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react"
import { IconButton } from "~/components/Button"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { path } from "~/components/Link"
import { StateBadge } from "~/components/State"
import { count, duration } from "~/lib/format"
import { colours, draw, HEAD, ROW } from "./drawing"
import { timeline } from "./queries"
import { barsOf, extentOf, packed, panned, zoomed, type Bar, type View } from "./timeline"
import css from "./Timeline.module.css"

interface Props {
  flowRunId: string
  live: boolean
}

/** All that a flow run called, over time. */
export function Timeline({ flowRunId, live }: Props) {
  const { data, dataUpdatedAt, error, refetch } = useQuery(timeline(flowRunId, live))
  const bars = useMemo(() => (data === undefined ? [] : barsOf(data, dataUpdatedAt)), [data, dataUpdatedAt])
  if (data === undefined && error) return <Failure what="The timeline" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={6} />
  if (bars.length === 0) {
    return (
      <Empty icon={ChartGantt} title={live ? "This run has called nothing yet" : "This run called no task or flow"}>
        {live && "Tasks and subflows appear here as they begin."}
      </Empty>
    )
  }
  return <Chart bars={bars} isCut={data.next !== null} />
}

interface Place {
  bar: Bar
  x: number
  y: number
}

function Chart({ bars, isCut }: { bars: readonly Bar[]; isCut: boolean }) {
  const pane = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [theme, setTheme] = useState(0)
  const [chosen, setView] = useState<View | null>(null)
  const [under, setUnder] = useState<Place | null>(null)
  const [top, setTop] = useState(0)
  const dragged = useRef<{ x: number; view: View; moved: boolean } | null>(null)
  const navigate = useNavigate()
  const extent = useMemo(() => extentOf(bars), [bars])
  const { rows, count: rowCount } = useMemo(() => packed(bars), [bars])
  const view = chosen ?? extent
  const origin = bars[0]?.start ?? 0

  useEffect(() => {
    const element = pane.current
    if (element === null) return
    const seen = new ResizeObserver(() => setWidth(element.clientWidth))
    const turned = new MutationObserver(() => setTheme(each => each + 1))
    seen.observe(element)
    turned.observe(document.documentElement, { attributeFilter: ["data-theme"] })
    return () => {
      seen.disconnect()
      turned.disconnect()
    }
  }, [])

  const tall = Math.min(Math.max(rowCount, 4), 22) * ROW
  useEffect(() => {
    const element = canvas.current
    if (element === null || width === 0) return
    const frame = requestAnimationFrame(() => {
      draw(element, { bars, rows, view, origin, width, height: HEAD + tall, top, under: under?.bar ?? null }, colours())
    })
    return () => cancelAnimationFrame(frame)
  }, [bars, rows, view, origin, width, tall, top, under, theme])

  const timeAt = useCallback(
    (x: number) => view.from + (x / Math.max(1, width)) * (view.until - view.from),
    [view, width],
  )
  const zoom = useCallback((factor: number, at: number) => setView(zoomed(view, factor, at, extent)), [view, extent])

  useEffect(() => {
    const element = pane.current
    if (element === null) return
    // Not React's: those cannot keep the page from being zoomed.
    const wheel = (event: WheelEvent) => {
      const box = element.getBoundingClientRect()
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault()
        zoom(Math.exp(-event.deltaY * 0.01), timeAt(event.clientX - box.left))
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault()
        const by = event.shiftKey ? event.deltaY : event.deltaX
        setView(panned(view, (by / Math.max(1, width)) * (view.until - view.from), extent))
      }
    }
    element.addEventListener("wheel", wheel, { passive: false })
    return () => element.removeEventListener("wheel", wheel)
  }, [zoom, timeAt, view, width, extent])

  const barAt = (event: PointerEvent): Place | null => {
    const box = event.currentTarget.getBoundingClientRect()
    const x = event.clientX - box.left
    const y = event.clientY - box.top - HEAD
    if (y < 0) return null
    const row = Math.floor((y + top) / ROW)
    const slack = ((view.until - view.from) / Math.max(1, width)) * 3
    const time = timeAt(x)
    for (let index = bars.length - 1; index >= 0; index -= 1) {
      const bar = bars[index]
      if (bar !== undefined && rows[index] === row && bar.start - slack <= time && time <= bar.end + slack)
        return { bar, x, y }
    }
    return null
  }
  const press = (event: KeyboardEvent) => {
    const middle = (view.from + view.until) / 2
    const step = (view.until - view.from) / 6
    const moves: Record<string, () => void> = {
      "+": () => zoom(1.5, middle),
      "=": () => zoom(1.5, middle),
      "-": () => zoom(1 / 1.5, middle),
      "0": () => setView(null),
      ArrowLeft: () => setView(panned(view, -step, extent)),
      ArrowRight: () => setView(panned(view, step, extent)),
    }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    move()
  }
  const open = (bar: Bar) => void navigate({ to: path(bar.ofTask ? "task-runs" : "flow-runs", bar.id) })
  const length = duration(extent.until - extent.from)

  return (
    <div className={css["timeline"]}>
      <div className={css["tools"]}>
        <span className="soft">
          {count(bars.length, "run")}
          {isCut && ", the first ones"} · {length}
        </span>
        <IconButton label="Nearer" onClick={() => zoom(1.5, (view.from + view.until) / 2)}>
          <Plus size={14} aria-hidden />
        </IconButton>
        <IconButton label="Farther" onClick={() => zoom(1 / 1.5, (view.from + view.until) / 2)}>
          <Minus size={14} aria-hidden />
        </IconButton>
        <IconButton label="Whole timeline" onClick={() => setView(null)}>
          <Maximize size={13} aria-hidden />
        </IconButton>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys zoom and pan; the table of task runs says the same in words */}
      <div
        ref={pane}
        role="group"
        aria-label={`Timeline of ${count(bars.length, "run")} over ${length}. Plus and minus zoom, arrows move. The tab “Task runs” lists them.`}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className={css["pane"]}
        style={{ height: HEAD + tall }}
        onKeyDown={press}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
      >
        <canvas
          ref={canvas}
          className={css["canvas"]}
          onPointerDown={event => {
            dragged.current = { x: event.clientX, view, moved: false }
            event.currentTarget.setPointerCapture(event.pointerId)
          }}
          onPointerMove={event => {
            const from = dragged.current
            if (from === null) {
              const place = barAt(event)
              if (place?.bar !== under?.bar) setUnder(place)
              return
            }
            const by = event.clientX - from.x
            if (Math.abs(by) > 3) from.moved = true
            if (from.moved) {
              setUnder(null)
              setView(panned(from.view, -(by / Math.max(1, width)) * (from.view.until - from.view.from), extent))
            }
          }}
          onPointerUp={event => {
            const place = dragged.current?.moved === false ? barAt(event) : null
            dragged.current = null
            if (place !== null) open(place.bar)
          }}
          onPointerLeave={() => setUnder(null)}
        />
        <div style={{ height: rowCount * ROW }} />
      </div>
      {under !== null && <Card place={under} width={width} origin={origin} />}
    </div>
  )
}

function Card({ place: { bar, x, y }, width, origin }: { place: Place; width: number; origin: number }) {
  return (
    <div
      className={css["card"]}
      style={{ left: Math.min(Math.max(x - 110, 0), Math.max(0, width - 260)), top: y + HEAD + 52 }}
    >
      <StateBadge state={{ type: bar.type, name: bar.stateName }} />
      <strong className="cut">{bar.name}</strong>
      <span className="soft">
        {bar.ofTask ? "Task" : "Subflow"} {bar.of} · {duration(bar.end - bar.start)} · begins at +
        {duration(bar.start - origin)}
        {bar.attempts > 1 && ` · ${bar.attempts} attempts`}
      </span>
    </div>
  )
}
