import { describe, expect, it } from "vitest"
import { neighbour, pathsOf, squareAt, squaresOf } from "./squares"

const days = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"]

describe("the squares of partitions", () => {
  it("are days by month, hours by day, months by year", () => {
    expect(squaresOf(days)).toEqual({
      rows: [
        { label: "2026-01", from: 0, to: 2 },
        { label: "2026-02", from: 2, to: 5 },
      ],
      width: 3,
    })
    expect(squaresOf(["2026-01-30T22", "2026-01-31T00"]).rows.map(row => row.label)).toEqual([
      "2026-01-30",
      "2026-01-31",
    ])
    expect(squaresOf(["2025-12", "2026-01"]).rows.map(row => row.label)).toEqual(["2025", "2026"])
    expect(squaresOf(["2026-01-30|no", "2026-01-30|se"]).width).toBe(2)
  })

  it("are fifty to a row where keys say no time", () => {
    const keys = Array.from({ length: 120 }, (_, index) => `key ${index}`)
    expect(squaresOf(keys).rows.map(({ from, to }) => [from, to])).toEqual([
      [0, 50],
      [50, 100],
      [100, 120],
    ])
    expect(squaresOf([])).toEqual({ rows: [], width: 0 })
  })

  it("are one path for each state", () => {
    const paths = pathsOf(squaresOf(days), ["COMPLETED", "FAILED", "COMPLETED", null, "COMPLETED"], 10, 8)
    expect(paths.map(({ state }) => state)).toEqual(["COMPLETED", "FAILED", "SCHEDULED"])
    expect(paths[1]?.d).toBe("M10 0h8v8h-8z")
  })

  it("are found at a point", () => {
    const squares = squaresOf(days)
    expect(squareAt(squares, 15, 5, 10)).toBe(1)
    expect(squareAt(squares, 25, 5, 10)).toBeUndefined()
    expect(squareAt(squares, 5, 99, 10)).toBeUndefined()
    expect(squareAt(squares, 25, 15, 10)).toBe(4)
  })

  it("are passed by arrows", () => {
    const squares = squaresOf(days)
    expect(neighbour(squares, 1, "ArrowRight")).toBe(2)
    expect(neighbour(squares, 4, "ArrowUp")).toBe(1)
    expect(neighbour(squares, 0, "ArrowDown")).toBe(2)
    expect(neighbour(squares, 0, "ArrowLeft")).toBeUndefined()
    expect([neighbour(squares, 2, "Home"), neighbour(squares, 2, "End")]).toEqual([0, 4])
  })
})
