import { CirclePause, Unplug } from "lucide-react"
import { exact } from "~/lib/format"
import css from "./Deployments.module.css"
import type { Schedule } from "./queries"
import { ruleOf } from "./rules"

/** When a schedule ticks, in words where there are some; the rule itself on hover. */
export function When({ schedule }: { schedule: Schedule }) {
  const { text, rule, isRaw, zone } = ruleOf(schedule.rule)
  return (
    <span title={`${rule} (${zone})`}>
      <span className={isRaw ? "mono" : undefined}>{text}</span>
      <span className="faint"> {zone}</span>
    </span>
  )
}

export function Paused({ since }: { since: string }) {
  return (
    <span className={css["paused"]} title={`Since ${exact(new Date(since))}`}>
      <CirclePause size={14} strokeWidth={2.25} aria-hidden />
      Paused
    </span>
  )
}

const DOWN =
  "The program that serves it does not run. Start it again: what its schedules missed is caught up with then, as they say."

/** Says of a served deployment that nothing runs it, and so that its ticks make no runs. */
export function NotServed() {
  return (
    <span className={css["unserved"]} title={DOWN}>
      <Unplug size={14} strokeWidth={2.25} aria-hidden />
      Not served
    </span>
  )
}
