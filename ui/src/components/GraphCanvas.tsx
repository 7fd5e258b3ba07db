import { Background, Controls, ReactFlow, type Edge, type Node, type NodeTypes } from "@xyflow/react"
import "@xyflow/react/dist/style.css"
import type { ReactNode } from "react"
import css from "./GraphCanvas.module.css"

interface Props {
  /** Of the group, for those who hear the page: where the same stands as text. */
  label: string
  className: string | undefined
  nodes: Node[]
  edges: Edge[]
  nodeTypes: NodeTypes
  /** Room round all of it when it is first seen: a part of its size. */
  padding: number
  /** Whether the wheel scrolls the page, and does not zoom. */
  scrolls?: boolean
  children?: ReactNode
}

/** A graph to look at: moved and zoomed, never changed. */
export function GraphCanvas({ label, className, nodes, edges, nodeTypes, padding, scrolls, children }: Props) {
  return (
    <div className={`${css["graph"]} ${className ?? ""}`} role="group" aria-label={label}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1, padding }}
        minZoom={0.05}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onlyRenderVisibleElements
        preventScrolling={scrolls !== true}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={20} size={1} color="var(--line)" />
        <Controls showInteractive={false} />
        {children}
      </ReactFlow>
    </div>
  )
}
