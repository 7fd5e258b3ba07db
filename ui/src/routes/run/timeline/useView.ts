import { useCallback, useEffect, useRef, useState } from "react"
import { useAddress } from "~/lib/address"
import type { Folding } from "./folding"
import type { View } from "./view"

const KEPT_AFTER = 400 // ms without another zoom

/** What is in sight. The address has it, in ms since the first call began, so that a link leads to it. */
export function useView(extent: View, origin: number, { fold, unfold }: Folding) {
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
