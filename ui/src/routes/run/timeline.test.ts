import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { extentOf, isWhole, merged, packed, panned, ticks, zoomed, type Bar } from "./timeline"

const bar = (start: number, end: number): Bar => ({
  id: `${start}-${end}`,
  kind: "task",
  name: "",
  of: "",
  type: "COMPLETED",
  stateName: "Completed",
  start,
  end,
  isOpen: false,
  isStopped: false,
  attempts: 1,
})

describe("rows", () => {
  it("are as many as bars at one time", () => {
    const { rows, count } = packed([bar(0, 10), bar(1, 4), bar(5, 9), bar(10, 12)])
    expect([...rows]).toEqual([0, 1, 1, 0])
    expect(count).toBe(2)
  })

  it("hold no two bars that lie over each other, of ten thousand", () => {
    const bars = Array.from({ length: 10_000 }, (_, index) => bar(index, index + ((index * 7_919) % 97)))
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

describe("the view", () => {
  const extent = { from: 0, until: 1_000 }

  it("keeps the time under the pointer where it is", () => {
    const view = zoomed(extent, 4, 250, extent)
    expect(view).toEqual({ from: 187.5, until: 437.5 })
  })

  it("never leaves what there is", () => {
    expect(panned({ from: 100, until: 300 }, -500, extent)).toEqual({ from: 0, until: 200 })
    expect(panned({ from: 100, until: 300 }, 5_000, extent)).toEqual({ from: 800, until: 1_000 })
    expect(zoomed({ from: 100, until: 300 }, 0.001, 200, extent)).toEqual(extent)
  })

  it("of nothing is something", () => expect(extentOf([])).toEqual({ from: 0, until: 1 }))
})

describe("ticks", () => {
  it.each([
    [{ from: 0, until: 60_000 }, 6, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]],
    [{ from: 0, until: 1 }, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [{ from: 7_000_000, until: 15_000_000 }, 3, [7_200_000, 10_800_000, 14_400_000]],
  ])("of %o are round", (view, most, expected) => {
    const found = ticks(view, 0, most)
    expect(found.map(each => Math.round(each * 1e6) / 1e6)).toEqual(expected)
  })
})

describe("what changed", () => {
  const columns = (runs: Record<string, Schemas["StateType"]>, counts: Schemas["Timeline"]["counts"] = {}) => {
    const ids = Object.keys(runs)
    const all = <T>(value: T) => ids.map(() => value)
    return {
      ...{ id: ids, of_task: all(true), name: ids, of: all("load"), state_type: Object.values(runs) },
      ...{ state_name: all(""), created: all(0), started: all(0), ended: all(null), run_count: all(1) },
      ...{ is_stopped: all(false), counts, changed: 5, next: null },
    } as Schemas["Timeline"]
  }
  const known = columns({ a: "RUNNING", b: "PENDING" })

  it("takes the place of what was known, and comes after it if it is new", () => {
    const next = merged(known, columns({ b: "RUNNING", c: "PENDING" }, { RUNNING: 2, PENDING: 1 }))
    expect(next.id).toEqual(["a", "b", "c"])
    expect(next.state_type).toEqual(["RUNNING", "RUNNING", "PENDING"])
    expect(known.id).toEqual(["a", "b"])
    expect(isWhole(next)).toBe(true)
  })

  it("that was missed is found by the counts", () => {
    const next = merged(known, columns({}, { RUNNING: 1, COMPLETED: 1 }))
    expect(isWhole(next)).toBe(false)
  })
})
