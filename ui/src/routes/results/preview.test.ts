import { expect, it } from "vitest"
import { inWords, previewOf, readable } from "./preview"

it.each([
  [{ kind: "json", value: [1, 2] }, "[1,2]"],
  [{ kind: "text", value: "hello", length: 5 }, "hello"],
  [{ kind: "bytes", hex: "00", length: 4_096 }, `${(4_096).toLocaleString()} bytes`],
  [{ kind: "table", rows: 3, columns: [{ name: "city", dtype: "str" }], head: [["Ulm"]] }, "3 rows: city"],
  [{ kind: "array", shape: [4, 24], dtype: "float32" }, "4 × 24 float32"],
  [{ kind: "exception", type: "ValueError", message: "no" }, "no"],
])("%o is %s in words", (given, words) => expect(inWords(previewOf(given), null)).toBe(words))

it.each([null, "x", [], { kind: "nothing known" }, { kind: 3 }])("%o is no preview", given =>
  expect(previewOf(given)).toBeNull(),
)

it("a preview that is not as it should be is shown as far as it goes", () => {
  expect(previewOf({ kind: "table", columns: [1, { name: 2 }], head: [[{ a: 1 }], "no row"] })).toEqual({
    kind: "table",
    rows: null,
    columns: [
      { name: "1", dtype: "" },
      { name: "2", dtype: "" },
    ],
    head: [['{"a":1}'], []],
    memory: null,
  })
  expect(previewOf({ kind: "image", png: 'x" onerror="alert(1)', width: 1, height: 1 })).toMatchObject({ source: null })
})

it.each([
  [0, "0"],
  [1 / 3, (0.333333).toLocaleString(undefined, { maximumFractionDigits: 6 })],
  [1e-12, "1.0000e-12"],
  [null, "–"],
])("%s is read as %s", (number, text) => expect(readable(number)).toBe(text))
