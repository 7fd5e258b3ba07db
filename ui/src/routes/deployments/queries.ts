import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { client, unwrap, type Schemas } from "~/api/client"

export type Deployment = Schemas["DeploymentModel"]
export type Details = Schemas["DeploymentDetails"]
export type ScheduledRun = Schemas["ScheduledRunModel"]
export type Schedule = Schemas["ScheduleModel"]
export type Change = Schemas["VersionChange"]
export type Tick = Schemas["Tick"]

const SOON = 30_000 // ms between two looks at what time alone changes
const HEARTBEAT = 5_000

export const deployments = () =>
  queryOptions({
    queryKey: ["deployments"],
    queryFn: () => unwrap(client.GET("/api/deployments")),
    refetchInterval: SOON,
  })

export const deployment = (id: string) =>
  queryOptions({
    queryKey: ["deployment", id],
    queryFn: () => unwrap(client.GET("/api/deployments/{id}", { params: { path: { id } } })),
    refetchInterval: SOON,
  })

/** What would change if a version were the newest one again. */
export const rollback = ({ id, version: current }: Details, version: number) =>
  queryOptions({
    queryKey: ["deployment", id, "rollback", current, version],
    queryFn: () =>
      unwrap(client.GET("/api/deployments/{id}/rollback", { params: { path: { id }, query: { version } } })),
  })

/** The runs of a deployment that were due last, newest first. */
export const deploymentRuns = (id: string, limit: number) =>
  queryOptions({
    queryKey: ["deployment", id, "runs", limit],
    queryFn: () => unwrap(client.GET("/api/deployments/{id}/runs", { params: { path: { id }, query: { limit } } })),
    placeholderData: keepPreviousData,
    refetchInterval: SOON,
  })

/** The next ticks of all schedules: at most `each` of one. */
export const upcoming = (each: number, until?: string) =>
  queryOptions({
    queryKey: ["deployments", "upcoming", each, until],
    queryFn: () => {
      const query = { count: 1_000, each, until }
      return unwrap(client.GET("/api/deployments/upcoming", { params: { query } }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: SOON,
  })

export const workPools = () =>
  queryOptions({
    queryKey: ["work-pools"],
    queryFn: () => unwrap(client.GET("/api/deployments/work-pools")),
    refetchInterval: HEARTBEAT,
  })

export const workers = () =>
  queryOptions({
    queryKey: ["workers"],
    queryFn: () => unwrap(client.GET("/api/deployments/workers")),
    refetchInterval: HEARTBEAT,
  })

/** What a deployment is known by everywhere: its flow's name and its own. */
export function fullName(of: { flow_name: string; name: string }): string {
  return `${of.flow_name}/${of.name}`
}
