import type { Deployment, Schedule, Tick } from "./queries"

export const DAYS = 7
export const EACH = 30 // ticks of one schedule that are asked for
const OFTEN = 4 // times a day, on average
const HOUR = 3_600_000

export interface Line {
  key: string
  time: string
  of: Deployment
  /** Undefined if it was changed meanwhile. */
  schedule: Schedule | undefined
}

export interface Calendar {
  /** The next tick of each schedule that ticks too often to be a line each time. */
  often: Line[]
  /** Days as here, "2026-05-01", with what is on them. */
  days: { day: string; lines: Line[] }[]
}

/** Up to when is looked ahead, to the hour, so that what is asked stays the same for a while. */
export function horizon(now = Date.now()): string {
  return new Date(Math.floor(now / HOUR) * HOUR + DAYS * 24 * HOUR).toISOString()
}

/** Ticks, soonest first, as a calendar. */
export function calendarOf(ticks: readonly Tick[], deployments: readonly Deployment[]): Calendar {
  const byId = new Map(deployments.map(each => [each.id, each]))
  const lines = ticks.flatMap((tick): Line[] => {
    const of = byId.get(tick.deployment_id)
    if (of === undefined) return []
    const schedule = of.schedules.find(each => each.slug === tick.schedule)
    return [{ key: `${tick.time} ${tick.deployment_id} ${tick.schedule}`, time: tick.time, of, schedule }]
  })
  const bySchedule = grouped(lines, scheduleOf)
  const frequent = new Set([...bySchedule].filter(([, some]) => isFrequent(some)).map(([name]) => name))
  const isOften = (line: Line) => frequent.has(scheduleOf(line))
  const often = [...bySchedule.values()].flatMap(([first]) => (first !== undefined && isOften(first) ? [first] : []))
  const rest = lines.filter(line => !isOften(line))
  const days = grouped(rest, line => dayOf(new Date(line.time)))
  return { often, days: [...days].map(([day, some]) => ({ day, lines: some })) }
}

function scheduleOf(line: Line): string {
  return `${line.of.id} ${line.schedule?.slug ?? ""}`
}

function grouped(lines: readonly Line[], by: (line: Line) => string): Map<string, Line[]> {
  const found = new Map<string, Line[]>()
  for (const line of lines) found.set(by(line), [...(found.get(by(line)) ?? []), line])
  return found
}

function isFrequent(lines: readonly Line[]): boolean {
  return lines.length >= EACH || lines.length > DAYS * OFTEN
}

/** A day as it is here. */
export function dayOf(time: Date): string {
  const two = (number: number) => String(number).padStart(2, "0")
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
}
