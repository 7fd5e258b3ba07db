import type { Bar } from "./bars"

/** The part of the time that is in sight. */
export interface View {
  from: number
  until: number
}

const SHORTEST = 0.05 // ms

/** All of the bars, with some room. */
export function extentOf(bars: readonly Bar[]): View {
  let from = Infinity
  let until = -Infinity
  for (const bar of bars) {
    from = Math.min(from, bar.start)
    until = Math.max(until, bar.end)
  }
  if (from > until) return { from: 0, until: 1 }
  const room = Math.max((until - from) * 0.02, 0.5)
  return { from: from - room, until: until + room }
}

/** Nearer by a factor (over 1) or farther, round a time that stays where it is. */
export function zoomed(view: View, factor: number, at: number, extent: View): View {
  const length = Math.min(Math.max((view.until - view.from) / factor, SHORTEST), extent.until - extent.from)
  const share = (at - view.from) / (view.until - view.from)
  return within({ from: at - share * length, until: at + (1 - share) * length }, extent)
}

export function panned(view: View, by: number, extent: View): View {
  return within({ from: view.from + by, until: view.until + by }, extent)
}

function within(view: View, extent: View): View {
  const length = view.until - view.from
  const from = Math.min(Math.max(view.from, extent.from), extent.until - length)
  return { from, until: from + length }
}

const STEPS = [1, 2, 5]

/** Times to mark: round ones, about as many as fit, counted from `origin`. */
export function ticks(view: View, origin: number, most: number): number[] {
  const least = (view.until - view.from) / Math.max(1, most)
  const step = roundStep(least)
  const found: number[] = []
  for (let at = Math.ceil((view.from - origin) / step) * step; at <= view.until - origin; at += step) found.push(at)
  return found
}

function roundStep(least: number): number {
  const minutes = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000]
  const hours = [1, 2, 3, 6, 12, 24, 48, 168].map(each => each * 3_600_000)
  if (least > 500)
    return [...minutes, ...hours].find(each => each >= least) ?? Math.ceil(least / 604_800_000) * 604_800_000
  const power = 10 ** Math.floor(Math.log10(least))
  return (STEPS.find(each => each * power >= least) ?? 10) * power
}
