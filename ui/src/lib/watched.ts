import type { Schemas } from "~/api/client"
import { kept, useKept } from "~/lib/browserStorage"

/** Names that this browser keeps: flows that are pinned, and flows whose failures are announced. */
type List = "pinned-flows" | "announced-flows"

const MOST = 30

/** What was kept, whatever it is: anything that is no name is left out. */
export function parseNames(text: string | null): string[] {
  let found: unknown
  try {
    found = JSON.parse(text ?? "[]")
  } catch {
    return []
  }
  return Array.isArray(found) ? found.filter(each => typeof each === "string").slice(-MOST) : []
}

/** A kept list of names, and what puts a name in it or takes it out. */
export function useNames(list: List): [readonly string[], (name: string) => void] {
  const [text, keep] = useKept(list)
  const names = parseNames(text)
  const toggle = (name: string) => {
    const next = names.includes(name) ? names.filter(each => each !== name) : [...names, name].slice(-MOST)
    keep(next.length === 0 ? null : JSON.stringify(next))
  }
  return [names, toggle]
}

export function canAnnounce(): boolean {
  return typeof Notification !== "undefined"
}

const announced = new Set<string>()

/** Have the browser say that a run failed, if somebody asked for that of its flow. */
export function announce(run: Schemas["FlowRunModel"], open: (id: string) => void): void {
  const type = run.state?.type
  if ((type !== "FAILED" && type !== "CRASHED") || run.state === null) return
  if (!canAnnounce() || Notification.permission !== "granted") return
  const what = `${run.id} ${run.state.time}`
  // Earlier versions called `my-flow`, which was given no name, as its function: `my_flow`.
  const dashed = (name: string) => name.replaceAll("_", "-")
  const isAskedFor = parseNames(kept("announced-flows")).some(each => dashed(each) === dashed(run.flow_name))
  if (announced.has(what) || !isAskedFor) return
  announced.add(what)
  // Of several tabs, each announces it: a tag makes one of them.
  const body = run.state.message ?? ""
  const shown = new Notification(`${run.flow_name}: ${run.name} ${type.toLowerCase()}`, { tag: what, body })
  shown.onclick = () => {
    window.focus()
    open(run.id)
  }
}
