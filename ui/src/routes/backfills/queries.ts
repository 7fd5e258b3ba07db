import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query"
import { client, unwrap, type Schemas } from "~/api/client"
import { done, failed } from "~/components/Toast"

export type Backfill = Schemas["BackfillModel"]
export type Details = Schemas["BackfillDetails"]
export type Change = "pause" | "resume" | "cancel"

const SOON = 5_000 // ms between two looks

export const backfills = () =>
  queryOptions({
    queryKey: ["backfills"],
    queryFn: () => unwrap(client.GET("/api/backfills")),
    refetchInterval: SOON,
  })

export const backfill = (id: string) =>
  queryOptions({
    queryKey: ["backfill", id],
    queryFn: () => unwrap(client.GET("/api/backfills/{id}", { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data !== undefined && state.data.done === state.data.total ? false : SOON),
  })

const CHANGED: Record<Change, string> = { pause: "paused", resume: "resumed", cancel: "cancelled" }

/** Pausing, resuming and cancelling a backfill. */
export function useChange(of: Backfill) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (action: Change) =>
      unwrap(client.POST("/api/backfills/{id}/{action}", { params: { path: { id: of.id, action } } })),
    onSuccess: async (_, action) => {
      done(`The backfill of ${of.deployment} is ${CHANGED[action]}`)
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["backfills"] }),
        queries.invalidateQueries({ queryKey: ["backfill", of.id] }),
      ])
    },
    onError: (error, action) => failed(`The backfill of ${of.deployment} was not ${CHANGED[action]}`, error),
  })
}
