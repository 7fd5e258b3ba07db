import { describe, expect, it } from "vitest"
import { actionOf, didOf, restraintsOf, triggerOf, type Definition } from "./words"

type Trigger = Definition["trigger"]

describe("what an automation says in words", () => {
  it.each<[Partial<Trigger>, string]>([
    [{ type: "event", expect: ["order.shipped"] }, "order.shipped"],
    [
      { type: "event", expect: ["a", "b"], deployment: "load/nightly", threshold: 3, within: 60 },
      "a or b of load/nightly, 3 times within 1m",
    ],
    [
      { type: "absence", expect: ["flow-run.completed"], flow: "load", by: "0 7 * * *", timezone: "UTC" },
      "No flow-run.completed of load by 0 7 * * * (UTC)",
    ],
    [{ type: "absence", expect: ["b"], after: ["a"], within: 60 }, "No b within 1m of a"],
    [{ type: "file", storage: "/data/", prefix: "in/", pattern: "*.csv" }, "A file /data/in/*.csv"],
  ])("says what it waits for", (trigger, words) => {
    expect(triggerOf(trigger as Trigger)).toBe(words)
  })

  it("says what it does", () => {
    expect(actionOf({ do: "run-deployment", deployment: "load/nightly" } as never)).toBe("Run load/nightly")
    expect(actionOf({ do: "pause", work_pool: "batch" } as never)).toBe("Pause batch")
    expect(actionOf({ do: "notify", subject: "Late" } as never)).toBe("Notify: Late")
  })

  it("says how it is held back", () => {
    const definition = { debounce: 30, rate_limit: { count: 5, seconds: 3_600 } } as Definition
    expect(restraintsOf(definition)).toEqual(["Waits for 30.0 s of quiet", "At most 5 in 1h"])
  })

  it("says what became of an action", () => {
    expect(didOf({ do: "run-deployment", run: "x" })).toEqual({ text: "run deployment", run: "x" })
    expect(didOf({ do: "notify", error: "no" })).toEqual({ text: "notify", error: "no" })
  })
})
