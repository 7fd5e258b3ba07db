/** How far a page looks back: spans by name, as the address has them, and the steps that charts divide them into. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE

export const SPANS = {
  "1h": { label: "Last hour", length: HOUR, step: 2 * MINUTE },
  "24h": { label: "Last 24 hours", length: 24 * HOUR, step: 30 * MINUTE },
  "7d": { label: "Last 7 days", length: 168 * HOUR, step: 3 * HOUR },
  "30d": { label: "Last 30 days", length: 720 * HOUR, step: 12 * HOUR },
} as const

export type SpanName = keyof typeof SPANS
export const SPAN_NAMES = Object.keys(SPANS) as SpanName[]

export function isSpan(text: string | undefined): text is SpanName {
  return text !== undefined && Object.hasOwn(SPANS, text)
}

/** A span's steps, which begin at round times here, so that they stay where they are as time passes. */
export interface Steps {
  since: Date
  until: Date
  count: number
  /** Of one, in ms. */
  length: number
}

export function stepsOf(name: SpanName, now = Date.now()): Steps {
  const { length: whole, step } = SPANS[name]
  const zone = new Date(now).getTimezoneOffset() * MINUTE
  const until = Math.floor((now - zone) / step + 1) * step + zone
  return { since: new Date(until - whole), until: new Date(until), count: whole / step, length: step }
}

/** What was found for each of the steps; those that have nothing are left out of `found`. */
export function byStep<T extends { begin: string }>(found: readonly T[], steps: Steps): (T | undefined)[] {
  const all = Array.from<T | undefined>({ length: steps.count })
  for (const each of found) {
    const at = Math.round((Date.parse(each.begin) - steps.since.getTime()) / steps.length)
    if (at >= 0 && at < all.length) all[at] = each
  }
  return all
}

/** The time at which a step begins, as short as its span lets it be: "14:30", "Tue 12:00", "3 Mar". */
export function stepLabel(time: Date, name: SpanName): string {
  if (name === "30d") return time.toLocaleDateString(undefined, { day: "numeric", month: "short" })
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false } as const
  return time.toLocaleString(undefined, name === "7d" ? { weekday: "short", ...clock } : clock)
}

/** Five labels under a chart, from its first step to now. */
export function stepLabels(steps: Steps, name: SpanName): string[] {
  const whole = steps.until.getTime() - steps.since.getTime()
  return [0, 0.25, 0.5, 0.75].map(part => stepLabel(new Date(steps.since.getTime() + part * whole), name)).concat("now")
}

/** What an address says of a time: a span by its name, or two times, "2026-03-14T10:00:00.000Z~2026-03-14T11:00:00.000Z". */
export interface Range {
  created_after: string | undefined
  created_before: string | undefined
}

/** To the minute, so that what is asked stays the same for a while. */
export function rangeOf(text: string | undefined, now = Date.now()): Range {
  if (isSpan(text)) {
    const minute = Math.floor(now / MINUTE) * MINUTE
    return { created_after: new Date(minute - SPANS[text].length).toISOString(), created_before: undefined }
  }
  const [after, before] = (text ?? "").split("~", 2)
  return { created_after: timeOf(after), created_before: timeOf(before) }
}

export function rangeText(after: Date | undefined, before: Date | undefined): string {
  return `${after?.toISOString() ?? ""}~${before?.toISOString() ?? ""}`
}

/** A range as people say it. */
export function rangeLabel(text: string): string {
  if (isSpan(text)) return SPANS[text].label
  const { created_after, created_before } = rangeOf(text)
  if (created_after === undefined) return created_before === undefined ? "Any time" : `until ${said(created_before)}`
  return created_before === undefined
    ? `since ${said(created_after)}`
    : `${said(created_after)} – ${said(created_before)}`
}

function said(time: string): string {
  const shown = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false } as const
  return new Date(time).toLocaleString(undefined, shown)
}

function timeOf(text: string | undefined): string | undefined {
  const time = new Date(text ?? "")
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
