import dagre from "@dagrejs/dagre"
import { useQuery } from "@tanstack/react-query"
import { Handle, MiniMap, Panel, Position, useReactFlow, type Edge, type Node, type NodeProps } from "@xyflow/react"
import { Layers, Network } from "lucide-react"
import { useEffect, useMemo, useState } from "react"
import { client, unwrap } from "~/api/client"
import { Button } from "~/components/Button"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { GraphCanvas } from "~/components/GraphCanvas"
import { Link, path } from "~/components/Link"
import { STATES, StateBadge } from "~/components/State"
import { Duration } from "~/components/Time"
import { drawn, found, type Drawn, type Shown } from "./graph"
import css from "./Graph.module.css"

const WIDE = 212
const TALL = 58
const ROOM = 14
const TITLE = 34

interface Data extends Record<string, unknown> {
  shown: Shown
  open: (group: string) => void
}

/** What a flow run called, and which results went where. */
export function Graph({ flowRunId }: { flowRunId: string }) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const [text, setText] = useState("")
  const query = useQuery({
    queryKey: ["graph", flowRunId],
    queryFn: () =>
      unwrap(client.GET("/api/flow-runs/{id}/graph", { params: { path: { id: flowRunId }, query: { limit: 2_000 } } })),
  })
  const laid = useMemo(() => {
    if (query.data === undefined) return null
    return laidOut(drawn(query.data, opened), group => setOpened(known => new Set([...known, group])))
  }, [query.data, opened])
  const matches = useMemo(
    () =>
      new Set(
        found(
          (laid?.nodes ?? []).map(node => node.data.shown),
          text,
        ),
      ),
    [laid, text],
  )
  if (laid === null && query.error) return <Failure what="The graph" error={query.error} retry={query.refetch} />
  if (laid === null) return <Skeleton lines={8} />
  if (laid.nodes.length === 0) {
    return (
      <Empty icon={Network} title="This run called no task or flow">
        Tasks appear here, with an arrow wherever one’s result went into another.
      </Empty>
    )
  }
  return (
    <>
      {(query.data?.is_complete === false || opened.size > 0) && (
        <div className={css["tools"]}>
          {query.data?.is_complete === false && <span className="soft">The newest 2,000 runs are drawn.</span>}
          {opened.size > 0 && <Button onClick={() => setOpened(new Set())}>Close all groups</Button>}
        </div>
      )}
      <GraphCanvas
        key={opened.size}
        label="Graph of runs. The tab “Task runs” lists them."
        className={css["graph"]}
        nodes={matches.size === 0 ? laid.nodes : laid.nodes.map(node => marked(node, matches.has(node.id)))}
        edges={laid.edges}
        nodeTypes={TYPES}
        padding={0.15}
      >
        {laid.nodes.length > 6 && <Find text={text} matches={matches} onChange={setText} />}
        {laid.nodes.length > 12 && <MiniMap pannable zoomable ariaLabel="Small map" nodeColor={colourOf} />}
      </GraphCanvas>
    </>
  )
}

// "group" is a name of React Flow's, with a style of its own.
const TYPES = { run: RunNode, many: GroupNode, flow: FlowNode }

function marked(node: Node<Data>, isMatch: boolean): Node<Data> {
  return isMatch ? { ...node, className: css["found"] ?? "" } : node
}

interface FindProps {
  text: string
  matches: ReadonlySet<string>
  onChange: (text: string) => void
}

/** Brings what is looked for into sight. */
function Find({ text, matches, onChange }: FindProps) {
  const { fitView } = useReactFlow()
  const ids = JSON.stringify([...matches]) // so that a graph that is asked for again is not moved
  useEffect(() => {
    const nodes = (JSON.parse(ids) as string[]).map(id => ({ id }))
    if (nodes.length > 0) void fitView({ nodes, maxZoom: 1, padding: 0.3 })
    else void fitView({ maxZoom: 1, padding: 0.15 })
  }, [fitView, ids])
  return (
    <Panel position="top-right" className={css["find"]}>
      {text.trim() !== "" && (
        <span className="soft" role="status">
          {matches.size === 0 ? "Nothing" : matches.size.toLocaleString()} found
        </span>
      )}
      <input
        type="search"
        aria-label="Find in the graph"
        placeholder="Find…"
        value={text}
        onChange={event => onChange(event.target.value)}
      />
    </Panel>
  )
}

function colourOf(node: Node): string {
  const { shown } = node.data as Data
  return STATES[shown.state?.type ?? "COMPLETED"].color
}

function RunNode({ data }: NodeProps<Node<Data>>) {
  const { shown } = data
  return (
    <div className={css["node"]} style={{ borderLeftColor: STATES[shown.state?.type ?? "PENDING"].color }}>
      <Ends />
      <Link to={path(shown.ofTask ? "task-runs" : "flow-runs", shown.id)} className="cut">
        {shown.label}
      </Link>
      <span className={css["facts"]}>
        <StateBadge state={shown.state} />
        <Duration started={shown.started} ended={shown.ended} />
      </span>
    </div>
  )
}

