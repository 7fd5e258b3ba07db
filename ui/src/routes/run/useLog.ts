import { useEffect, useReducer, useRef } from "react"
import { client, unwrap, type Schemas } from "~/api/client"

export type Line = Schemas["LogModel"]

export interface LogFilter {
  flow_run?: string | undefined
  /** Of the flow runs below it, too. */
  subflows?: boolean | undefined
  task_run?: string | undefined
  level?: number | undefined
  text?: string | undefined
}

interface Log {
  lines: Line[]
  /** Whether all that there is has been read. */
  isWhole: boolean
  error: unknown
}

type Change = { lines: Line[]; isWhole: boolean } | { error: unknown } | "again"

const PAGE = 1_000
const MOST = 50_000 // lines in the page
const LOOK = 1_000 // ms

function reduce(log: Log, change: Change): Log {
  if (change === "again") return { lines: [], isWhole: false, error: null }
  if ("error" in change) return { ...log, error: change.error }
  const lines = change.lines.length === 0 ? log.lines : [...log.lines, ...change.lines]
  return { lines, isWhole: change.isWhole, error: null }
}

/** A run's log, read to its end; while it is `live`, what is added is read, too. */
export function useLog(filter: LogFilter, live: boolean): Log {
  const [log, change] = useReducer(reduce, { lines: [], isWhole: false, error: null })
  const last = useRef<string | undefined>(undefined)
  const { flow_run, subflows, task_run, level, text } = filter
  useEffect(() => {
    last.current = undefined
    change("again")
  }, [flow_run, subflows, task_run, level, text])
  useEffect(() => {
    const gone = new AbortController()
    let timer: number | undefined
    let read = 0
    const look = async () => {
      try {
        const query = {
          flow_run,
          subflows,
          task_run,
          level,
          text,
          sort: "time",
          limit: PAGE,
          cursor: last.current,
        } as const
        const page = await unwrap(client.GET("/api/logs", { params: { query }, signal: gone.signal }))
        last.current = page.items.at(-1)?.id.toString() ?? last.current
        read += page.items.length
        const isWhole = page.next === null || read >= MOST
        change({ lines: page.items, isWhole })
        if (!isWhole) void look()
        else if (live && read < MOST) timer = window.setTimeout(() => void look(), LOOK)
      } catch (error) {
        if (gone.signal.aborted) return
        change({ error })
        timer = window.setTimeout(() => void look(), LOOK * 5)
      }
    }
    void look()
    return () => {
      gone.abort()
      window.clearTimeout(timer)
    }
  }, [flow_run, subflows, task_run, level, text, live])
  return log
}
