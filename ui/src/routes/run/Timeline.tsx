import { useQuery } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { ChartGantt, ChevronDown, ChevronRight, FoldHorizontal, Maximize, Minus, Plus, Route } from "lucide-react"
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react"
import { Button, IconButton } from "~/components/Button"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { ChoiceFilter } from "~/components/Filters"
import { path } from "~/components/Link"
import { Segments } from "~/components/Segments"
import { StateBadge } from "~/components/State"
import { useAddress } from "~/lib/address"
import { count, duration } from "~/lib/format"
import { colours, draw, drawMap, HEAD, ROW } from "./drawing"
import { foldedBars, foldingOf, UNFOLDED, type Folding } from "./folding"
import { attemptsOf, criticalPath, grouped, groupsOf, ordered, ORDERS, saved, type Order, type Rows } from "./groups"
import { flowRunStates, timeline } from "./queries"
import { barsOf, extentOf, packed, panned, zoomed, type Bar, type View } from "./timeline"
import css from "./Timeline.module.css"

interface Props {
  flowRunId: string
  live: boolean
  /** Whether it began to run more than once. */
  isRepeated?: boolean
}

/** All that a flow run called, over time. */
export function Timeline({ flowRunId, live, isRepeated = false }: Props) {
  const { data, dataUpdatedAt, error, refetch } = useQuery(timeline(flowRunId, live))
  const { data: states } = useQuery({ ...flowRunStates(flowRunId), enabled: isRepeated })
  const bars = useMemo(() => {
    if (data === undefined) return []
    const attempts = attemptsOf(states ?? [], dataUpdatedAt)
    return [...attempts, ...barsOf(data, dataUpdatedAt)].sort((one, other) => one.start - other.start)
  }, [data, dataUpdatedAt, states])
  if (data === undefined && error) return <Failure what="The timeline" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={6} />
  if (data.id.length === 0) {
    return (
      <Empty icon={ChartGantt} title={live ? "This run has called nothing yet" : "This run called no task or flow"}>
        {live && "Tasks and subflows appear here as they begin."}
      </Empty>
    )
  }
  return <Chart bars={bars} calls={data.id.length} isCut={data.next !== null} spared={saved(bars, states ?? [])} />
}

interface Place {
  bar: Bar
  x: number
  y: number
}

interface ChartProps {
  bars: readonly Bar[]
  calls: number
  isCut: boolean
  spared: { calls: number; ms: number }
}

const FEW_ROWS = 22 // all lanes of all groups are opened where they are no more
const WORDS: Record<Order, string> = {
  first: "First call first",
  failed: "Failed first",
  running: "Running first",
  slowest: "Slowest first",
}

