import { expect, it } from "vitest"
import { ruleOf } from "./rules"

const text = (rule: Record<string, unknown>) => ruleOf(rule).text

it.each([
  ["0 6 * * *", "Daily at 06:00"],
  ["@daily", "Daily at 00:00"],
  ["30 7 * * 1-5", "Monday to Friday at 07:30"],
  ["0 9 * * MON", "Mondays at 09:00"],
  ["0 9 * * 7", "Sundays at 09:00"],
  ["15 4 1 * *", "Monthly on day 1 at 04:15"],
  ["*/10 * * * *", "Every 10 minutes"],
  ["* * * * *", "Every minute"],
  ["5 * * * *", "Every hour at :05"],
  ["0 */6 * * *", "Every 6 hours at :00"],
])("says %s in words", (cron, said) => {
  expect(text({ cron, timezone: "UTC" })).toBe(said)
})

it.each(["0 6 * 1 *", "0 6,18 * * *", "0 0 6 * * *", "0 6 L * *", "0 6 * * 5L", "0 6 1 * 1", "*/x * * * *"])(
  "shows %s as it is",
  cron => {
    expect(ruleOf({ cron, timezone: "Europe/Oslo" })).toMatchObject({ text: cron, isRaw: true, zone: "Europe/Oslo" })
  },
)

it("says intervals in their largest whole unit", () => {
  expect(text({ interval: 600 })).toBe("Every 10 minutes")
  expect(text({ interval: 86_400 })).toBe("Every day")
  expect(text({ interval: 90 })).toBe("Every 90 seconds")
})
