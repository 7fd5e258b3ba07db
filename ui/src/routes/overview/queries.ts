import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { stepsOf, type SpanName } from "~/lib/span"

/** A span as routes take it. */
export function asked(span: SpanName) {
  const { since, until, count } = stepsOf(span)
  return { since: since.toISOString(), until: until.toISOString(), steps: count }
}

export function overviewOf(span: SpanName) {
  const query = asked(span)
  return queryOptions({
    queryKey: ["overview", query],
    queryFn: () => unwrap(client.GET("/api/overview", { params: { query } })),
    placeholderData: keepPreviousData,
  })
}

export function storageOf(span: SpanName) {
  const query = asked(span)
  return queryOptions({
    queryKey: ["overview", "storage", query],
    queryFn: () => unwrap(client.GET("/api/overview/storage", { params: { query } })),
    placeholderData: keepPreviousData,
  })
}

export const waitingRuns = () =>
  queryOptions({
    queryKey: ["flow-runs", "waiting"],
    queryFn: () => unwrap(client.GET("/api/flow-runs", { params: { query: { state: ["PAUSED"], limit: 3 } } })),
  })

/** All that there is, as the server counts it beside its requests. */
export const totals = () =>
  queryOptions({
    queryKey: ["totals"],
    queryFn: () => unwrap(client.GET("/api/overview/totals")),
    refetchInterval: ({ state }) => (state.data?.is_complete === false ? 2_000 : 60_000),
  })
