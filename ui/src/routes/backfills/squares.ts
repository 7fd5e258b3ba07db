import type { StateType } from "~/components/State"

/** Partitions as squares in rows: one row a group, such as a month of days; of a few or of ten thousand. */
export interface Squares {
  rows: { label: string; from: number; to: number }[]
  /** Squares in the longest row. */
  width: number
}

const PLAIN = 50 // squares in a row of keys that say no time

/**
 * Rows of keys that are in order: keys of hours by day, of days by month, of weeks and months by year, and all others so
 * many to a row. Of two dimensions, the first one counts.
 */
export function squaresOf(keys: readonly string[]): Squares {
  const groups = keys.map(groupOf)
  if (groups.some(group => group === undefined)) return plain(keys)
  const rows: Squares["rows"] = []
  groups.forEach((label, index) => {
    const last = rows.at(-1)
    if (last !== undefined && last.label === label) last.to = index + 1
    else rows.push({ label: label ?? "", from: index, to: index + 1 })
  })
  const width = Math.max(0, ...rows.map(({ from, to }) => to - from))
  return width > 4 * PLAIN ? plain(keys) : { rows, width }
}

function groupOf(key: string): string | undefined {
  const time = key.split("|", 1)[0] ?? ""
  if (/^\d{4}-\d\d-\d\dT\d\d$/.test(time)) return time.slice(0, 10)
  if (/^\d{4}-\d\d-\d\d$/.test(time)) return time.slice(0, 7)
  return /^\d{4}-\d\d$/.test(time) ? time.slice(0, 4) : undefined
}

function plain(keys: readonly string[]): Squares {
  const rows = []
  for (let from = 0; from < keys.length; from += PLAIN) {
    rows.push({ label: keys[from] ?? "", from, to: Math.min(from + PLAIN, keys.length) })
  }
  return { rows, width: Math.min(PLAIN, keys.length) }
}

/** The squares of each state as one path of SVG: a few elements, however many partitions. */
export function pathsOf(squares: Squares, states: readonly (StateType | null)[], step: number, size: number) {
  const paths = new Map<StateType, string[]>()
  squares.rows.forEach(({ from, to }, row) => {
    for (let index = from; index < to; index += 1) {
      const state = states[index] ?? "SCHEDULED"
      const parts = paths.get(state) ?? []
      parts.push(`M${(index - from) * step} ${row * step}h${size}v${size}h-${size}z`)
      paths.set(state, parts)
    }
  })
  return [...paths].map(([state, parts]) => ({ state, d: parts.join("") }))
}

/** Which partition is at a point; undefined beside all of them. */
export function squareAt(squares: Squares, x: number, y: number, step: number): number | undefined {
  const row = squares.rows[Math.floor(y / step)]
  const column = Math.floor(x / step)
  if (row === undefined || column < 0) return undefined
  const index = row.from + column
  return index < row.to ? index : undefined
}

/** The partition beside one, in the direction of a key. */
export function neighbour(squares: Squares, index: number, key: string): number | undefined {
  const at = squares.rows.findIndex(({ from, to }) => index >= from && index < to)
  const row = squares.rows[at]
  if (row === undefined) return undefined
  const inRow = (other: Squares["rows"][number] | undefined) =>
    other === undefined ? undefined : Math.min(other.from + index - row.from, other.to - 1)
  switch (key) {
    case "ArrowLeft":
      return index > 0 ? index - 1 : undefined
    case "ArrowRight":
      return index + 1 < (squares.rows.at(-1)?.to ?? 0) ? index + 1 : undefined
    case "ArrowUp":
      return inRow(squares.rows[at - 1])
    case "ArrowDown":
      return inRow(squares.rows[at + 1])
    case "Home":
      return 0
    case "End":
      return (squares.rows.at(-1)?.to ?? 1) - 1
    default:
      return undefined
  }
}
