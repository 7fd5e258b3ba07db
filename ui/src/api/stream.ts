/** The server's stream of changes. A browser keeps six connections to a server at most, so all tabs share one stream. */

const RETRY = 3_000 // ms after the stream was refused; after a lost connection the browser tries again by itself

export type Message =
  | { kind: "open" | "lost" | "reset" }
  /** `data`: a flow run, as JSON. */
  | { kind: "flow_run"; data: string }

/** Opens the stream, and opens it again whenever it ends, until the function that it returns is called. */
export function openStream(say: (message: Message) => void): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | null = null
  const open = () => {
    timer = null
    const opened = new EventSource("/api/events/stream")
    source = opened
    opened.onopen = () => say({ kind: "open" })
    opened.onerror = () => {
      say({ kind: "lost" })
      if (opened.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY)
    }
    opened.addEventListener("flow_run", event => say({ kind: "flow_run", data: event.data as string }))
    opened.addEventListener("reset", () => say({ kind: "reset" }))
  }
  open()
  return () => {
    source?.close()
    if (timer !== null) clearTimeout(timer)
  }
}

/** The stream that all tabs share; one of this tab's own where the browser has no shared workers. */
export function shareStream(say: (message: Message) => void): () => void {
  if (typeof SharedWorker === "undefined") return openStream(say)
  const worker = new SharedWorker(new URL("./stream.worker.ts", import.meta.url), { type: "module", name: "perdure" })
  worker.port.onmessage = event => say(event.data as Message)
  const leave = () => worker.port.postMessage("leave")
  const join = () => worker.port.postMessage("join") // a tab that is shown again as it was left
  window.addEventListener("pagehide", leave)
  window.addEventListener("pageshow", join)
  return () => {
    window.removeEventListener("pagehide", leave)
    window.removeEventListener("pageshow", join)
    leave()
    worker.port.close()
  }
}
