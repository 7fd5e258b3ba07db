import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { isWhole, merged, packed, type Bar } from "./bars"

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
