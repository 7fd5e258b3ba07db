/** Schedules' rules as people say them. */

type Rule = Readonly<Record<string, unknown>>

export interface Said {
  /** "Daily at 06:00"; the rule itself where it has no plain words. */
  text: string
  /** The rule as it was written. */
  rule: string
  /** Whether `text` is the rule itself. */
  isRaw: boolean
  zone: string
}

/** What a rule of cron, an interval or an rrule says. */
export function ruleOf(rule: Rule): Said {
  const zone = typeof rule["timezone"] === "string" ? rule["timezone"] : "UTC"
  if (typeof rule["cron"] === "string") {
    const words = cronWords(rule["cron"])
    return { text: words ?? rule["cron"], rule: rule["cron"], isRaw: words === null, zone }
  }
  if (typeof rule["interval"] === "number") {
    const text = every(rule["interval"])
    return { text, rule: `interval of ${rule["interval"]} s`, isRaw: false, zone }
  }
  const text = typeof rule["rrule"] === "string" ? rule["rrule"] : JSON.stringify(rule)
  return { text, rule: text, isRaw: true, zone }
}

const UNITS: readonly (readonly [number, string])[] = [
  [7 * 86_400, "week"],
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
]

function every(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"]
  return everyOf(seconds / size, unit)
}

function everyOf(count: number, unit: string): string {
  return count === 1 ? `Every ${unit}` : `Every ${count.toLocaleString()} ${unit}s`
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
const ALIASES: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
}

/** The usual expressions in words; null for all others. */
function cronWords(expression: string): string | null {
  const plain = Object.hasOwn(ALIASES, expression) ? ALIASES[expression] : expression
  const fields = (plain ?? "").trim().split(/\s+/)
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields
  if (fields.length !== 5 || month !== "*") return null
  const isAnyDay = day === "*" && weekday === "*"
  if (isAnyDay && hour === "*") {
    const step = stepOf(minute)
    if (step !== null) return everyOf(step, "minute")
    return isNumber(minute) ? `Every hour at :${minute.padStart(2, "0")}` : null
  }
  if (!isNumber(minute)) return null
  const steps = stepOf(hour)
  if (isAnyDay && steps !== null) return `${everyOf(steps, "hour")} at :${minute.padStart(2, "0")}`
  if (!isNumber(hour)) return null
  const at = `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`
  if (isAnyDay) return `Daily ${at}`
  if (day === "*") return weekdays(weekday, at)
  return isNumber(day) && weekday === "*" ? `Monthly on day ${Number(day)} ${at}` : null
}

function weekdays(field: string, at: string): string | null {
  const [from, to, ...rest] = field.split("-").map(dayOf)
  if (from === undefined || rest.length > 0) return null
  if (to !== undefined) return `${from} to ${to} ${at}`
  return field.includes("-") ? null : `${from}s ${at}`
}

function dayOf(text: string): string | undefined {
  if (/^[0-7]$/.test(text)) return DAYS[Number(text) % 7]
  return DAYS.find(each => each.slice(0, 3).toUpperCase() === text.toUpperCase())
}

function stepOf(field: string): number | null {
  if (field === "*") return 1
  const found = /^\*\/(\d+)$/.exec(field)
  return found === null ? null : Number(found[1])
}

function isNumber(field: string): boolean {
  return /^\d{1,2}$/.test(field)
}
