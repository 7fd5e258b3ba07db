import { useEffect, useRef, useState } from "react"

/** An element, how wide it is, and a number that changes with the theme: what is drawn on a canvas follows both. */
export function usePane() {
  const pane = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [theme, setTheme] = useState(0)
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
  return { pane, width, theme }
}
