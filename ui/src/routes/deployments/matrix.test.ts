import { describe, expect, it } from "vitest"
import { axisOf, BY_HAND, lateness, matrixOf, neighbour } from "./matrix"
import type { ScheduledRun } from "./queries"

let made = 0

function run(due: string, given: Partial<ScheduledRun> = {}): ScheduledRun {
  const id = `run-${(made += 1)}`
  const started = new Date(Date.parse(due) + 1_500).toISOString()
  return {
    run: { id, name: id, started } as ScheduledRun["run"],
    due,
    tick: due,
    schedule: "morning",
    partition: null,
    version: 1,
    phase: "ended",
    worker_id: null,
    ...given,
  }
}

const DAYS = ["2026-05-03T06:00:00Z", "2026-05-02T06:00:00Z", "2026-05-01T06:00:00Z"] as const
const labels = (runs: ScheduledRun[]) => matrixOf(runs, 60).rows.map(each => each.label)

describe("a matrix of runs", () => {
  it("has the newest tick at the right", () => {
    const runs = DAYS.map(due => run(due))
    const { times, rows } = matrixOf(runs, 60)
    expect(times).toEqual([...DAYS].reverse())
    expect(rows.map(({ cells }) => cells.map(each => each?.run.id))).toEqual([runs.map(each => each.run.id).reverse()])
  })

  it("keeps the newest columns", () => {
    expect(
      matrixOf(
        DAYS.map(due => run(due)),
        2,
      ).times,
    ).toEqual([DAYS[1], DAYS[0]])
  })

  it("has a row for each schedule, and what was started by hand last", () => {
    const byHand = run("2026-05-02T11:00:00Z", { tick: null, schedule: null })
    const runs = [run(DAYS[0]), byHand, run(DAYS[1], { schedule: "Evening" })]
    expect(labels(runs)).toEqual(["Evening", "morning", BY_HAND])
    expect(matrixOf(runs, 60).rows[2]?.cells.map(each => each?.run.id)).toEqual([undefined, byHand.run.id, undefined])
  })

  it("has a row for each partition where a tick has a run for each", () => {
    const runs = DAYS.flatMap(due => [run(due, { partition: "se" }), run(due, { partition: "no" })])
    expect(labels(runs)).toEqual(["no", "se"])
  })

  it("has one row where each tick has a partition of its own", () => {
    expect(labels(DAYS.map(due => run(due, { partition: due.slice(0, 10) })))).toEqual(["morning"])
  })

  it("shows two runs that were started by hand at one moment", () => {
    const hand = { tick: null, schedule: null }
    expect(matrixOf([run(DAYS[0], hand), run(DAYS[0], hand)], 60).times).toHaveLength(2)
  })
})

describe("the axis of a matrix", () => {
  const everyDay = Array.from({ length: 20 }, (_, day) => new Date(Date.UTC(2026, 4, 1 + day, 6)).toISOString())

  it("has labels that leave each other room, none at the very end", () => {
    expect(axisOf(everyDay).map(({ at }) => at)).toEqual([0, 5, 10, 15])
  })

  it("says no day twice", () => {
    const hours = Array.from({ length: 60 }, (_, hour) => new Date(Date.UTC(2026, 4, 1, hour)).toISOString())
    const said = axisOf(hours).map(({ label }) => label)
    expect(new Set(said).size).toBe(said.length)
  })
})

describe("arrows", () => {
  const [a, b, c, d] = [
    run(DAYS[0], { partition: "no" }),
    run(DAYS[0], { partition: "se" }),
    run(DAYS[1], { partition: "no" }),
    run(DAYS[2], { partition: "se" }),
  ]
  const matrix = matrixOf([a, b, c, d], 60)

  it("go to the next run that is there", () => {
    expect(neighbour(matrix, b.run.id, "ArrowLeft")).toBe(d.run.id)
    expect(neighbour(matrix, b.run.id, "ArrowUp")).toBe(a.run.id)
    expect(neighbour(matrix, a.run.id, "Home")).toBe(c.run.id)
  })

  it("stay at an edge", () => {
    expect(neighbour(matrix, a.run.id, "ArrowRight")).toBeUndefined()
    expect(neighbour(matrix, c.run.id, "ArrowDown")).toBeUndefined()
  })
})

describe("lateness", () => {
  it("is from when a run was due to when it began", () => {
    expect(lateness(run(DAYS[0]))).toBe(1_500)
  })

  it("is none for a run that has not begun", () => {
    expect(lateness({ ...run(DAYS[0]), run: { started: null } as ScheduledRun["run"] })).toBeNull()
  })
})
