import { expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { doAll, report, type Action } from "./bulk"

type Asked = Schemas["Chosen"]

/** Something that fails for ids that begin with "x". */
function action(asked: Asked[], pages: string[][] = []): Action {
  return {
    verb: "Touch",
    past: "touched",
    means: "",
    scope: "write",
    ask: chosen => {
      asked.push(chosen)
      const ids = chosen.ids ?? pages.shift() ?? []
      const items = ids.map(id => ({
        id,
        error: id.startsWith("x")
          ? { kind: "No", message: `The run 01a20657-cca5-7000-ae43-1bdd06042fd${id.length} is odd.` }
          : null,
      }))
      return Promise.resolve({ items, next: pages.length > 0 ? "more" : null })
    },
  }
}

it("many runs are asked for in parts of a thousand", async () => {
  const asked: Asked[] = []
  const ids = Array.from({ length: 2_500 }, (_, index) => `${index}`)
  const tally = await doAll(action(asked), { ids }, () => undefined)
  expect(asked.map(each => each.ids?.length)).toEqual([1_000, 1_000, 500])
  expect(tally.done).toBe(2_500)
})

it("a filter is followed to its last page", async () => {
  const asked: Asked[] = []
  const seen: number[] = []
  const pages = [["a", "b"], [], ["c"]]
  const tally = await doAll(action(asked, pages), { filter: { flow: "nightly" } }, through => seen.push(through))
  expect(asked.map(each => [each.filter?.flow, each.filter?.cursor])).toEqual([
    ["nightly", null],
    ["nightly", "more"],
    ["nightly", "more"],
  ])
  expect(seen).toEqual([2, 2, 3])
  expect(tally.done).toBe(3)
})

it("failures are reported once for each reason, whatever the runs' ids", async () => {
  const touch = action([])
  const tally = await doAll(touch, { ids: ["a", "x1", "xx2"] }, () => undefined)
  expect([...tally.refused.values()]).toEqual([2])
  expect(report(touch, tally)).toBe("1 run touched. 2 runs could not be: The run … is odd.")
})
