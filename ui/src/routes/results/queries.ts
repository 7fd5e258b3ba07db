import { queryOptions } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"

export const lineage = (id: string, depth: number) =>
  queryOptions({
    queryKey: ["lineage", id, depth],
    queryFn: () => unwrap(client.GET("/api/results/{id}/lineage", { params: { path: { id }, query: { depth } } })),
  })

export const snippet = (id: string) =>
  queryOptions({
    queryKey: ["snippet", id],
    queryFn: () => unwrap(client.GET("/api/results/{id}/snippet", { params: { path: { id } } })),
    staleTime: Infinity,
  })

export const comparison = (id: string, other: string) =>
  queryOptions({
    queryKey: ["comparison", id, other],
    queryFn: () => unwrap(client.GET("/api/results/{id}/comparison", { params: { path: { id }, query: { other } } })),
    staleTime: 60_000,
  })
