import { useCallback, useEffect, type KeyboardEvent, type RefObject } from "react"
import { panned, zoomed, type View } from "./view"

interface Zoomed {
  view: View
  extent: View
  /** In px: of what is drawn, and of what is left of it. */
  width: number
  left: number
  /** `null` is all of it. */
  setView: (next: View | null) => void
}

/** Zooming and panning by the wheel and by keys. */
export function useZoom(pane: RefObject<HTMLElement | null>, { view, extent, width, left, setView }: Zoomed) {
  const length = view.until - view.from
  const perPixel = length / Math.max(1, width)
  const zoom = useCallback(
    (factor: number, at = (view.from + view.until) / 2) => setView(zoomed(view, factor, at, extent)),
    [view, extent, setView],
  )

  useEffect(() => {
    const element = pane.current
    if (element === null) return
    // Not React's: those cannot keep the page from being zoomed.
    const wheel = (event: WheelEvent) => {
      const x = event.clientX - element.getBoundingClientRect().left - left
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault()
        zoom(Math.exp(-event.deltaY * 0.01), view.from + x * perPixel)
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault()
        setView(panned(view, (event.shiftKey ? event.deltaY : event.deltaX) * perPixel, extent))
      }
    }
    element.addEventListener("wheel", wheel, { passive: false })
    return () => element.removeEventListener("wheel", wheel)
  }, [pane, zoom, perPixel, view, extent, left, setView])

  const press = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      "+": () => zoom(1.5),
      "=": () => zoom(1.5),
      "-": () => zoom(1 / 1.5),
      "0": () => setView(null),
      ArrowLeft: () => setView(panned(view, -length / 6, extent)),
      ArrowRight: () => setView(panned(view, length / 6, extent)),
    }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    move()
  }
  return { zoom, press }
}
