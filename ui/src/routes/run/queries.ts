import { queryOptions } from "@tanstack/react-query"
import { ApiError, client, unwrap } from "~/api/client"

export const LIVE = 1_500 // ms between two looks at what a run does

export const flowRunStates = (id: string) =>
  queryOptions({
    queryKey: ["run-states", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/states", { params: { path: { id } } })),
  })

export const taskRunStates = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ["run-states", id],
    queryFn: () => unwrap(client.GET("/api/task-runs/{id}/states", { params: { path: { id } } })),
    refetchInterval: live ? LIVE : false,
  })

/** Why a run called its function, or why it did not. */
export const explanation = (id: string, of: "flow-runs" | "task-runs") =>
  queryOptions({
    queryKey: ["explanation", id],
    queryFn: () => {
      const params = { path: { id } }
      if (of === "flow-runs") return unwrap(client.GET("/api/flow-runs/{id}/explanation", { params }))
      return unwrap(client.GET("/api/task-runs/{id}/explanation", { params }))
    },
  })

/** What a run was given, and Python that calls its function with that. */
export const reproduction = (id: string, of: "flow-runs" | "task-runs") =>
  queryOptions({
    queryKey: ["reproduction", id],
    queryFn: () => {
      const params = { path: { id } }
      if (of === "flow-runs") return unwrap(client.GET("/api/flow-runs/{id}/reproduction", { params }))
      return unwrap(client.GET("/api/task-runs/{id}/reproduction", { params }))
    },
    staleTime: 60_000,
  })

/** How a run was begun, and what it waits for. */
export const start = (id: string) =>
  queryOptions({
    queryKey: ["run-start", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/start", { params: { path: { id } } })),
  })

/** The source of a flow run's function as it began, and that of the newest run of its flow. */
export const sources = (id: string) =>
  queryOptions({
    queryKey: ["source", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/source", { params: { path: { id } } })),
    staleTime: 60_000,
  })

/** The deployment that a flow run came from; null for one that was called. */
export const origin = (id: string) =>
  queryOptions({
    queryKey: ["origin", id],
    queryFn: () => unwrap(client.GET("/api/deployments/runs/{flow_run_id}", { params: { path: { flow_run_id: id } } })),
    staleTime: 60_000,
  })

/** What resuming a flow run would do with what it called. */
export const resumePlan = (id: string) =>
  queryOptions({
    queryKey: ["resume-plan", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/resume-plan", { params: { path: { id } } })),
    staleTime: 0,
  })

/** What running a flow again would do with what a run of it called: from one of its steps, or from the start. */
export const rerunPlan = (id: string, step: string | undefined, changed: readonly string[]) =>
  queryOptions({
    queryKey: ["rerun-plan", id, step, changed],
    queryFn: () => {
      const query = { changed: [...changed], ...(step === undefined ? {} : { from_step: step }) }
      return unwrap(client.GET("/api/flow-runs/{id}/rerun-plan", { params: { path: { id }, query } }))
    },
    staleTime: 0,
  })

/** A flow run's parameters, and what they may be. */
export const runParameters = (id: string) =>
  queryOptions({
    queryKey: ["run-parameters", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/parameters", { params: { path: { id } } })),
  })

/** Two flow runs beside each other. */
export const runComparison = (id: string, other: string) =>
  queryOptions({
    queryKey: ["run-comparison", id, other],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/comparison", { params: { path: { id }, query: { other } } })),
  })

/** From a failed flow run down to the run in which its failure began. */
export const failurePath = (id: string) =>
  queryOptions({
    queryKey: ["failure", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/failure", { params: { path: { id } } })),
  })

/** The flow runs that called a flow run, the outermost first. */
export const ancestors = (id: string) =>
  queryOptions({
    queryKey: ["ancestors", id],
    queryFn: () => unwrap(client.GET("/api/flow-runs/{id}/ancestors", { params: { path: { id } } })),
    staleTime: Infinity,
  })

/** A run's result, or null if it has none. */
export const resultOf = (id: string) =>
  queryOptions({
    queryKey: ["result", id, "or none"],
    queryFn: async () => {
      try {
        return await unwrap(client.GET("/api/results/{id}", { params: { path: { id } } }))
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null
        throw error
      }
    },
  })

interface Whose {
  flowRunId?: string | undefined
  taskRunId?: string | undefined
}

export const filterOf = ({ flowRunId, taskRunId }: Whose) => ({ flow_run: flowRunId, task_run: taskRunId })

/** The last line of a run's log that holds a traceback. */
export const lastTraceback = (whose: Whose) =>
  queryOptions({
    queryKey: ["run-logs", whose.flowRunId ?? whose.taskRunId, "traceback"],
    queryFn: async () => {
      const query = { ...filterOf(whose), text: "Traceback (most recent call last)", sort: "-time", limit: 1 } as const
      const found = await unwrap(client.GET("/api/logs", { params: { query } }))
      return found.items[0] ?? null
    },
  })
