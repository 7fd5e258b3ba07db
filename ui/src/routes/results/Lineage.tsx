import dagre from "@dagrejs/dagre"
import { useQuery } from "@tanstack/react-query"
import { Handle, Position, type Edge, type Node, type NodeProps } from "@xyflow/react"
import { useMemo, useState } from "react"
import type { Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Failure, Skeleton } from "~/components/Feedback"
import { GraphCanvas } from "~/components/GraphCanvas"
import { Link, path } from "~/components/Link"
import { STATES } from "~/components/State"
import { lineage } from "./queries"
import css from "./Lineage.module.css"

const WIDE = 190
const TALL = 50
const DEEPEST = 5

/** Runs that have the same result: a call whose result its flow returned, or the flow that did so. */
function Same({ runs }: { runs: readonly Schemas["RunName"][] }) {
  if (runs.length === 0) return null
  return (
    <p className={css["same"]}>
      It is the same as the result of{" "}
      {runs.map((run, index) => (
        <span key={run.id}>
          {index > 0 && ", "}
          <Link to={path("results", run.id)}>{run.name}</Link>
        </span>
      ))}
      .
    </p>
  )
}

interface Data extends Record<string, unknown> {
  run: Schemas["RunName"]
  isIt: boolean
}

/** The results that went into a result, and those that it went into. */
export function Lineage({ id }: { id: string }) {
  const [depth, setDepth] = useState(2)
  const query = useQuery(lineage(id, depth))
  const laid = useMemo(() => (query.data === undefined ? null : laidOut(query.data, id)), [query.data, id])
  if (laid === null && query.error) return <Failure what="The lineage" error={query.error} retry={query.refetch} />
  if (laid === null || query.data === undefined) return <Skeleton lines={5} />
  const same = <Same runs={query.data.same} />
  if (query.data.sources.length + query.data.uses.length === 0) {
    if (query.data.same.length > 0) return same
    return (
      <div className="faint">
        <p>None is known.</p>
        <p>
          Results are linked where a call was given a future, or the very value that a task returned. Numbers, text,
          items of a list, and what a flow itself computes or returns are not followed: see “What lineage follows” in
          the documentation, under <cite>Finding results</cite>.
        </p>
      </div>
    )
  }
  return (
    <>
      {same}
      <GraphCanvas
        key={depth}
        label="Lineage; the lists below say the same"
        className={css["graph"]}
        nodes={laid.nodes}
        edges={laid.edges}
        nodeTypes={TYPES}
        padding={0.1}
        scrolls
      />
      <div className={css["foot"]}>
        <span className="faint">
          {query.data.sources.length} in, {query.data.uses.length} out, {depth} {depth === 1 ? "step" : "steps"} far
          {!query.data.is_complete && "; there are more"}
        </span>
        {depth < DEEPEST && <Button onClick={() => setDepth(depth + 1)}>A step farther</Button>}
      </div>
    </>
  )
}

const TYPES = { run: RunNode }

function RunNode({ data: { run, isIt } }: NodeProps<Node<Data>>) {
  return (
    <div
      className={[css["node"], isIt && css["it"]].join(" ")}
      style={{ borderLeftColor: STATES[run.state_type ?? "PENDING"].color }}
    >
      <Handle type="target" position={Position.Left} className={css["end"]} isConnectable={false} />
      <Handle type="source" position={Position.Right} className={css["end"]} isConnectable={false} />
      {isIt ? (
        <strong className="cut">{run.name}</strong>
      ) : (
        <Link to={path("results", run.id)} className="cut">
          {run.name}
        </Link>
      )}
      <span className="faint cut">{run.flow_run_name ?? run.of}</span>
    </div>
  )
}

function laidOut(found: Schemas["Lineage"], id: string): { nodes: Node<Data>[]; edges: Edge[] } {
  const layout = new dagre.graphlib.Graph()
  layout.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 56, marginx: 8, marginy: 8 })
  layout.setDefaultEdgeLabel(() => ({}))
  const known = new Map(found.runs.map(run => [run.id, run]))
  for (const run of known.values()) layout.setNode(run.id, { width: WIDE, height: TALL })
  const edges = new Map<string, Edge>()
  for (const { source_id: source, target_id: target } of [...found.sources, ...found.uses]) {
    if (!known.has(source) || !known.has(target)) continue
    layout.setEdge(source, target)
    edges.set(`${source} ${target}`, { id: `${source} ${target}`, source, target })
  }
  dagre.layout(layout)
  const nodes = [...known.values()].map((run): Node<Data> => {
    const { x, y } = layout.node(run.id) as { x: number; y: number }
    const position = { x: x - WIDE / 2, y: y - TALL / 2 }
    return { id: run.id, type: "run", position, width: WIDE, height: TALL, data: { run, isIt: run.id === id } }
  })
  return { nodes, edges: [...edges.values()] }
}
