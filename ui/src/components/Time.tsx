import { ago, bytes, duration, exact } from "~/lib/format"
import { useNow } from "~/lib/now"

/** A moment: how long ago it was; exactly, and in this place's time, on hover. `time` is ISO 8601. */
export function Timestamp({ time }: { time: string | null | undefined }) {
  const now = useNow()
  if (time == null) return <span className="faint">–</span>
  const date = new Date(time)
  return (
    <time dateTime={time} title={exact(date)}>
      {ago(date, new Date(now))}
    </time>
  )
}

interface Span {
  started: string | null | undefined
  ended: string | null | undefined
  /** How often it began to run: more than once, it has waited between, or was lost. */
  runs?: number
}

/** How long something took, or has taken until now. */
export function Duration({ started, ended, runs = 1 }: Span) {
  if (started == null) return <span className="faint">–</span>
  if (runs > 1) return <abbr title={WITH_WAITS}>{spanned(started, ended)}</abbr>
  return <span>{spanned(started, ended)}</span>
}

const WITH_WAITS = "From its start to its end, with what it waited or was without a process: its own page says how much"

function spanned(started: string, ended: string | null | undefined) {
  return ended == null ? <Growing since={started} /> : duration(Date.parse(ended) - Date.parse(started))
}

function Growing({ since }: { since: string }) {
  const now = useNow()
  return <span>{duration(Math.max(0, now - Date.parse(since)))}</span>
}

export function Bytes({ size }: { size: number | null | undefined }) {
  if (size == null) return <span className="faint">–</span>
  return <span title={`${size.toLocaleString()} bytes`}>{bytes(size)}</span>
}
