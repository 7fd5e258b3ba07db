import { duration } from "~/lib/format"
import type { Automation } from "./queries"

export type Definition = NonNullable<Automation["definition"]>
type Trigger = Definition["trigger"]
type Action = Definition["actions"][number]

/** Of an automation that a later version of Perdure made: what it says cannot be read here. */
export const UNREADABLE = "Made by a later version, and does nothing here"

/** What an automation waits for, in words. */
export function triggerOf(trigger: Trigger): string {
  switch (trigger.type) {
    case "file":
      return `A file ${trigger.storage.replace(/\/$/, "")}/${trigger.prefix}${trigger.pattern}`
    case "absence":
      return `No ${listed(trigger.expect)}${ofWhat(trigger)} ${inTime(trigger)}`
    default:
      return `${listed(trigger.expect)}${ofWhat(trigger)}${often(trigger)}`
  }
}

/** What an automation does, in words. */
export function actionOf(action: Action): string {
  switch (action.do) {
    case "run-deployment":
      return `Run ${action.deployment}`
    case "pause":
    case "resume":
      return `${action.do === "pause" ? "Pause" : "Resume"} ${action.deployment ?? action.work_pool ?? action.automation ?? ""}`
    case "cancel-run":
      return "Cancel the run"
    case "notify":
      return `Notify: ${action.subject}`
    default:
      return "–"
  }
}

/** How it is held back: by quiet, and by a rate limit. */
export function restraintsOf({ debounce, rate_limit: limit }: Definition): string[] {
  return [
    ...(debounce ? [`Waits for ${duration(debounce * 1_000)} of quiet`] : []),
    ...(limit ? [`At most ${limit.count} in ${duration(limit.seconds * 1_000)}`] : []),
  ]
}

/** What became of one action, as the log has it: its words, and the run that it made or the error. */
export function didOf(action: Record<string, unknown>): { text: string; run?: string; error?: string } {
  const text = String(action["do"]).replace("-", " ")
  const run = action["run"]
  const error = action["error"]
  return {
    text,
    ...(typeof run === "string" ? { run } : {}),
    ...(typeof error === "string" ? { error } : {}),
  }
}

function listed(kinds: string | readonly string[]): string {
  return typeof kinds === "string" ? kinds : kinds.join(" or ")
}

function ofWhat({ deployment, flow }: { deployment?: string | null; flow?: string | null }): string {
  if (deployment) return ` of ${deployment}`
  return flow ? ` of ${flow}` : ""
}

function often({ threshold, within }: { threshold?: number; within?: number }): string {
  if (threshold === undefined || threshold === 1) return ""
  return `, ${threshold} times within ${duration((within ?? 0) * 1_000)}`
}

function inTime(trigger: Extract<Trigger, { type?: "absence" }>): string {
  if (trigger.by) return `by ${trigger.by} (${trigger.timezone})`
  return `within ${duration(trigger.within * 1_000)} of ${listed(trigger.after ?? [])}`
}
