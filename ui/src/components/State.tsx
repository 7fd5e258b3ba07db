import {
  Ban,
  CalendarClock,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CirclePause,
  CircleX,
  LoaderCircle,
  RotateCcw,
  Zap,
  type LucideIcon,
} from "lucide-react"
import type { Schemas } from "~/api/client"
import css from "./State.module.css"

export type StateType = Schemas["StateType"]

export const STATES: Record<StateType, { word: string; icon: LucideIcon; color: string }> = {
  SCHEDULED: { word: "Scheduled", icon: CalendarClock, color: "var(--scheduled)" },
  PENDING: { word: "Pending", icon: CircleDashed, color: "var(--pending)" },
  RUNNING: { word: "Running", icon: LoaderCircle, color: "var(--running)" },
  COMPLETED: { word: "Completed", icon: CircleCheck, color: "var(--completed)" },
  FAILED: { word: "Failed", icon: CircleX, color: "var(--failed)" },
  CRASHED: { word: "Crashed", icon: Zap, color: "var(--crashed)" },
  CANCELLING: { word: "Cancelling", icon: CircleDot, color: "var(--cancelled)" },
  CANCELLED: { word: "Cancelled", icon: Ban, color: "var(--cancelled)" },
  PAUSED: { word: "Paused", icon: CirclePause, color: "var(--paused)" },
}

export const STATE_TYPES = Object.keys(STATES) as StateType[]

/** The types that a run never leaves by itself. */
export const FINAL: ReadonlySet<StateType> = new Set<StateType>(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])

interface Props {
  /** Null for a run without a reported state. */
  state: { type: StateType; name: string; message?: string | null } | null
  /** With its word; without, the word is there for screen readers only. */
  word?: boolean
}

/** Where a run stands: an icon, and the state's name. */
export function StateBadge({ state, word = true }: Props) {
  const type = state?.type ?? "PENDING"
  const { icon: Icon, color } = STATES[type]
  const Shown = state?.name === "AwaitingRetry" || state?.name === "Retrying" ? RotateCcw : Icon
  const name = spaced(state?.name ?? "Unknown")
  return (
    <span className={css["badge"]} title={state?.message ?? undefined}>
      <Shown
        size={14}
        strokeWidth={2.25}
        color={color}
        aria-hidden
        className={type === "RUNNING" ? css["spin"] : undefined}
      />
      <span className={word ? "cut" : "hidden"}>{name}</span>
    </span>
  )
}

/** "AwaitingRetry" as "Awaiting retry". */
export function spaced(name: string): string {
  return name.replace(/(?<=[a-z])([A-Z])/g, (_, letter: string) => ` ${letter.toLowerCase()}`)
}
