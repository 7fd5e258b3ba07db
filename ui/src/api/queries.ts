import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query"
import { ApiError, client, rememberCsrf, unwrap, type Schemas } from "./client"
import type { operations } from "./schema"

/**
 * What the page asks for. The first word of a key says what changes make it stale (see live.ts); a list's filter is
 * the second.
 */
type QueryOf<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>
export type FlowRunFilter = Omit<QueryOf<"list_flow_runs">, "cursor" | "limit">
export type TaskRunFilter = Omit<QueryOf<"list_task_runs">, "cursor" | "limit">
export type ResultFilter = Omit<QueryOf<"list_results">, "cursor" | "limit">

interface Page<T> {
  items: T[]
  next: string | null
}

const PAGE = 100

/** A list whose pages follow each other by cursor. */
export function pages<T>(key: readonly unknown[], fetchPage: (cursor: string | undefined) => Promise<Page<T>>) {
  return infiniteQueryOptions({
    queryKey: [...key, "pages"],
    queryFn: ({ pageParam }) => fetchPage(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next ?? undefined,
    placeholderData: keepPreviousData,
  })
}

export const flowRuns = (filter: FlowRunFilter) =>
  pages(["flow-runs", filter], cursor =>
    unwrap(client.GET("/api/flow-runs", { params: { query: { ...filter, limit: PAGE, cursor } } })),
  )

export const taskRuns = (filter: TaskRunFilter) =>
  pages(["task-runs", filter], cursor =>
    unwrap(client.GET("/api/task-runs", { params: { query: { ...filter, limit: PAGE, cursor } } })),
  )

export const results = (filter: ResultFilter) =>
  pages(["results", filter], cursor =>
    unwrap(client.GET("/api/results", { params: { query: { ...filter, limit: PAGE, cursor } } })),
  )

export const flowRunCount = (filter: FlowRunFilter) =>
  queryOptions({
    queryKey: ["flow-runs", filter, "count"],
    queryFn: () => unwrap(client.GET("/api/flow-runs/count", { params: { query: filter } })),
    placeholderData: keepPreviousData,
  })

export const flowRun = (id: string) =>
  queryOptions({
    queryKey: ["flow-run", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}", { params: { path: { id } } })),
  })

export const taskRun = (id: string) =>
  queryOptions({
    queryKey: ["task-run", id],
    queryFn: () => unwrap(client.GET("/api/task-runs/{id}", { params: { path: { id } } })),
  })

export const result = (id: string) =>
  queryOptions({
    queryKey: ["result", id],
    queryFn: () => unwrap(client.GET("/api/results/{id}", { params: { path: { id } } })),
  })

/** Tags that runs have, of those that hold a text: what filters offer. */
export const tags = (ofTask: boolean, text: string) =>
  queryOptions({
    queryKey: ["tags", ofTask, text],
    queryFn: () => {
      const query = { of_task: ofTask, limit: 50, ...(text === "" ? {} : { q: text }) }
      return unwrap(client.GET("/api/tags", { params: { query } }))
    },
    placeholderData: keepPreviousData,
    staleTime: 20_000,
  })

export const overview = (since: string, steps: number) =>
  queryOptions({
    queryKey: ["overview", since, steps],
    queryFn: () => unwrap(client.GET("/api/overview", { params: { query: { since, steps } } })),
    placeholderData: keepPreviousData,
  })

export const storageGrowth = (since: string, steps: number) =>
  queryOptions({
    queryKey: ["overview", "storage", since, steps],
    queryFn: () => unwrap(client.GET("/api/overview/storage", { params: { query: { since, steps } } })),
    placeholderData: keepPreviousData,
  })

export const version = () =>
  queryOptions({ queryKey: ["version"], queryFn: () => unwrap(client.GET("/api/version")), staleTime: Infinity })

/** Who looks at the page, and what they may do. */
export const session = () =>
  queryOptions({
    queryKey: ["session"],
    queryFn: async (): Promise<Schemas["SessionModel"]> => {
      const found = await unwrap(client.GET("/api/session"))
      rememberCsrf(found.csrf)
      return found
    },
    staleTime: 60_000,
    retry: false,
    // A first look at a server that is away is taken again until it answers.
    refetchInterval: ({ state }) =>
      state.data === undefined && state.error !== null && !isRefused(state.error) ? 2_000 : false,
  })

function isRefused(error: Error): boolean {
  return error instanceof ApiError && error.status === 401
}
