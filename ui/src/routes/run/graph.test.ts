import { expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { drawn, found } from "./graph"

const node = (
  id: string,
  of: string,
  parent: string | null,
  kind: "flow run" | "task run" = "task run",
): Schemas["Node"] => ({
  id,
  kind,
  name: `${of}-${id}`,
  of,
  parent_id: parent,
  state: { type: "COMPLETED", name: "Completed", message: null, is_stopped: false, time: "2026-03-14T12:00:00Z" },
  started: "2026-03-14T12:00:00Z",
  ended: "2026-03-14T12:00:01Z",
})

const many = Array.from({ length: 20 }, (_, index) => node(`m${index}`, "load", "root"))
const GRAPH: Schemas["Graph"] = {
  nodes: [
    node("root", "main", null, "flow run"),
    node("a", "list", "root"),
    ...many,
    node("sub", "inner", "root", "flow run"),
    node("z", "sum", "sub"),
  ],
  edges: [
    ...many.map(each => ({ source_id: "a", target_id: each.id, name: "city" })),
    ...many.map(each => ({ source_id: each.id, target_id: "z", name: "tables" })),
  ],
  is_complete: true,
}

it("many runs of a task are one, and so are their edges", () => {
  const { nodes, edges } = drawn(GRAPH, new Set())
  expect(nodes.map(each => [each.kind, each.of, each.size])).toEqual([
    ["run", "list", 1],
    ["group", "load", 20],
    ["flow", "inner", 1],
    ["run", "sum", 1],
  ])
  expect(edges).toEqual([
    { source: "a", target: "/load", label: "city" },
    { source: "/load", target: "z", label: "tables" },
  ])
})

it("a group that is opened shows its runs", () => {
  expect(drawn(GRAPH, new Set(["/load"])).nodes).toHaveLength(23)
})

it("calls of a subflow are inside it", () => {
  expect(drawn(GRAPH, new Set()).nodes.find(each => each.id === "z")?.parent).toBe("sub")
})

it("many subflows of a flow are one, with what they hold", () => {
  const subflows = Array.from({ length: 9 }, (_, index) => node(`s${index}`, "inner", "root", "flow run"))
  const held = subflows.map(each => node(`t${each.id}`, "clean", each.id))
  const graph = {
    nodes: [node("root", "main", null, "flow run"), node("a", "list", "root"), ...subflows, ...held],
    edges: held.map(each => ({ source_id: "a", target_id: each.id, name: "of" })),
    is_complete: true,
  }
  const { nodes, edges } = drawn(graph, new Set())
  expect(nodes.map(each => [each.kind, each.of, each.size])).toEqual([
    ["run", "list", 1],
    ["group", "inner", 9],
  ])
  expect(edges).toEqual([{ source: "a", target: "//inner", label: "of" }])
  expect(drawn(graph, new Set(["//inner"])).nodes).toHaveLength(19)
})

it("what is looked for is found by its name and its task's", () => {
  const { nodes } = drawn(GRAPH, new Set())
  expect(found(nodes, "LOAD")).toEqual(["/load"])
  expect(found(nodes, "sum-z")).toEqual(["z"])
  expect(found(nodes, " ")).toEqual([])
})
