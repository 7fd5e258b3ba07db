import type { Bar } from "./bars"

const SLACK = 2 // ms by which a call may begin before the one that it waited for is known to have ended

/**
 * The calls that the run waited for: the one that ended last, before it the one that ended last before that began, and
 * so on to its beginning. Each shortened would have had the run end sooner.
 */
export function criticalPath(bars: readonly Bar[]): number[] {
  const byEnd = bars.flatMap((bar, place) =>
    bar.kind === "attempt" || bar.isStopped || bar.end <= bar.start ? [] : [place],
  )
  const end = (place: number) => bars[place]?.end ?? 0
  byEnd.sort((one, other) => end(one) - end(other))
  const path: number[] = []
  for (let at = byEnd.length - 1; at >= 0;) {
    const place = byEnd[at] ?? 0
    path.push(place)
    const begun = bars[place]?.start ?? 0
    let before = at - 1
    while (before >= 0 && end(byEnd[before] ?? 0) > begun + SLACK) before -= 1
    at = before
  }
  return path.reverse()
}
