/** Numbers, sizes and times as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

export function bytes(size: number): string {
  let unit = 0
  let value = size
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? "B"}`
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long something took; `ms` are milliseconds. */
export function duration(ms: number): string {
  if (ms < 0) return "0 ms"
  if (ms < 1) return "<1 ms"
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(ms < 10 * SECOND ? 2 : 1)} s`
  if (ms < HOUR) return pair(ms, MINUTE, "m", SECOND, "s")
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "m")
  return pair(ms, DAY, "d", HOUR, "h")
}

function pair(ms: number, large: number, of: string, small: number, and: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)}${of}${rest ? ` ${rest}${and}` : ""}`
}

/** When something was, seen from `now`: "12 s ago", "in 3 m", "14 Mar". */
export function ago(time: Date, now: Date): string {
  const ms = now.getTime() - time.getTime()
  const size = Math.abs(ms)
  if (size < 5 * SECOND) return "now"
  if (size >= 7 * DAY) return day(time, now)
  const [unit, of] = size < MINUTE ? [SECOND, "s"] : size < HOUR ? [MINUTE, "m"] : size < DAY ? [HOUR, "h"] : [DAY, "d"]
  const count = Math.floor(size / unit)
  return ms < 0 ? `in ${count} ${of}` : `${count} ${of} ago`
}

function day(time: Date, now: Date): string {
  const year = time.getFullYear() === now.getFullYear() ? undefined : "numeric"
  return time.toLocaleDateString(undefined, { day: "numeric", month: "short", year })
}

/** A time to the millisecond, with its zone. */
export function exact(time: Date): string {
  return time.toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    timeZoneName: "short",
  })
}

/** A clock time, to the millisecond, as log lines have it. */
export function clock(time: Date): string {
  return time.toLocaleTimeString(undefined, {
    hour12: false,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  })
}

export function count(number: number, what: string, many = `${what}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? what : many}`
}

/** The beginning of an id or a digest, enough to distinguish it from its neighbours. */
export function short(id: string): string {
  return id.slice(0, 13)
}

/** What a Python type is called without its module. */
export function shortType(type: string): string {
  return type.split(".").at(-1) ?? type
}

/** What a state's message says beyond what its state says: the exception. */
export function essence(message: string): string {
  return message.replace(/^(Flow|Task) run encountered an exception[.:]? /, "")
}
