import { useMutation, useQueryClient } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { done, failed } from "~/components/Toast"
import { fullName } from "./queries"

interface Whose {
  id: string
  flow_name: string
  name: string
}

/** Pausing and resuming a deployment, or one of its schedules by its slug. */
export function usePause(of: Whose) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ action, slug }: { action: "pause" | "resume"; slug?: string }) => {
      const { id } = of
      if (slug !== undefined) {
        const at = { params: { path: { id, slug, action } } }
        return unwrap(client.POST("/api/deployments/{id}/schedules/{slug}/{action}", at))
      }
      const at = { params: { path: { id } } }
      if (action === "pause") return unwrap(client.POST("/api/deployments/{id}/pause", at))
      return unwrap(client.POST("/api/deployments/{id}/resume", at))
    },
    onSuccess: async (_, { action, slug }) => {
      const what = slug === undefined ? fullName(of) : `The schedule ${slug} of ${fullName(of)}`
      done(`${what} is ${action === "pause" ? "paused" : "resumed"}`)
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["deployments"] }),
        queries.invalidateQueries({ queryKey: ["deployment", of.id] }),
      ])
    },
    onError: (error, { action }) =>
      failed(`${fullName(of)} was not ${action === "pause" ? "paused" : "resumed"}`, error),
  })
}
