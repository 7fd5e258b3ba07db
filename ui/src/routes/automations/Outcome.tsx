import { CircleCheck, CircleSlash, CircleX, Clock, Gauge, History, Repeat, type LucideIcon } from "lucide-react"
import type { CSSProperties } from "react"
import css from "./Automations.module.css"
import type { Outcome } from "./queries"

export const OUTCOMES: Record<Outcome, { name: string; icon: LucideIcon; color: string }> = {
  acts: { name: "Acted", icon: CircleCheck, color: "var(--completed)" },
  failed: { name: "Failed", icon: CircleX, color: "var(--failed)" },
  waits: { name: "Waits", icon: Clock, color: "var(--scheduled)" },
  ignored: { name: "Ignored", icon: CircleSlash, color: "var(--text-faint)" },
  limited: { name: "Limited", icon: Gauge, color: "var(--paused)" },
  loop: { name: "Loop", icon: Repeat, color: "var(--paused)" },
  missed: { name: "Missed", icon: History, color: "var(--paused)" },
}

/** What an automation made of an event, as shape, colour and word. */
export function OutcomeBadge({ outcome }: { outcome: Outcome }) {
  const { name, icon: Icon, color } = OUTCOMES[outcome]
  return (
    <span className={css["outcome"]} style={{ "--outcome": color } as CSSProperties}>
      <Icon size={14} strokeWidth={2.25} aria-hidden />
      {name}
    </span>
  )
}
