import type { InfiniteData, QueryClient } from "@tanstack/react-query"
import { useSyncExternalStore } from "react"
import { path } from "~/components/Link"
import { announce } from "~/lib/watched"
import type { Schemas } from "./client"
import { shareStream, type Message } from "./stream"

type FlowRun = Schemas["FlowRunModel"]
type Pages = InfiniteData<{ items: FlowRun[]; next: string | null }>

const CALM = 1_000 // ms between two askings for what may have changed
const FEW = 3 // pages of a list that are asked for again; of one that was scrolled further, runs are patched alone

/** Whether the server streams changes now. */
export type Connection = "connecting" | "live" | "lost"

/**
 * Changes of flow runs, as the server streams them: what is shown is patched at once, and what may have changed
 * beside it is asked for again, at most once a second and only while the page is looked at.
 */
export class Live {
  connection: Connection = "connecting"
  private readonly changed = new Set<string>()
  private all = false
  private timer: number | null = null
  private readonly listeners = new Set<() => void>()

  constructor(private readonly queries: QueryClient) {}

  start(): () => void {
    const look = () => {
      if (document.visibilityState === "visible") this.schedule()
    }
    document.addEventListener("visibilitychange", look)
    const stop = shareStream(message => this.hear(message))
    return () => {
      document.removeEventListener("visibilitychange", look)
      stop()
      if (this.timer !== null) clearTimeout(this.timer)
      this.timer = null
    }
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private hear(message: Message): void {
    if (message.kind === "flow_run") this.take(JSON.parse(message.data) as FlowRun)
    else if (message.kind === "reset") this.refreshAll()
    else this.become(message.kind === "open" ? "live" : "lost")
  }

  private refreshAll(): void {
    this.all = true
    this.schedule()
  }

  private become(connection: Connection): void {
    if (this.connection === "lost" && connection === "live") this.refreshAll()
    this.connection = connection
    for (const listener of this.listeners) listener()
  }

  private take(run: FlowRun): void {
    announce(run, id => location.assign(path("flow-runs", id)))
    this.queries.setQueryData(["flow-run", run.id], run)
    this.queries.setQueriesData<Pages>({ queryKey: ["flow-runs"], predicate: isPages }, known => patched(known, run))
    this.changed.add(run.id)
    this.schedule()
  }

  private schedule(): void {
    if (this.timer !== null || document.visibilityState !== "visible") return
    if (!this.all && this.changed.size === 0) return
    this.timer = window.setTimeout(() => {
      this.timer = null
      this.refresh()
    }, CALM)
  }

  private refresh(): void {
    const { all, changed } = this
    const ids = new Set(changed)
    this.all = false
    changed.clear()
    void this.queries.invalidateQueries({
      predicate: ({ queryKey, state }) => {
        const [kind, id] = queryKey
        if (all) return true
        if (isPages({ queryKey }) && ((state.data as Pages | undefined)?.pages.length ?? 0) > FEW) return false
        return typeof kind === "string" && (CHANGING.has(kind) || (OF_A_RUN.has(kind) && ids.has(String(id))))
      },
    })
  }
}

/** Lists that a change of any flow run may change. */
const CHANGING = new Set([
  "flow-runs",
  "task-runs",
  "results",
  "overview",
  "flows",
  "flow",
  "events",
  "limits",
  "deployments",
  "deployment",
  "work-pools",
])
/** What belongs to one flow run, whose id is the key's second part. */
const OF_A_RUN = new Set([
  "flow-run",
  "timeline",
  "graph",
  "run-states",
  "run-logs",
  "run-artifacts",
  "explanation",
  "failure",
])

function isPages({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey.at(-1) === "pages"
}

/** Pages with a run as it is now; the same object if the run is not among them. */
export function patched(known: Pages | undefined, run: FlowRun): Pages | undefined {
  if (!known?.pages.some(page => page.items.some(each => each.id === run.id))) return known
  const pages = known.pages.map(page => ({ ...page, items: page.items.map(each => (each.id === run.id ? run : each)) }))
  return { ...known, pages }
}

/** Whether live changes arrive, for a component. */
export function useConnection(live: Live): Connection {
  return useSyncExternalStore(live.subscribe, () => live.connection)
}
