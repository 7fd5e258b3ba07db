import type { Bar } from "./bars"

/** A time in which nothing ran: `at` is where it is drawn. */
export interface Gap {
  from: number
  until: number
  at: number
}

/** Times without what nothing ran in: a run that waited two days for a person is two short parts beside each other. */
export interface Folding {
  gaps: readonly Gap[]
  /** Where a time is drawn. */
  fold: (time: number) => number
  /** The time that is drawn there. */
  unfold: (place: number) => number
}

const LEAST = 2_000 // ms that are worth folding
const SHARE = 0.15 // of the whole
const LEFT = 0.03 // of the rest: how long a folded gap is drawn

export const UNFOLDED: Folding = { gaps: [], fold: time => time, unfold: place => place }

/**
 * Gaps between bars that are long for the run as a whole.
 *
 * How long a bar ran whose process was lost is not known, so it keeps no gap from being one.
 */
export function foldingOf(bars: readonly Bar[]): Folding {
  const spans = bars
    .filter(bar => !bar.isStopped)
    .map(({ start, end }) => ({ start, end }))
    .concat(bars.filter(bar => bar.isStopped).map(({ start }) => ({ start, end: start })))
    .sort((one, other) => one.start - other.start)
  const [first] = spans
  if (first === undefined) return UNFOLDED
  const all: { from: number; until: number }[] = []
  let until = first.end
  for (const span of spans) {
    if (span.start > until) all.push({ from: until, until: span.start })
    until = Math.max(until, span.end)
  }
  const whole = until - first.start
  const folded = all.filter(gap => gap.until - gap.from > Math.max(LEAST, whole * SHARE))
  if (folded.length === 0) return UNFOLDED
  const rest = whole - folded.reduce((sum, gap) => sum + gap.until - gap.from, 0)
  const short = Math.max(rest * LEFT, 1)
  let taken = 0
  const gaps = folded.map(gap => {
    const at = gap.from - taken
    taken += gap.until - gap.from - short
    return { ...gap, at }
  })
  return {
    gaps,
    fold: time => {
      let less = 0
      for (const { from, until } of gaps) {
        if (time <= from) break
        if (time < until) return from - less + ((time - from) / (until - from)) * short
        less += until - from - short
      }
      return time - less
    },
    unfold: place => {
      let more = 0
      for (const { from, until, at } of gaps) {
        if (place <= at) break
        if (place < at + short) return from + ((place - at) / short) * (until - from)
        more += until - from - short
      }
      return place + more
    },
  }
}

/** Bars where they are drawn. */
export function foldedBars(bars: readonly Bar[], { gaps, fold }: Folding): readonly Bar[] {
  return gaps.length === 0 ? bars : bars.map(bar => ({ ...bar, start: fold(bar.start), end: fold(bar.end) }))
}
