import { expect, it } from "vitest"
import { parseViews, sameSearch, withView } from "./views"

it("views that were kept are read again", () => {
  const views = withView([], { name: "mine", search: "?state=FAILED" })
  expect(parseViews(JSON.stringify(views))).toEqual(views)
})

it.each([null, "", "{", "7", "null", '{"name": "x"}', '[1, null, {"name": 2, "search": ""}]'])(
  "%s, which nobody kept as views, is none",
  text => expect(parseViews(text)).toEqual([]),
)

it("a view takes the place of the one with its name", () => {
  const views = [
    { name: "a", search: "?x=1" },
    { name: "b", search: "" },
  ]
  expect(withView(views, { name: "a", search: "?x=2" })).toEqual([
    { name: "b", search: "" },
    { name: "a", search: "?x=2" },
  ])
})

it("the order of filters in an address makes no other view of it", () => {
  expect(sameSearch("?state=FAILED&flow=x", "?flow=x&state=FAILED")).toBe(true)
  expect(sameSearch("?state=FAILED", "?state=CRASHED")).toBe(false)
})
