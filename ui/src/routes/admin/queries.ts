import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { pages } from "~/api/queries"

const CALM = 5_000 // ms between two askings for what changes by itself

export const cacheEntries = (filter: { key: string | undefined; task: string | undefined }) =>
  pages(["cache", filter], cursor =>
    unwrap(client.GET("/api/cache", { params: { query: { ...filter, limit: 100, cursor } } })),
  )

export const blocks = () =>
  queryOptions({
    queryKey: ["blocks"],
    queryFn: () => unwrap(client.GET("/api/blocks")),
    placeholderData: keepPreviousData,
  })

export const blockTypes = () =>
  queryOptions({
    queryKey: ["blocks", "types"],
    queryFn: () => unwrap(client.GET("/api/blocks/types")),
    staleTime: Infinity,
  })

export const settings = () =>
  queryOptions({ queryKey: ["settings"], queryFn: () => unwrap(client.GET("/api/settings")) })

export const tokens = () =>
  queryOptions({ queryKey: ["tokens"], queryFn: () => unwrap(client.GET("/api/tokens")), retry: false })

export const status = () =>
  queryOptions({
    queryKey: ["status"],
    queryFn: () => unwrap(client.GET("/api/status")),
    refetchInterval: CALM,
    retry: false,
  })

export const limits = () =>
  queryOptions({
    queryKey: ["limits"],
    queryFn: () => unwrap(client.GET("/api/limits")),
    refetchInterval: CALM,
    placeholderData: keepPreviousData,
  })

export const events = (filter: { kind: string | undefined; flow: string | undefined }) =>
  pages(["events", filter], cursor =>
    unwrap(client.GET("/api/events", { params: { query: { ...filter, limit: 100, cursor } } })),
  )

export const hooks = () => queryOptions({ queryKey: ["hooks"], queryFn: () => unwrap(client.GET("/api/hooks")) })

export const eventKinds = () =>
  queryOptions({
    queryKey: ["hooks", "kinds"],
    queryFn: () => unwrap(client.GET("/api/hooks/kinds")),
    staleTime: Infinity,
  })

export const deliveries = (filter: {
  state: "waiting" | "delivered" | "failed" | undefined
  hook: string | undefined
}) => ({
  ...pages(["hooks", "deliveries", filter], cursor =>
    unwrap(client.GET("/api/hooks/deliveries", { params: { query: { ...filter, limit: 100, cursor } } })),
  ),
  refetchInterval: CALM,
})
