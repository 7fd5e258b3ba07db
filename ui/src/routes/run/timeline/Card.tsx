import { StateBadge } from "~/components/State"
import { duration } from "~/lib/format"
import type { Bar } from "./bars"
import { HEAD } from "./drawing"
import type { Folding } from "./folding"
import css from "./Timeline.module.css"

/** A bar, and where the pointer is on it. */
export interface Place {
  bar: Bar
  x: number
  y: number
}

/** What a bar is of, beside the pointer. */
export function Card(props: { place: Place; width: number; origin: number; folding: Folding }) {
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