function Chart({ bars: real, calls, isCut, spared }: ChartProps) {
  const address = useAddress()
  const pane = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const [all, setWidth] = useState(0)
  const [theme, setTheme] = useState(0)
  const [under, setUnder] = useState<Place | null>(null)
  const [top, setTop] = useState(0)
  const dragged = useRef<{ x: number; view: View; moved: boolean } | null>(null)
  const navigate = useNavigate()

  const byTask = address.one("rows") !== "time"
  const order = ORDERS.find(each => each === address.one("order")) ?? "first"
  const hasPath = address.one("path") === "critical"
  const possible = useMemo(() => foldingOf(real), [real])
  const folding = address.one("gaps") === "shown" ? UNFOLDED : possible
  const bars = useMemo(() => foldedBars(real, folding), [real, folding])
  const extent = useMemo(() => extentOf(bars), [bars])
  const origin = bars[0]?.start ?? 0
  const flipped = address.all("open").join("\n")
  const {
    rows,
    count: rowCount,
    heads,
    isAllOpen,
  } = useMemo(
    () => rowsOf(bars, byTask, order, new Set(flipped === "" ? [] : flipped.split("\n"))),
    [bars, byTask, order, flipped],
  )
  const path_ = useMemo(() => (hasPath ? criticalPath(real) : []), [hasPath, real])
  const lit = useMemo(() => (hasPath ? new Set(path_) : null), [hasPath, path_])
  const [view, setView] = useView(extent, origin, folding)
  const narrow = all < 640
  const labels = byTask ? (narrow ? 104 : 216) : 0
  const width = Math.max(0, all - labels)

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

  const tall = Math.min(Math.max(rowCount, 4), FEW_ROWS) * ROW
  const starts = useMemo(() => heads.map(head => head.row), [heads])
  useEffect(() => {
    const element = canvas.current
    if (element === null || width === 0) return
    const frame = requestAnimationFrame(() => {
      const scene = { bars, rows, heads: starts, folding, view, origin, width, height: HEAD + tall, top, lit }
      draw(element, { ...scene, under: under?.bar ?? null }, colours())
    })
    return () => cancelAnimationFrame(frame)
  }, [bars, rows, starts, folding, view, origin, width, tall, top, under, theme, lit])

  const timeAt = useCallback(
    (x: number) => view.from + (x / Math.max(1, width)) * (view.until - view.from),
    [view, width],
  )
  const zoom = useCallback(
    (factor: number, at: number) => setView(zoomed(view, factor, at, extent)),
    [view, extent, setView],
  )

  useEffect(() => {
    const element = pane.current
    if (element === null) return
    // Not React's: those cannot keep the page from being zoomed.
    const wheel = (event: WheelEvent) => {
      const box = element.getBoundingClientRect()
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault()
        zoom(Math.exp(-event.deltaY * 0.01), timeAt(event.clientX - box.left - labels))
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault()
        const by = event.shiftKey ? event.deltaY : event.deltaX
        setView(panned(view, (by / Math.max(1, width)) * (view.until - view.from), extent))
      }
    }
    element.addEventListener("wheel", wheel, { passive: false })
    return () => element.removeEventListener("wheel", wheel)
  }, [zoom, timeAt, view, width, extent, labels, setView])

  const barAt = (event: PointerEvent): Place | null => {
    const box = event.currentTarget.getBoundingClientRect()
    const x = event.clientX - box.left
    const y = event.clientY - box.top - HEAD
    if (y < 0) return null
    const row = Math.floor((y + top) / ROW)
    const slack = ((view.until - view.from) / Math.max(1, width)) * 3
    const time = timeAt(x)
    let found: Bar | null = null
    for (let index = bars.length - 1; index >= 0; index -= 1) {
      const bar = bars[index]
      if (bar === undefined || rows[index] !== row || bar.start - slack > time || time > bar.end + slack) continue
      // Of those that lie over each other, the one on top.
      if (found === null || (lit?.has(index) === true && !lit.has(bars.indexOf(found)))) found = bar
      else if (lit === null && bar.type === "FAILED" && found.type !== "FAILED") found = bar
    }
    return found === null ? null : { bar: found, x, y }
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
  const open = (bar: Bar) => {
    if (bar.kind !== "attempt") void navigate({ to: path(bar.kind === "task" ? "task-runs" : "flow-runs", bar.id) })
  }
  const toggle = (key: string) => {
    const now = address.all("open")
    address.set({ open: now.includes(key) ? now.filter(each => each !== key) : [...now, key] })
  }
  const length = duration(folding.unfold(extent.until) - folding.unfold(extent.from))
  const isZoomed = view.from > extent.from || view.until < extent.until

  return (
    <div className={css["timeline"]}>
      <div className={css["tools"]}>
        <span className={["soft", css["sums"]].join(" ")}>
          {count(calls, "run")}
          {isCut && ", the first ones"} · {length}
          {spared.calls > 0 && ` · ${duration(spared.ms)} of ${count(spared.calls, "call")} not run again`}
        </span>
        <Segments
          label="Rows"
          value={byTask ? "task" : "time"}
          choices={[
            { value: "task", label: "By task" },
            { value: "time", label: "By time" },
          ]}
          onChange={next => address.set({ rows: next === "task" ? undefined : next, open: undefined })}
        />
        {byTask && heads.length > 1 && (
          <ChoiceFilter
            label="Order"
            single
            choices={ORDERS.map(value => ({ value, label: WORDS[value] }))}
            value={order === "first" ? [] : [order]}
            onChange={([next]) => address.set({ order: next === "first" ? undefined : next })}
          />
        )}
        <Button
          look="quiet"
          icon={<Route size={13} aria-hidden />}
          aria-pressed={hasPath}
          onClick={() => address.set({ path: hasPath ? undefined : "critical" })}
        >
          Critical path
        </Button>
        {possible.gaps.length > 0 && (
          <Button
            look="quiet"
            icon={<FoldHorizontal size={13} aria-hidden />}
            aria-pressed={folding !== UNFOLDED}
            onClick={() => {
              setView(null)
              address.set({ gaps: folding === UNFOLDED ? undefined : "shown" })
            }}
          >
            Fold gaps
          </Button>
        )}
        <span className={css["zooms"]}>
          <IconButton label="Nearer" onClick={() => zoom(1.5, (view.from + view.until) / 2)}>
            <Plus size={14} aria-hidden />
          </IconButton>
          <IconButton label="Farther" onClick={() => zoom(1 / 1.5, (view.from + view.until) / 2)}>
            <Minus size={14} aria-hidden />
          </IconButton>
          <IconButton label="Whole timeline" onClick={() => setView(null)}>
            <Maximize size={13} aria-hidden />
          </IconButton>
        </span>
      </div>
      {hasPath && <PathSums bars={real} places={path_} />}
      {(isZoomed || bars.length > 200) && width > 0 && (
        <SmallMap bars={bars} extent={extent} view={view} width={width} left={labels} theme={theme} onMove={setView} />
      )}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys zoom and pan; the table of task runs says the same in words */}
      <div
        ref={pane}
        role="group"
        aria-label={`Timeline of ${count(calls, "run")} over ${length}. Plus and minus zoom, arrows move. The tab “Task runs” lists them.`}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className={css["pane"]}
        style={{ height: HEAD + tall }}
        onKeyDown={press}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
      >
        <div className={css["frame"]} style={{ height: HEAD + rowCount * ROW }}>
          <canvas
            ref={canvas}
            className={css["canvas"]}
            style={{ marginLeft: labels }}
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
          {byTask && (
            <Labels
              heads={heads.filter(({ row, rows }) => (row + rows) * ROW >= top && row * ROW <= top + tall)}
              width={labels}
              flipped={address.all("open")}
              isAllOpen={isAllOpen}
              onToggle={toggle}
            />
          )}
        </div>
      </div>
      {under !== null && (
        <Card
          place={{ ...under, x: under.x + labels, y: under.y + (pane.current?.offsetTop ?? 0) }}
          width={all}
          origin={origin}
          folding={folding}
        />
      )}
    </div>
  )
}

