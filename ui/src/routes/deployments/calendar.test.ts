import { expect, it } from "vitest"
import { calendarOf, dayOf, EACH } from "./calendar"
import type { Deployment } from "./queries"

const of = (id: string, slug: string) => ({ id, name: id, schedules: [{ slug }] }) as Deployment
const deployments = [of("nightly", "daily"), of("poll", "often")]
const tick = (time: Date, deployment_id: string, schedule: string) => ({
  time: time.toISOString(),
  deployment_id,
  schedule,
})

it("has each tick on its day as it is here", () => {
  const times = [1, 2, 3].map(day => new Date(2026, 4, day, 23, 30))
  const { days, often } = calendarOf(
    times.map(time => tick(time, "nightly", "daily")),
    deployments,
  )
  expect(days.map(({ day }) => day)).toEqual(["2026-05-01", "2026-05-02", "2026-05-03"])
  expect(days.map(({ lines }) => lines.map(line => dayOf(new Date(line.time))))).toEqual(days.map(({ day }) => [day]))
  expect(often).toEqual([])
})

it("has one line for a schedule that ticks all the time", () => {
  const minutes = Array.from({ length: EACH }, (_, minute) => tick(new Date(2026, 4, 1, 0, minute), "poll", "often"))
  const { days, often } = calendarOf([...minutes, tick(new Date(2026, 4, 2, 6), "nightly", "daily")], deployments)
  expect(often.map(line => [line.of.id, line.time])).toEqual([["poll", minutes[0]?.time]])
  expect(days.map(({ lines }) => lines.map(line => line.of.id))).toEqual([["nightly"]])
})

it("leaves out what was deleted meanwhile", () => {
  expect(calendarOf([tick(new Date(2026, 4, 1), "gone", "x")], deployments)).toEqual({ often: [], days: [] })
})
