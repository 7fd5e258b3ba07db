import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { pages } from "~/api/queries"
import type { SpanName } from "~/lib/span"
import { asked } from "../overview/queries"

export const flows = (q: string | undefined) =>
  pages(["flows", q], cursor => unwrap(client.GET("/api/flows", { params: { query: { q, limit: 100, cursor } } })))

export function flowOf(name: string, span: SpanName) {
  const query = asked(span)
  return queryOptions({
    queryKey: ["flow", name, query],
    queryFn: () => unwrap(client.GET("/api/flows/{name}", { params: { path: { name }, query } })),
    placeholderData: keepPreviousData,
  })
}

/** The newest runs of a flow: as many as its chart shows. */
export const newestRuns = (flow: string, limit: number) =>
  queryOptions({
    queryKey: ["flow", flow, "runs", limit],
    queryFn: () => unwrap(client.GET("/api/flow-runs", { params: { query: { flow, limit } } })),
  })

/** The newest runs of a flow, with their calls by task. */
export const matrixOf = (flow: string) =>
  queryOptions({
    queryKey: ["flow", flow, "matrix"],
    queryFn: () => unwrap(client.GET("/api/flow-runs/matrix", { params: { query: { flow, limit: 40 } } })),
  })

const fetchResults = (flow: string) => unwrap(client.GET("/api/results", { params: { query: { flow, limit: 8 } } }))

export type Result = Awaited<ReturnType<typeof fetchResults>>["items"][number]

export const newestResults = (flow: string) =>
  queryOptions({ queryKey: ["flow", flow, "results"], queryFn: () => fetchResults(flow) })
