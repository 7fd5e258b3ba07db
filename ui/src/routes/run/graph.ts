import type { Schemas } from "~/api/client"
import type { StateType } from "~/components/State"

/** A run's graph as it is drawn: runs, groups of many equal ones, and subflows that hold runs. */
type Node = Schemas["Node"]

export interface Shown {
  id: string
  /** "run", "group" of runs of one task or flow, or "flow" that holds others. */
  kind: "run" | "group" | "flow"
  label: string
  of: string
  /** The id of the flow it lies in; null at the top. */
  parent: string | null
  state: { type: StateType; name: string } | null
  started: string | null
  ended: string | null
  /** Of a group: how many, by state. */
  counts: Partial<Record<StateType, number>> | null
  size: number
  ofTask: boolean
}

export interface Drawn {
  nodes: Shown[]
  edges: { source: string; target: string; label: string }[]
}

const FEW = 6 // runs of one task that stand by themselves

/**
 * Runs of one task, and subflows of one flow with what they hold, are drawn as one where there are many; edges then go
 * between groups. `opened` are the groups that somebody opened.
 */
export function drawn(graph: Schemas["Graph"], opened: ReadonlySet<string>): Drawn {
  const inside = graph.nodes.slice(1)
  const known = new Map(inside.map(node => [node.id, node]))
  const flowAround = (node: Node): Node | undefined => {
    let at = known.get(node.parent_id ?? "")
    while (at !== undefined && at.kind !== "flow run") at = known.get(at.parent_id ?? "")
    return at
  }
  const keys = new Map<string, string>()
  const groups = new Map<string, Node[]>()
  for (const node of inside) {
    const key = `${flowAround(node)?.id ?? ""}${node.kind === "flow run" ? "//" : "/"}${node.of}`
    keys.set(node.id, key)
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [node])
    else members.push(node)
  }
  const closed = new Set([...groups].flatMap(([key, { length }]) => (length > FEW && !opened.has(key) ? key : [])))
  const placed = new Map<string, string>()
  for (const node of inside) {
    // The outermost group that is closed holds it.
    for (let at: Node | undefined = node; at !== undefined; at = flowAround(at)) {
      const key = keys.get(at.id) ?? ""
      if (closed.has(key)) placed.set(node.id, key)
    }
  }
  const nodes: Shown[] = []
  for (const [key, members] of groups) {
    const [first] = members
    if (first === undefined) continue
    const parent = flowAround(first)?.id ?? null
    const holder = placed.get(first.id)
    if (holder === key) nodes.push(groupOf(key, first, members, parent))
    else if (holder === undefined) for (const node of members) nodes.push(single(node, parent))
  }
  const drawnIds = new Set(nodes.map(node => node.id))
  const seen = new Map<string, { source: string; target: string; label: string }>()
  for (const edge of graph.edges) {
    const source = placed.get(edge.source_id) ?? edge.source_id
    const target = placed.get(edge.target_id) ?? edge.target_id
    const key = `${source} ${target}`
    if (source !== target && drawnIds.has(source) && drawnIds.has(target) && !seen.has(key)) {
      seen.set(key, { source, target, label: edge.name })
    }
  }
  return { nodes, edges: [...seen.values()] }
}

function single(node: Node, parent: string | null): Shown {
  return {
    id: node.id,
    kind: node.kind === "flow run" ? "flow" : "run",
    label: node.name,
    of: node.of,
    parent,
    state: node.state,
    started: node.started,
    ended: node.ended,
    counts: null,
    size: 1,
    ofTask: node.kind === "task run",
  }
}

function groupOf(key: string, first: Node, members: readonly Node[], parent: string | null): Shown {
  const counts: Partial<Record<StateType, number>> = {}
  for (const { state } of members) {
    const type = state?.type ?? "PENDING"
    counts[type] = (counts[type] ?? 0) + 1
  }
  const times = members.flatMap(node => node.started ?? []).sort()
  const ends = members.map(node => node.ended)
  return {
    id: key,
    kind: "group",
    label: first.of,
    of: first.of,
    parent,
    state: null,
    started: times[0] ?? null,
    ended: ends.includes(null)
      ? null
      : (ends
          .filter(end => end !== null)
          .sort()
          .at(-1) ?? null),
    counts,
    size: members.length,
    ofTask: first.kind === "task run",
  }
}

/** The ids of what has a text in its name or in that of its task or flow. */
export function found(nodes: readonly Shown[], text: string): string[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === "") return []
  return nodes.filter(node => `${node.label}\n${node.of}`.toLowerCase().includes(wanted)).map(node => node.id)
}
