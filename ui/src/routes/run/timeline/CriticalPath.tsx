import { count, duration } from "~/lib/format"
import type { Bar } from "./bars"
import css from "./Timeline.module.css"

/** What the critical path is made of. */
export function CriticalPath({ bars, places }: { bars: readonly Bar[]; places: readonly number[] }) {
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
