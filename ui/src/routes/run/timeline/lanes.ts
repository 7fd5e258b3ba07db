import type { Bar } from "./bars"
import { groupsOf, type Group } from "./groups"

export const ORDERS = ["first", "failed", "running", "slowest"] as const
export type Order = (typeof ORDERS)[number]

/** Groups in an order; attempts of the run itself stay first. */
export function ordered(groups: readonly Group[], order: Order): Group[] {
  const by: Record<Order, (group: Group) => number> = {
    first: group => group.first,
    failed: group => -group.failed,
    running: group => -group.running,
    slowest: group => -group.longest,
  }
  const rank = (group: Group) => (group.kind === "attempt" ? -Infinity : by[order](group))
  return [...groups].sort((one, other) => rank(one) - rank(other) || one.first - other.first)
}

/** Where bars are drawn: the row of each, how many rows there are, and the row at which each group begins. */
export interface Rows {
  rows: Int32Array
  count: number
  heads: readonly { group: Group; row: number; rows: number; lanes: number }[]
}

/** Rows by group: one for all bars of a group that is closed, as many as it needs for one that is opened. */
export function grouped(bars: readonly Bar[], groups: readonly Group[], opened: ReadonlySet<string>): Rows {
  const rows = new Int32Array(bars.length)
  const heads: { group: Group; row: number; rows: number; lanes: number }[] = []
  let row = 0
  for (const group of groups) {
    const own = packed(group.places.flatMap(place => bars[place] ?? []))
    const isOpen = opened.has(group.key)
    group.places.forEach((place, index) => {
      rows[place] = row + (isOpen ? (own.rows[index] ?? 0) : 0)
    })
    heads.push({ group, row, rows: isOpen ? own.count : 1, lanes: own.count })
    row += isOpen ? own.count : 1
  }
  return { rows, count: row, heads }
}

export const MOST_ROWS = 22 // all lanes of all groups are opened where they are no more; so many are seen at once

/** The rows of bars; without groups, as few as there can be. */
export function rowsOf(
  bars: readonly Bar[],
  byTask: boolean,
  order: Order,
  flipped: ReadonlySet<string>,
): Rows & { isAllOpen: boolean } {
  if (!byTask) return { ...packed(bars), heads: [], isAllOpen: false }
  const groups = ordered(groupsOf(bars), order)
  const every = new Set(groups.map(group => group.key))
  const whole = grouped(bars, groups, every)
  const isAllOpen = whole.count <= MOST_ROWS
  const opened = new Set([...every].filter(key => flipped.has(key) !== isAllOpen))
  return { ...grouped(bars, groups, opened), isAllOpen }
}

/** The row of each bar, so that none lies over another: as few rows as can be. Bars are sorted by their beginnings. */
export function packed(bars: readonly Bar[]): { rows: Int32Array; count: number } {
  const rows = new Int32Array(bars.length)
  const ends: { row: number; end: number }[] = [] // a heap of busy rows, the one that ends first on top
  let free: number[] = []
  let count = 0
  bars.forEach((bar, index) => {
    for (let top = ends[0]; top !== undefined && top.end <= bar.start; top = ends[0]) {
      free.push(top.row)
      pop(ends)
    }
    if (free.length > 1) free = free.sort((one, other) => other - one)
    const row = free.pop() ?? count++
    rows[index] = row
    push(ends, { row, end: bar.end })
  })
  return { rows, count }
}

type Ends = { row: number; end: number }[]

function push(heap: Ends, item: Ends[number]): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || above.end <= item.end) break
    heap[at] = above
    at = parent
  }
  heap[at] = item
}

function pop(heap: Ends): void {
  const item = heap.pop()
  if (item === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    const left = heap[child]
    if (left === undefined) break
    const right = heap[child + 1]
    let least = left
    if (right !== undefined && right.end < left.end) {
      least = right
      child += 1
    }
    if (least.end >= item.end) break
    heap[at] = least
    at = child
  }
  heap[at] = item
}
