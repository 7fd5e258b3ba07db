import { useQuery } from "@tanstack/react-query"
import { CalendarDays } from "lucide-react"
import { useMemo } from "react"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import css from "./Deployments.module.css"
import { calendarOf, DAYS, horizon, EACH, type Line } from "./calendar"
import { deployments, upcoming } from "./queries"
import { When } from "./When"

/** What runs next: the ticks of all schedules in the next days. */
export function Page() {
  const until = horizon()
  const ticks = useQuery(upcoming(EACH, until))
  const every = useQuery(deployments())
  const calendar = useMemo(
    () => (ticks.data === undefined || every.data === undefined ? null : calendarOf(ticks.data, every.data)),
    [ticks.data, every.data],
  )
  const failure = ticks.error ?? every.error
  return (
    <>
      <PageHead title="Upcoming" about={`The ticks of all schedules in the next ${DAYS} days, in your time zone.`} />
      {calendar === null ? (
        failure === null ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Upcoming runs" error={failure} retry={() => Promise.all([ticks.refetch(), every.refetch()])} />
        )
      ) : calendar.days.length === 0 && calendar.often.length === 0 ? (
        <Empty
          icon={CalendarDays}
          title={`Nothing is scheduled for the next ${DAYS} days`}
          command={'my_flow.serve(name="nightly", cron="0 6 * * *")'}
        >
          A deployment with a schedule has its runs here:
        </Empty>
      ) : (
        <div className={css["days"]}>
          {calendar.often.length > 0 && (
            <section className={css["day"]}>
              <h2>Several times a day</h2>
              <ul className={[css["ticks"], css["often"]].join(" ")}>
                {calendar.often.map(line => (
                  <li key={line.key}>
                    <Names line={line} />
                    <Rule line={line} />
                    <Timestamp time={line.time} />
                  </li>
                ))}
              </ul>
            </section>
          )}
          {calendar.days.map(({ day, lines }) => (
            <section key={day} className={css["day"]}>
              <Day day={day} />
              <ul className={css["ticks"]}>
                {lines.map(line => (
                  <li key={line.key}>
                    <time dateTime={line.time} className={css["clock"]}>
                      {clock(line.time)}
                    </time>
                    <Names line={line} />
                    <Rule line={line} />
                    <Timestamp time={line.time} />
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      )}
    </>
  )
}

function Names({ line: { of } }: { line: Line }) {
  return (
    <span className={css["names"]}>
      <Link to={path("deployments", of.id)} className="cut">
        {of.name}
      </Link>
      <span className="cut faint">{of.flow_name}</span>
    </span>
  )
}

function Rule({ line: { schedule } }: { line: Line }) {
  return (
    <span className={["cut soft", css["rule"]].join(" ")}>
      {schedule !== undefined && <When schedule={schedule} />}
    </span>
  )
}

function Day({ day }: { day: string }) {
  const date = new Date(`${day}T00:00`)
  const today = new Date()
  const tomorrow = new Date(today)
  tomorrow.setDate(today.getDate() + 1)
  const near = date.toDateString() === today.toDateString() ? "Today" : "Tomorrow"
  const isNear = [today, tomorrow].some(each => each.toDateString() === date.toDateString())
  const name = date.toLocaleDateString(undefined, { weekday: "long" })
  return (
    <h2>
      {isNear ? near : name}
      <span className="faint">
        {isNear && `${name}, `}
        {date.toLocaleDateString(undefined, { day: "numeric", month: "long" })}
      </span>
    </h2>
  )
}

function clock(time: string): string {
  return new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false })
}
