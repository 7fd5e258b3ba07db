import { useEffect, useRef, type PointerEvent } from "react"
import type { Bar } from "./bars"
import { colours, drawMap } from "./drawing"
import css from "./Timeline.module.css"
import { panned, type View } from "./view"

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
export function SmallMap({ bars, extent, view, width, left, theme, onMove }: MapProps) {
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
