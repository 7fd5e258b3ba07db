import { describe, expect, it } from "vitest"
import type { Bar } from "./bars"
import { groupsOf } from "./groups"
import { grouped, ordered, packed } from "./lanes"

const bar = (of: string, start: number, end: number, more: Partial<Bar> = {}): Bar => ({
  ...{ id: `${of} ${start}`, kind: "task", name: of, of, type: "COMPLETED", stateName: "Completed", start, end },
  ...{ isOpen: false, isStopped: false, attempts: 1, ...more },
})

describe("rows", () => {
  it("are as many as bars at one time", () => {
    const { rows, count } = packed([bar("a", 0, 10), bar("a", 1, 4), bar("a", 5, 9), bar("a", 10, 12)])
    expect([...rows]).toEqual([0, 1, 1, 0])
    expect(count).toBe(2)
  })

  it("hold no two bars that lie over each other, of ten thousand", () => {
    const bars = Array.from({ length: 10_000 }, (_, index) => bar("a", index, index + ((index * 7_919) % 97)))
    const { rows, count } = packed(bars)
    const ends = new Array<number>(count).fill(-1)
    bars.forEach((each, index) => {
      const row = rows[index] ?? -1
      expect(each.start).toBeGreaterThanOrEqual(ends[row] ?? Infinity)
      ends[row] = each.end
    })
    expect(count).toBeLessThanOrEqual(97)
  })
})

describe("rows by task", () => {
  const bars = [
    bar("load", 0, 10),
    bar("train", 10, 90),
    bar("load", 12, 14, { type: "FAILED" }),
    bar("load", 13, 20),
    bar("report", 95, 99, { type: "RUNNING", isOpen: true }),
  ]
  const names = (order: Parameters<typeof ordered>[1]) => ordered(groupsOf(bars), order).map(group => group.of)

  it.each([
    ["first", ["load", "train", "report"]],
    ["failed", ["load", "train", "report"]],
    ["running", ["report", "load", "train"]],
    ["slowest", ["train", "load", "report"]],
  ] as const)("are sorted: %s", (order, expected) => expect(names(order)).toEqual(expected))

  it("take one row where a task is closed, and a lane for each call at a time where it is opened", () => {
    const groups = groupsOf(bars)
    expect(grouped(bars, groups, new Set()).count).toBe(3)
    const open = grouped(bars, groups, new Set(["task load"]))
    expect([open.count, ...open.rows]).toEqual([4, 0, 2, 0, 1, 3])
    expect(open.heads.map(({ row, lanes }) => [row, lanes])).toEqual([
      [0, 2],
      [2, 1],
      [3, 1],
    ])
  })
})
