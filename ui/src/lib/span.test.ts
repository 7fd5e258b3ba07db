import { describe, expect, it } from "vitest"
import { byStep, isSpan, rangeLabel, rangeOf, rangeText, SPAN_NAMES, stepsOf } from "./span"

const NOW = Date.parse("2026-03-14T10:47:12Z")

describe("steps", () => {
  it.each(SPAN_NAMES)("of %s end after now, and stay where they are within one", name => {
    const steps = stepsOf(name, NOW)
    expect(steps.until.getTime()).toBeGreaterThan(NOW)
    expect(steps.until.getTime() - steps.length).toBeLessThanOrEqual(NOW)
    expect(steps.until.getTime() - steps.since.getTime()).toBe(steps.count * steps.length)
    expect(stepsOf(name, steps.until.getTime() - 1)).toEqual(steps)
  })

  it("have what was found for them, and nothing where nothing was", () => {
    const steps = stepsOf("1h", NOW)
    const begin = (step: number) => new Date(steps.since.getTime() + step * steps.length).toISOString()
    const found = [{ begin: begin(0) }, { begin: begin(29) }, { begin: begin(30) }]
    const all = byStep(found, steps)
    expect(all).toHaveLength(30)
    expect(all[0]).toBe(found[0])
    expect(all[29]).toBe(found[1])
    expect(all.filter(each => each !== undefined)).toHaveLength(2)
  })
})

describe("ranges", () => {
  it("by name reach back from this minute", () => {
    expect(rangeOf("24h", NOW)).toEqual({ created_after: "2026-03-13T10:47:00.000Z", created_before: undefined })
  })

  it("of two times are read as they were written", () => {
    const text = rangeText(new Date(NOW), new Date(NOW + 60_000))
    expect(rangeOf(text)).toEqual({
      created_after: "2026-03-14T10:47:12.000Z",
      created_before: "2026-03-14T10:48:12.000Z",
    })
    expect(rangeLabel(text)).toContain(" – ")
  })

  it.each([undefined, "", "~", "yesterday", "toString", "x~y"])("that say nothing (%s) leave nothing out", text => {
    expect(isSpan(text)).toBe(false)
    expect(rangeOf(text)).toEqual({ created_after: undefined, created_before: undefined })
  })
})
