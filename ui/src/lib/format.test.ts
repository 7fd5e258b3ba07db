import { describe, expect, it } from "vitest"
import { ago, bytes, count, duration } from "./format"

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [268_435_456, "256 MiB"],
    [5 * 1_024 ** 4, "5.0 TiB"],
  ])("of %d bytes are %s", (size, text) => expect(bytes(size)).toBe(text))
})

describe("durations", () => {
  it.each([
    [0.2, "<1 ms"],
    [999, "999 ms"],
    [1_234, "1.23 s"],
    [59_900, "59.9 s"],
    [60_000, "1m"],
    [3_723_000, "1h 2m"],
    [90_000_000, "1d 1h"],
  ])("of %d ms are %s", (ms, text) => expect(duration(ms)).toBe(text))
})

describe("times", () => {
  const now = new Date("2026-03-14T12:00:00Z")
  it.each([
    ["2026-03-14T11:59:58Z", "now"],
    ["2026-03-14T11:59:20Z", "40 s ago"],
    ["2026-03-14T12:05:00Z", "in 5 m"],
    ["2026-03-12T12:00:00Z", "2 d ago"],
  ])("%s is %s", (time, text) => expect(ago(new Date(time), now)).toBe(text))
})

it("one thing is not several", () => {
  expect(count(1, "run")).toBe("1 run")
  expect(count(1_200, "run")).toBe(`${(1_200).toLocaleString()} runs`)
})
