import { afterEach, describe, expect, it, vi } from "vitest"
import type { Schemas } from "~/api/client"
import { keep } from "~/lib/browserStorage"
import { announce, parseNames } from "./watched"

const run = (id: string, type: Schemas["StateType"], flow = "billing") =>
  ({
    ...{ id, name: "brisk-owl", flow_name: flow },
    state: { type, name: type, message: "ValueError: 1", time: "2026-05-01T06:00:00Z", is_stopped: false },
  }) as Schemas["FlowRunModel"]

class Shown {
  static permission = "granted"
  static all: Shown[] = []
  onclick: (() => void) | null = null
  constructor(
    readonly title: string,
    readonly options: { body: string },
  ) {
    Shown.all.push(this)
  }
}

afterEach(() => {
  keep("announced-flows", null)
  Shown.all = []
  vi.unstubAllGlobals()
})

describe("failures that the browser announces", () => {
  it("are those of flows of which somebody asked for it, each once, and lead to the run", () => {
    vi.stubGlobal("Notification", Shown)
    keep("announced-flows", '["billing"]')
    const open = vi.fn()
    const runs = [run("1", "RUNNING"), run("1", "FAILED"), run("1", "FAILED"), run("2", "CRASHED", "shipping")]
    for (const each of runs) announce(each, open)
    expect(Shown.all.map(({ title, options }) => [title, options.body])).toEqual([
      ["billing: brisk-owl failed", "ValueError: 1"],
    ])
    Shown.all[0]?.onclick?.()
    expect(open).toHaveBeenCalledWith("1")
  })

  it("are those of a flow that earlier versions called as its function", () => {
    vi.stubGlobal("Notification", Shown)
    keep("announced-flows", '["load_orders"]')
    announce(run("4", "FAILED", "load-orders"), vi.fn())
    expect(Shown.all).toHaveLength(1)
  })

  it("are none where the browser may not", () => {
    vi.stubGlobal("Notification", Object.assign(class extends Shown {}, { permission: "denied" }))
    keep("announced-flows", '["billing"]')
    announce(run("3", "FAILED"), vi.fn())
    expect(Shown.all).toEqual([])
  })
})

it("what is kept is names, whatever it is", () => {
  expect(parseNames('["a", 1, null, "b"]')).toEqual(["a", "b"])
  expect(parseNames("{")).toEqual([])
  expect(parseNames('{"a": 1}')).toEqual([])
})
