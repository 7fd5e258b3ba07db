import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { begunAgain, spentOf } from "./spent"

const BEGUN = Date.parse("2026-05-01T06:00:00Z")
const at = (seconds: number, type: Schemas["StateType"], isStopped = false) => ({
  ...{ type, message: null, name: type, is_stopped: isStopped },
  time: new Date(BEGUN + seconds * 1_000).toISOString(),
})
const spent = (...states: Schemas["StateModel"][]) => spentOf(states, BEGUN + 100_000)

describe("where the time of a run went", () => {
  it("leaves out what it waited for a person", () => {
    const states = [at(0, "PENDING"), at(1, "RUNNING"), at(2, "PAUSED"), at(50, "RUNNING"), at(53, "COMPLETED")]
    expect(spent(...states)).toEqual({ ran: 4_000, waited: 48_000, lost: 0 })
  })

  it("leaves out what it waited before another try", () => {
    const states = [at(0, "RUNNING"), at(1, "SCHEDULED"), at(11, "RUNNING"), at(12, "COMPLETED")]
    expect(spent(...states)).toEqual({ ran: 2_000, waited: 10_000, lost: 0 })
  })

  it("knows not how long a process ran that was lost, and leaves out the time until the run was resumed", () => {
    const lost = at(8, "CRASHED", true)
    const states = [at(0, "RUNNING"), lost, at(10, "RUNNING"), at(11.5, "COMPLETED")]
    expect(spent(...states)).toEqual({ ran: 1_500, waited: 0, lost: 10_000 })
  })

  it("does so if nobody noticed before it was resumed", () => {
    const resuming = { ...at(8, "SCHEDULED"), name: "Resuming" }
    const states = [at(0, "RUNNING"), resuming, at(8, "RUNNING"), at(9, "COMPLETED")]
    expect(spent(...states)).toEqual({ ran: 1_000, waited: 0, lost: 8_000 })
    expect(begunAgain(states)).toBe("resumed")
  })

  it("grows while it runs", () => {
    expect(spent(at(90, "RUNNING"))).toEqual({ ran: 10_000, waited: 0, lost: 0 })
  })

  it("is nothing before it runs", () => {
    expect(spent(at(0, "SCHEDULED"))).toEqual({ ran: 0, waited: 0, lost: 0 })
  })
})

describe("why a run began to run more than once", () => {
  it("is that it was continued, which is no attempt", () => {
    expect(begunAgain([at(0, "RUNNING"), at(1, "PAUSED"), at(2, "RUNNING"), at(3, "COMPLETED")])).toBe("continued")
  })

  it("is that it was continued, if another process resumed it then", () => {
    const resuming = { ...at(2, "SCHEDULED"), name: "Resuming" }
    expect(begunAgain([at(0, "RUNNING"), at(1, "PAUSED"), resuming, at(2, "RUNNING")])).toBe("continued")
  })

  it("is that it was resumed after a crash, or tried again", () => {
    const resumed = [at(0, "PENDING"), at(0, "RUNNING"), at(1, "CRASHED"), at(2, "PENDING"), at(2, "RUNNING")]
    const again = [at(3, "SCHEDULED"), at(4, "RUNNING"), at(5, "FAILED")]
    expect(begunAgain([...resumed, ...again])).toBe("resumed, 2 attempts")
  })
})
