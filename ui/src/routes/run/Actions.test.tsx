import { asked, show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Actions } from "./Actions"

const ID = "00000000-0000-7000-8000-000000000001"

async function open(type: Schemas["StateType"], name: string, isAnswered: boolean, runsFlows: boolean) {
  const state = { type, name, message: null, time: "2026-05-01T06:00:00Z" }
  const run = { id: ID, name: "brisk-owl", parent_flow_run_id: null, state } as Schemas["FlowRunModel"]
  await show(() => <Actions run={run} />, {
    api: ({ path }) => {
      if (path === "/api/session") return { body: { scope: "admin", runs_flows: runsFlows, serves_values: false } }
      if (path.endsWith("/start")) return { body: { is_answered: isAnswered, asks: null, waits_until: null } }
      if (path.endsWith("/resume-plan")) return { body: { reused: 1, cached: 0, runs_again: [], unknown: [] } }
      return undefined
    },
  })
}

const command = async () => (await screen.findByRole("region", { name: "Command" })).textContent

describe("what can be done with a flow run", () => {
  it("is to resume it, and not to continue it, once its input is stored", async () => {
    await open("PAUSED", "Suspended", true, false)
    expect(await screen.findByText(/Its input is stored/)).toBeTruthy()
    expect(screen.queryByRole("button", { name: "Continue…" })).toBeNull()
    fireEvent.click(screen.getByRole("button", { name: "Resume…" }))
    expect(await command()).toBe(`perdure flow-run resume ${ID}`)
  })

  it("is a command where the server starts no programs, which is not asked to", async () => {
    await open("FAILED", "Failed", false, false)
    fireEvent.click(await screen.findByRole("button", { name: "Retry failed steps…" }))
    expect(await command()).toBe(`perdure flow-run resume ${ID} --retry-failed`)
    expect(asked.some(({ method }) => method === "POST")).toBe(false)
  })

  it("is to continue it while it waits for input", async () => {
    await open("PAUSED", "Suspended", false, true)
    expect(await screen.findByRole("button", { name: "Continue…" })).toBeTruthy()
    expect(screen.queryByText(/Its input is stored/)).toBeNull()
  })
})
