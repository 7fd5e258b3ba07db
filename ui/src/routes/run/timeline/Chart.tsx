import { useNavigate } from "@tanstack/react-router"
import { useEffect, useMemo, useRef, useState, type PointerEvent } from "react"
import { path } from "~/components/Link"
import { useAddress } from "~/lib/address"
import { count, duration } from "~/lib/format"
import type { Bar } from "./bars"
import { Card, type Place } from "./Card"
import { CriticalPath } from "./CriticalPath"
import { barAt, colours, draw, HEAD, ROW } from "./drawing"
import { foldedBars, foldingOf, UNFOLDED } from "./folding"
import { criticalPath } from "./criticalPath"
import { MOST_ROWS, rowsOf } from "./lanes"
import { Labels } from "./Labels"
import { shownOf } from "./shown"
import { SmallMap } from "./SmallMap"
import css from "./Timeline.module.css"
import { Tools } from "./Tools"
import { usePane } from "./usePane"
import { useView } from "./useView"
import { useZoom } from "./useZoom"
import { extentOf, panned, type View } from "./view"

interface Props {
  bars: readonly Bar[]
  calls: number
  isCut: boolean
  spared: { calls: number; ms: number }
}

/** Bars over time, which can be zoomed, panned, pointed at and opened. */
export function Chart({ bars: real, calls, isCut, spared }: Props) {
  const address = useAddress()
  const navigate = useNavigate()
  const { pane, width: all, theme } = usePane()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [under, setUnder] = useState<Place | null>(null)
  const [top, setTop] = useState(0)
  const dragged = useRef<{ x: number; view: View; moved: boolean } | null>(null)

  const shown = shownOf(address)
  const { byTask, order, hasPath } = shown
  const possible = useMemo(() => foldingOf(real), [real])
  const folding = shown.isFolded ? possible : UNFOLDED
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
  const critical = useMemo(() => (hasPath ? criticalPath(real) : []), [hasPath, real])
  const lit = useMemo(() => (hasPath ? new Set(critical) : null), [hasPath, critical])
  const [view, setView] = useView(extent, origin, folding)
  const labels = byTask ? (all < 640 ? 104 : 216) : 0
  const width = Math.max(0, all - labels)
  const { zoom, press } = useZoom(pane, { view, extent, width, left: labels, setView })

  const tall = Math.min(Math.max(rowCount, 4), MOST_ROWS) * ROW
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

  const placeOf = (event: PointerEvent): Place | null => {
    const box = event.currentTarget.getBoundingClientRect()
    const x = event.clientX - box.left
    const y = event.clientY - box.top - HEAD
    const bar = barAt({ bars, rows, view, width, top, lit }, x, y)
    return bar === null ? null : { bar, x, y }
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
  const notRun = `${duration(spared.ms)} of ${count(spared.calls, "call")} not run again`
  const sums = [`${count(calls, "run")}${isCut ? ", the first ones" : ""}`, length, spared.calls > 0 && notRun]

  return (
    <div className={css["timeline"]}>
      <Tools
        sums={sums.filter(Boolean).join(" · ")}
        shown={shown}
        hasOrder={byTask && heads.length > 1}
        hasGaps={possible.gaps.length > 0}
        onZoom={zoom}
        onWhole={() => setView(null)}
      />
      {hasPath && <CriticalPath bars={real} places={critical} />}
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
                const place = placeOf(event)
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
              const place = dragged.current?.moved === false ? placeOf(event) : null
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
