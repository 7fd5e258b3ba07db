import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import type { TaskRunFilter } from "~/api/queries"

/** The first thousand flows by name: what filters offer. */
export const flowNames = () =>
  queryOptions({
    queryKey: ["flow-names"],
    queryFn: async () => {
      const found = await unwrap(client.GET("/api/flows", { params: { query: { limit: 1_000 } } }))
      return found.items.map(flow => flow.name)
    },
    staleTime: 60_000,
  })

/** The views of a page that are shared, those that were saved last first. */
export const sharedViews = (page: string) =>
  queryOptions({
    queryKey: ["views", page],
    queryFn: async () => {
      const found = await unwrap(client.GET("/api/views", { params: { query: { page, limit: 50 } } }))
      return found.items
    },
    staleTime: 60_000,
  })

interface FailureFilter {
  flow?: string | undefined
  created_after?: string | undefined
  created_before?: string | undefined
}

/** Failed flow runs by what they failed of. Many runs are looked at for it, so it is asked for now and then. */
export const failures = (filter: FailureFilter) =>
  queryOptions({
    queryKey: ["failures", filter],
    queryFn: () => unwrap(client.GET("/api/flow-runs/failures", { params: { query: filter } })),
    placeholderData: keepPreviousData,
    refetchInterval: 20_000,
  })

export const taskRunCount = (filter: TaskRunFilter) =>
  queryOptions({
    queryKey: ["task-runs", filter, "count"],
    queryFn: () => unwrap(client.GET("/api/task-runs/count", { params: { query: filter } })),
    placeholderData: keepPreviousData,
  })
