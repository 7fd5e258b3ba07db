import { describe, expect, it } from "vitest"
import { diffLines, hunks } from "./diff"

const shown = (before: string, after: string) => {
  const [one, other] = [before.split(""), after.split("")]
  const signs = { same: "", removed: "-", added: "+" }
  return diffLines(one, other).map(
    line => `${signs[line.kind]}${(line.before === null ? other[line.after ?? 0] : one[line.before]) ?? ""}`,
  )
}

describe("the lines of two texts", () => {
  it.each([
    ["abc", "abc", "a b c"],
    ["abc", "axc", "a -b +x c"],
    ["ac", "abc", "a +b c"],
    ["abcd", "bd", "-a b -c d"],
    ["", "ab", "+a +b"],
    ["ab", "", "-a -b"],
    ["xabz", "yabw", "-x +y a b -z +w"],
  ])("of %s and %s are %s", (before, after, expected) => {
    expect(shown(before, after).join(" ")).toBe(expected)
  })

  it("are all different where there are too many to compare", () => {
    const [one, other] = ["a", "b"].map(each => Array.from({ length: 1_100 }, (_, at) => `${each}${at}`))
    const kinds = diffLines(one ?? [], other ?? []).map(line => line.kind)
    expect([kinds.filter(kind => kind === "removed").length, kinds.length]).toEqual([1_100, 2_200])
  })

  it("that are equal are left out where nothing near them changed", () => {
    const before = Array.from({ length: 20 }, (_, at) => String(at))
    const after = before.map(line => (line === "10" ? "ten" : line))
    const parts = hunks(diffLines(before, after))
    expect(parts.map(part => (typeof part === "number" ? part : part.kind[0])).join(" ")).toBe("7 s s s r a s s s 6")
  })
})