function GroupNode({ data }: NodeProps<Node<Data>>) {
  const { shown, open } = data
  return (
    <div className={[css["node"], css["group"]].join(" ")}>
      <Ends />
      <span className={css["facts"]}>
        <strong className="cut">
          <Layers size={12} aria-hidden /> {shown.label} × {shown.size.toLocaleString()}
        </strong>
        <button type="button" className={css["open"]} onClick={() => open(shown.id)}>
          Open
        </button>
      </span>
      <span className={css["facts"]}>
        <span className={css["counts"]}>
          {Object.entries(shown.counts ?? {}).map(([type, number]) => (
            <StateBadge key={type} state={{ type: type as keyof typeof STATES, name: String(number) }} />
          ))}
        </span>
        <Duration started={shown.started} ended={shown.ended} />
      </span>
    </div>
  )
}

function FlowNode({ data }: NodeProps<Node<Data>>) {
  const { shown } = data
  return (
    <div className={css["flow"]}>
      <Ends />
      <span className={css["facts"]}>
        <Link to={path("flow-runs", shown.id)} className="cut">
          {shown.of} / {shown.label}
        </Link>
        <StateBadge state={shown.state} word={false} />
      </span>
    </div>
  )
}

function Ends() {
  return (
    <>
      <Handle type="target" position={Position.Left} className={css["end"]} isConnectable={false} />
      <Handle type="source" position={Position.Right} className={css["end"]} isConnectable={false} />
    </>
  )
}

interface Laid {
  nodes: Node<Data>[]
  edges: Edge[]
}

interface Box {
  width: number
  height: number
  places: Map<string, { x: number; y: number }>
}

/** Places for all, in layers from left to right; what a subflow holds is laid out within it, the innermost first. */
function laidOut(graph: Drawn, open: (group: string) => void): Laid {
  const within = new Map<string | null, Shown[]>()
  for (const node of graph.nodes) within.set(node.parent, [...(within.get(node.parent) ?? []), node])
  const parents = new Map(graph.nodes.map(node => [node.id, node.parent]))
  const boxes = new Map<string | null, Box>()
  const size = (node: Shown) => {
    const box = node.kind === "flow" ? boxes.get(node.id) : undefined
    return box === undefined ? { width: WIDE, height: node.kind === "flow" ? TITLE + ROOM : TALL } : box
  }
  const lay = (parent: string | null): Box => {
    const members = within.get(parent) ?? []
    for (const node of members) if (node.kind === "flow" && within.has(node.id)) boxes.set(node.id, lay(node.id))
    const layout = new dagre.graphlib.Graph()
    layout.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 56, marginx: ROOM, marginy: ROOM })
    layout.setDefaultEdgeLabel(() => ({}))
    for (const node of members) layout.setNode(node.id, { ...size(node) })
    const here = new Set(members.map(node => node.id))
    const standIn = (id: string): string | null => {
      for (let at: string | null | undefined = id; at != null; at = parents.get(at)) if (here.has(at)) return at
      return null
    }
    for (const edge of graph.edges) {
      const [source, target] = [standIn(edge.source), standIn(edge.target)]
      if (source !== null && target !== null && source !== target) layout.setEdge(source, target)
    }
    dagre.layout(layout)
    const places = new Map<string, { x: number; y: number }>()
    let [width, height] = [WIDE, TITLE]
    const down = parent === null ? 0 : TITLE - ROOM
    for (const node of members) {
      const { x, y } = layout.node(node.id) as { x: number; y: number }
      const { width: wide, height: tall } = size(node)
      places.set(node.id, { x: x - wide / 2, y: y - tall / 2 + down })
      width = Math.max(width, x + wide / 2 + ROOM)
      height = Math.max(height, y + tall / 2 + ROOM + down)
    }
    return { width, height, places }
  }
  boxes.set(null, lay(null))
  const flat = (parent: string | null): Node<Data>[] =>
    (within.get(parent) ?? []).flatMap(node => [
      {
        id: node.id,
        type: node.kind === "group" ? "many" : node.kind,
        position: boxes.get(parent)?.places.get(node.id) ?? { x: 0, y: 0 },
        data: { shown: node, open },
        zIndex: node.kind === "flow" ? -1 : 1,
        ...(parent === null ? {} : { parentId: parent }),
        width: size(node).width,
        height: size(node).height,
      },
      ...flat(node.id),
    ])
  return {
    nodes: flat(null),
    edges: graph.edges.map(edge => ({
      id: `${edge.source} ${edge.target}`,
      source: edge.source,
      target: edge.target,
      zIndex: 0,
    })),
  }
}