/** The rows of bars; without groups, as few as there can be. */
function rowsOf(
  bars: readonly Bar[],
  byTask: boolean,
  order: Order,
  flipped: ReadonlySet<string>,
): Rows & { isAllOpen: boolean } {
  if (!byTask) return { ...packed(bars), heads: [], isAllOpen: false }
  const groups = ordered(groupsOf(bars), order)
  const every = new Set(groups.map(group => group.key))
  const whole = grouped(bars, groups, every)
  const isAllOpen = whole.count <= FEW_ROWS
  const opened = new Set([...every].filter(key => flipped.has(key) !== isAllOpen))
  return { ...grouped(bars, groups, opened), isAllOpen }
}

const KEPT_AFTER = 400 // ms without another zoom

/** What is in sight. The address has it, in ms since the first call began, so that a link leads to it. */
function useView(extent: View, origin: number, { fold, unfold }: Folding) {
  const address = useAddress()
  const [chosen, setChosen] = useState<View | null>(() => {
    const [from, until] = ["from", "until"].map(name => Number.parseFloat(address.one(name) ?? ""))
    if (from === undefined || until === undefined || !(from < until)) return null
    const start = unfold(origin)
    return { from: fold(start + from), until: fold(start + until) }
  })
  const { set } = address
  const timer = useRef<number | null>(null)
  useEffect(() => () => clearTimeout(timer.current ?? undefined), [])
  const setView = useCallback(
    (next: View | null) => {
      setChosen(next)
      clearTimeout(timer.current ?? undefined)
      const said = (time: number) => String(Math.round((unfold(time) - unfold(origin)) * 100) / 100)
      timer.current = window.setTimeout(
        () =>
          set({
            from: next === null ? undefined : said(next.from),
            until: next === null ? undefined : said(next.until),
          }),
        KEPT_AFTER,
      )
    },
    [set, unfold, origin],
  )
  return [chosen ?? extent, setView] as const
}

interface LabelsProps {
  heads: Rows["heads"]
  width: number
  flipped: readonly string[]
  isAllOpen: boolean
  onToggle: (key: string) => void
}

