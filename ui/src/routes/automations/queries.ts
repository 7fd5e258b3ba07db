import { useMutation, useQueryClient, queryOptions } from "@tanstack/react-query"
import { pages } from "~/api/queries"
import { client, unwrap, type Schemas } from "~/api/client"
import { done, failed } from "~/components/Toast"

export type Automation = Schemas["AutomationModel"]
export type LogEntry = Schemas["LogEntryModel"]
export type Outcome = LogEntry["outcome"]

const SOON = 5_000 // ms between two looks: automations act by themselves
const PAGE = 100

export const automations = () =>
  queryOptions({
    queryKey: ["automations"],
    queryFn: () => unwrap(client.GET("/api/automations")),
    refetchInterval: SOON,
  })

export const automation = (name: string) =>
  queryOptions({
    queryKey: ["automation", name],
    queryFn: () => unwrap(client.GET("/api/automations/{name}", { params: { path: { name } } })),
    refetchInterval: SOON,
  })

/** What an automation saw and did, newest first. */
export const automationLog = (name: string, outcome: Outcome[]) => ({
  ...pages(["automation", name, "log", outcome], cursor =>
    unwrap(
      client.GET("/api/automations/{name}/log", {
        params: { path: { name }, query: { limit: PAGE, cursor, outcome } },
      }),
    ),
  ),
  refetchInterval: SOON,
})

/** Pausing and resuming an automation. */
export function usePause(of: Automation) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (action: "pause" | "resume") =>
      unwrap(client.POST("/api/automations/{name}/{action}", { params: { path: { name: of.name, action } } })),
    onSuccess: async (_, action) => {
      done(`${of.name} is ${action === "pause" ? "paused" : "resumed"}`)
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["automations"] }),
        queries.invalidateQueries({ queryKey: ["automation", of.name] }),
      ])
    },
    onError: (error, action) => failed(`${of.name} was not ${action === "pause" ? "paused" : "resumed"}`, error),
  })
}
