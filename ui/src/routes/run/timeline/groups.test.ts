import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { attemptsOf, saved } from "./attempts"
import type { Bar } from "./bars"
import { criticalPath } from "./criticalPath"
import { foldedBars, foldingOf } from "./folding"
import { groupsOf } from "./groups"

const bar = (of: string, start: number, end: number, more: Partial<Bar> = {}): Bar => ({
  ...{ id: `${of} ${start}`, kind: "task", name: of, of, type: "COMPLETED", stateName: "Completed", start, end },
  ...{ isOpen: false, isStopped: false, attempts: 1, ...more },
})
const state = (ms: number, type: Schemas["StateType"], isStopped = false): Schemas["StateModel"] => ({
  ...{ type, name: type, message: null, is_stopped: isStopped, time: new Date(ms).toISOString() },
})

describe("the calls of a task", () => {
  const bars = [bar("load", 0, 10), bar("train", 10, 90), bar("load", 12, 14, { type: "FAILED" }), bar("load", 13, 20)]

  it("count what failed and runs, and know the longest", () => {
    const [load] = groupsOf(bars)
    expect(load).toMatchObject({ of: "load", places: [0, 2, 3], failed: 1, running: 0, longest: 10, total: 19 })
  })
})

describe("the critical path", () => {
  it("is each call that the next one waited for, back from the end", () => {
    const bars = [bar("a", 0, 50), bar("b", 0, 20), bar("c", 51, 60), bar("d", 51, 90), bar("e", 91, 100)]
    expect(criticalPath(bars).map(place => bars[place]?.of)).toEqual(["a", "d", "e"])
  })

  it("has no call whose process was lost: how long that took is not known", () => {
    const lost = bar("b", 50, 900, { type: "CRASHED", isStopped: true })
    const bars = [bar("a", 0, 50), lost, bar("b", 901, 950)]
    expect(criticalPath(bars)).toEqual([0, 2])
  })

  it("of twenty thousand calls is found at once", () => {
    const bars = Array.from({ length: 20_000 }, (_, index) => bar("a", index, index + 1))
    expect(criticalPath(bars)).toHaveLength(20_000)
  })
})

describe("gaps", () => {
  const day = 86_400_000
  const bars = [bar("ask", 0, 1_000), bar("publish", day, day + 3_000)]
  const { gaps, fold, unfold } = foldingOf(bars)

  it("in which nothing ran are folded, where they are long", () => {
    expect(gaps).toEqual([{ from: 1_000, until: day, at: 1_000 }])
    expect(fold(day + 3_000)).toBeLessThan(5_000)
    expect(foldingOf([bar("a", 0, 100), bar("b", 110, 200)]).gaps).toEqual([])
  })

  it("unfold to the times that they were", () => {
    for (const time of [0, 500, 1_000, day / 2, day, day + 1_234]) expect(unfold(fold(time))).toBeCloseTo(time, 3)
    expect(foldedBars(bars, foldingOf(bars))[1]?.start).toBe(fold(day))
  })

  it("are not filled by a call whose process was lost, whose end is when that was noticed", () => {
    const lost = bar("train", 1_000, day - 5, { type: "CRASHED", isStopped: true })
    expect(foldingOf([bar("load", 0, 1_000), lost, bar("train", day, day + 9)]).gaps).toHaveLength(1)
  })
})

describe("a run that began more than once", () => {
  const states = [state(0, "RUNNING"), state(50, "CRASHED", true), state(90, "RUNNING"), state(99, "COMPLETED")]

  it("has a bar for each start, and says which was lost", () => {
    const found = attemptsOf(states, 200).map(({ name, type, start, end, isStopped }) => [
      name,
      type,
      start,
      end,
      isStopped,
    ])
    expect(found).toEqual([
      ["Start 1", "CRASHED", 0, 50, true],
      ["Start 2", "COMPLETED", 90, 99, false],
    ])
    expect(attemptsOf(states.slice(0, 1), 200)).toEqual([])
  })

  it("has spared what had completed before its last start", () => {
    const bars = [bar("a", 0, 20), bar("b", 20, 50, { type: "CRASHED" }), bar("b", 91, 98)]
    expect(saved(bars, states)).toEqual({ calls: 1, ms: 20 })
    expect(saved(bars, states.slice(0, 1))).toEqual({ calls: 0, ms: 0 })
  })
})