/** What each row is of, with what has failed and how long the slowest took. */
function Labels({ heads, width, flipped, isAllOpen, onToggle }: LabelsProps) {
  return (
    <div className={css["labels"]} style={{ width }}>
      <div className={css["corner"]} style={{ height: HEAD }} />
      {heads.map(({ group, row, rows, lanes }) => {
        const isOpen = flipped.includes(group.key) !== isAllOpen
        const facts = [
          group.places.length > 1 && `×${group.places.length.toLocaleString()}`,
          group.running > 0 && `${group.running.toLocaleString()} running`,
        ].filter(Boolean)
        const content = (
          <>
            {lanes > 1 && (isOpen ? <ChevronDown size={12} aria-hidden /> : <ChevronRight size={12} aria-hidden />)}
            <span className={["cut", css["name"]].join(" ")} title={group.of}>
              {group.of}
            </span>
            <span className={["faint", css["facts"]].join(" ")}>{facts.join(" ")}</span>
            {group.kind !== "attempt" && group.failed > 0 && (
              <span className={css["failed"]}>
                {group.failed.toLocaleString()} {group.crashed === group.failed ? "crashed" : "failed"}
              </span>
            )}
            <span className={css["longest"]} title="The longest of them">
              {group.longest > 0 ? duration(group.longest) : "–"}
            </span>
          </>
        )
        const place = { top: HEAD + row * ROW, height: rows * ROW }
        return lanes > 1 ? (
          <button
            key={group.key}
            type="button"
            aria-expanded={isOpen}
            style={place}
            onClick={() => onToggle(group.key)}
          >
            {content}
          </button>
        ) : (
          <div key={group.key} style={place}>
            {content}
          </div>
        )
      })}
    </div>
  )
}

/** What the critical path is made of. */
function PathSums({ bars, places }: { bars: readonly Bar[]; places: readonly number[] }) {
  const byTask = new Map<string, number>()
  let sum = 0
  for (const place of places) {
    const bar = bars[place]
    if (bar === undefined) continue
    const took = bar.end - bar.start
    sum += took
    byTask.set(bar.of, (byTask.get(bar.of) ?? 0) + took)
  }
  const most = [...byTask].sort(([, one], [, other]) => other - one).slice(0, 3)
  return (
    <p className={css["path"]} role="status">
      Each of these {count(places.length, "call")} was waited for: {duration(sum)}
      {most.map(([of, took], index) => (
        <span key={of}>
          {index === 0 ? ", of which " : ", "}
          {of} {Math.round((100 * took) / Math.max(sum, 1))}%
        </span>
      ))}
      .
    </p>
  )
}

interface MapProps {
  bars: readonly Bar[]
  extent: View
  view: View
  width: number
  left: number
  theme: number
  onMove: (view: View) => void
}

/** The whole timeline, small; dragged, it moves what is in sight. */
function SmallMap({ bars, extent, view, width, left, theme, onMove }: MapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const frame = requestAnimationFrame(() => drawMap(element, { bars, extent, view, width }, colours()))
    return () => cancelAnimationFrame(frame)
  }, [bars, extent, view, width, theme])
  const move = (event: PointerEvent<HTMLCanvasElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    const at = extent.from + (x / width) * (extent.until - extent.from)
    onMove(panned(view, at - (view.from + view.until) / 2, extent))
  }
  return (
    <canvas
      ref={canvas}
      aria-hidden
      className={css["map"]}
      style={{ marginLeft: left }}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId)
        move(event)
      }}
      onPointerMove={event => event.buttons === 1 && move(event)}
    />
  )
}

function Card(props: { place: Place; width: number; origin: number; folding: Folding }) {
  const { place, width, origin, folding } = props
  const { bar, x, y } = place
  const took = folding.unfold(bar.end) - folding.unfold(bar.start)
  return (
    <div
      className={css["card"]}
      style={{ left: Math.min(Math.max(x - 110, 0), Math.max(0, width - 260)), top: y + HEAD + 18 }}
    >
      <StateBadge state={{ type: bar.type, name: bar.stateName }} />
      <strong className="cut">{bar.name}</strong>
      <span className="soft">
        {bar.kind === "task" ? `Task ${bar.of} · ` : bar.kind === "flow" ? `Subflow ${bar.of} · ` : ""}
        {bar.isStopped && "at most "}
        {duration(took)} · begins at +{duration(folding.unfold(bar.start) - folding.unfold(origin))}
        {bar.attempts > 1 && ` · ${bar.attempts} attempts`}
      </span>
    </div>
  )
}
