import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { isWhole, merged } from "./bars"

describe("what changed", () => {
  const columns = (runs: Record<string, Schemas["StateType"]>, counts: Schemas["Timeline"]["counts"] = {}) => {
    const ids = Object.keys(runs)
    const all = <T>(value: T) => ids.map(() => value)
    return {
      ...{ id: ids, of_task: all(true), name: ids, of: all("load"), state_type: Object.values(runs) },
      ...{ state_name: all(""), created: all(0), started: all(0), ended: all(null), run_count: all(1) },
      ...{ is_stopped: all(false), counts, changed: 5, next: null },
    } as Schemas["Timeline"]
  }
  const known = columns({ a: "RUNNING", b: "PENDING" })

  it("takes the place of what was known, and comes after it if it is new", () => {
    const next = merged(known, columns({ b: "RUNNING", c: "PENDING" }, { RUNNING: 2, PENDING: 1 }))
    expect(next.id).toEqual(["a", "b", "c"])
    expect(next.state_type).toEqual(["RUNNING", "RUNNING", "PENDING"])
    expect(known.id).toEqual(["a", "b"])
    expect(isWhole(next)).toBe(true)
  })

  it("that was missed is found by the counts", () => {
    const next = merged(known, columns({}, { RUNNING: 1, COMPLETED: 1 }))
    expect(isWhole(next)).toBe(false)
  })
})
