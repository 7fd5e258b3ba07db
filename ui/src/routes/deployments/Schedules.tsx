import { useQuery } from "@tanstack/react-query"
import { CalendarClock, Pause } from "lucide-react"
import { Button } from "~/components/Button"
import { Card } from "~/components/Card"
import { exact } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import css from "./Deployments.module.css"
import { upcoming, type Details, type Schedule } from "./queries"
import { usePause } from "./usePause"
import { Paused, When } from "./When"

const NEXT = 3 // ticks that are shown of each

/** A deployment's schedules, with their next ticks. */
export function Schedules({ of }: { of: Details }) {
  const { data } = useQuery(upcoming(NEXT))
  const because = useBecause("write")
  const pause = usePause(of)
  return (
    <Card title={of.schedules.length === 1 ? "Schedule" : "Schedules"} flush>
      {of.schedules.length === 0 ? (
        <p className={css["none"]}>It has no schedule, and runs when somebody starts it.</p>
      ) : (
        <ul className={css["schedules"]}>
          {of.schedules.map(schedule => {
            const isPaused = schedule.paused !== null
            const ticks = (data ?? []).filter(each => each.deployment_id === of.id && each.schedule === schedule.slug)
            return (
              <li key={schedule.slug}>
                <strong className="cut">{schedule.slug}</strong>
                <Button
                  look="quiet"
                  because={because}
                  disabled={pause.isPending}
                  icon={isPaused ? <CalendarClock size={13} aria-hidden /> : <Pause size={13} aria-hidden />}
                  aria-label={`${isPaused ? "Resume" : "Pause"} the schedule ${schedule.slug}`}
                  onClick={() => pause.mutate({ action: isPaused ? "resume" : "pause", slug: schedule.slug })}
                >
                  {isPaused ? "Resume" : "Pause"}
                </Button>
                <p>
                  <When schedule={schedule} />
                </p>
                <Coming schedule={schedule} isPaused={of.paused !== null} times={ticks.map(each => each.time)} />
              </li>
            )
          })}
        </ul>
      )}
    </Card>
  )
}

function Coming({ schedule, isPaused, times }: { schedule: Schedule; isPaused: boolean; times: readonly string[] }) {
  if (schedule.paused !== null) {
    return (
      <div className={css["next"]}>
        <Paused since={schedule.paused} />
      </div>
    )
  }
  if (isPaused) return <div className={css["next"]}>Paused with the deployment</div>
  const shown = times.length > 0 ? times : schedule.next === null ? [] : [schedule.next]
  if (shown.length === 0) return <div className={css["next"]}>No more ticks</div>
  return (
    <div className={css["next"]}>
      {shown.map(time => (
        <time key={time} dateTime={time} title={exact(new Date(time))}>
          {tickLabel(time)}
        </time>
      ))}
    </div>
  )
}

const WEEK = 7 * 86_400_000

/** "Tue 06:00" within a week, "Dec 24, 06:00" later; in this place's time. */
function tickLabel(time: string): string {
  const date = new Date(time)
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false } as const
  if (date.getTime() - Date.now() < WEEK) return date.toLocaleString(undefined, { weekday: "short", ...clock })
  return date.toLocaleString(undefined, { day: "numeric", month: "short", ...clock })
}
