import { show } from "~/testing/served"
import { screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { FailedFlow } from "./WhatFailed"

const ID = "00000000-0000-7000-8000-000000000001"
const ENDED = "2026-05-01T06:00:00.123456Z"

function runOf(type: "CRASHED" | "FAILED", message: string) {
  return {
    id: ID,
    name: "brisk-owl",
    ended: ENDED,
    state: { type, name: type, message, time: ENDED },
  } as Schemas["FlowRunModel"]
}

async function open(run: Schemas["FlowRunModel"], path: Partial<Schemas["RunName"]>[], stopped: number) {
  await show(() => <FailedFlow run={run} />, {
    api: ({ path: at, query }) => {
      if (at.endsWith("/failure")) return { body: path }
      if (at.endsWith("/count")) {
        const isOfItsEnd = query.get("ended_after") === ENDED
        return { body: { count: at.includes("task-runs") && isOfItsEnd ? stopped : 0, is_complete: true } }
      }
      if (at === "/api/logs") return { body: { items: [], next: null } }
      return undefined
    },
  })
}

describe("why a flow run failed", () => {
  it("is that it was stopped, with how many calls were stopped with it", async () => {
    await open(runOf("CRASHED", "The process that ran it is lost."), [{ id: ID }], 21)
    expect(await screen.findByText("It was stopped while 21 calls ran or waited.")).toBeTruthy()
    expect(screen.getByText("The process that ran it is lost.")).toBeTruthy()
    expect(screen.queryByLabelText("Where it failed")).toBeNull()
  })

  it("is its own error where no call was stopped", async () => {
    await open(runOf("FAILED", "ValueError: 7"), [{ id: ID }], 21)
    expect(await screen.findByText("ValueError: 7")).toBeTruthy()
    expect(screen.queryByText(/It was stopped/)).toBeNull()
  })
})
