import css from "./Shares.module.css"
import { STATES, STATE_TYPES, type StateType } from "./State"

/** How many runs are in which state, as one line in their colours; in words on hover and for screen readers. */
export function Shares({ counts }: { counts: Partial<Record<StateType, number>> }) {
  const parts = STATE_TYPES.flatMap(type => {
    const value = counts[type] ?? 0
    return value > 0 ? [{ type, value }] : []
  })
  const said = parts.map(part => `${part.value.toLocaleString()} ${STATES[part.type].word.toLowerCase()}`).join(", ")
  return (
    <span className={css["shares"]} title={said} role="img" aria-label={said === "" ? "no runs" : said}>
      {parts.map(part => (
        <span key={part.type} style={{ flexGrow: part.value, background: STATES[part.type].color }} />
      ))}
    </span>
  )
}
