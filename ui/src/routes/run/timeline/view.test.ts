import { describe, expect, it } from "vitest"
import { extentOf, panned, ticks, zoomed } from "./view"

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
