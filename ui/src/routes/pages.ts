import { page } from "./root"

/** All pages. One line each. */
export const pages = [
  page("/", () => import("./overview/Overview")),
  page("/flow-runs", () => import("./runs/FlowRuns")),
  page("/flow-runs/$id", () => import("./run/FlowRun")),
  page("/task-runs", () => import("./runs/TaskRuns")),
  page("/task-runs/$id", () => import("./run/TaskRun")),
  page("/flows", () => import("./flows/Flows")),
  page("/flows/$name", () => import("./flows/Flow")),
  page("/deployments", () => import("./deployments/Deployments")),
  page("/deployments/$id", () => import("./deployments/Deployment")),
  page("/upcoming", () => import("./deployments/Upcoming")),
  page("/workers", () => import("./deployments/Workers")),
  page("/results", () => import("./results/Results")),
  page("/results/$id", () => import("./results/Result")),
  page("/results/$id/compare/$other", () => import("./results/Compare")),
  page("/artifacts", () => import("./data/Artifacts")),
  page("/artifacts/$id", () => import("./data/Artifact")),
  page("/variables", () => import("./data/Variables")),
  page("/cache", () => import("./admin/Cache")),
  page("/blocks", () => import("./admin/Blocks")),
  page("/limits", () => import("./admin/Limits")),
  page("/events", () => import("./admin/Events")),
  page("/tokens", () => import("./admin/Tokens")),
  page("/settings", () => import("./admin/Settings")),
  page("/health", () => import("./admin/Health")),
]
