import type { Schemas } from "~/api/client"
import type { StateType } from "~/components/State"

/** A run's graph as it is drawn: runs, groups of many equal ones, and subflows that hold runs. */
type Node = Schemas["Node"]

export interface Shown {
  id: string
  /** "run", "group" of runs of one task, or "flow" that holds others. */
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
 * Runs of one task with the same inputs' tasks are drawn as one where there are many; edges then go between groups.
 * `opened` are the groups that somebody opened.
 */
export function drawn(graph: Schemas["Graph"], opened: ReadonlySet<string>): Drawn {
  const root = graph.nodes[0]
  if (root === undefined) return { nodes: [], edges: [] }
  const inside = graph.nodes.slice(1)
  const flows = new Set(inside.filter(node => node.kind === "flow run").map(node => node.id))
  const known = new Map(inside.map(node => [node.id, node]))
  const parentOf = (node: Node): string | null => {
    for (let at = node.parent_id; at !== null; at = known.get(at)?.parent_id ?? null) if (flows.has(at)) return at
    return null
  }
  const groups = new Map<string, Node[]>()
  for (const node of inside) {
    if (flows.has(node.id)) continue
    const key = `${parentOf(node) ?? ""}/${node.of}`
    groups.set(key, [...(groups.get(key) ?? []), node])
  }
  const placed = new Map<string, string>()
  const nodes: Shown[] = []
  for (const flow of inside) if (flows.has(flow.id)) nodes.push(single(flow, "flow", parentOf(flow)))
  for (const [key, members] of groups) {
    const first = members[0]
    if (first === undefined) continue
    if (members.length <= FEW || opened.has(key)) {
      for (const node of members) nodes.push(single(node, "run", parentOf(node)))
      continue
    }
    for (const node of members) placed.set(node.id, key)
    nodes.push(groupOf(key, first, members, parentOf(first)))
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

function single(node: Node, kind: "run" | "flow", parent: string | null): Shown {
  return {
    id: node.id,
    kind,
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
    ofTask: true,
  }
}
