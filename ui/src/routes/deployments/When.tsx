import { CirclePause } from "lucide-react"
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
