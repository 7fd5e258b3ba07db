import { expect, it } from "vitest"
import { parseSearch, stringifySearch } from "./address"

it("a name that stands there more than once is a list", () => {
  expect(parseSearch("?state=FAILED&state=CRASHED&q=a+b")).toEqual({ state: ["FAILED", "CRASHED"], q: "a b" })
})

it("what is written is read again", () => {
  const search = { q: "a&b=c #", tag: ["x", "y"], none: undefined }
  expect(parseSearch(stringifySearch(search))).toEqual({ q: "a&b=c #", tag: ["x", "y"] })
})

it("a name that objects have by themselves is a name like any other", () => {
  expect(stringifySearch(parseSearch("?__proto__=x&constructor=y"))).toBe("?__proto__=x&constructor=y")
})
