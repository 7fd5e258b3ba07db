import { useInfiniteQuery } from "@tanstack/react-query"
import { Webhook } from "lucide-react"
import type { Schemas } from "~/api/client"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { StateBadge, STATES, type StateType } from "~/components/State"
import { Tabs } from "~/components/Tabs"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import css from "./Admin.module.css"
import { Deliveries } from "./Deliveries"
import { Hooks } from "./Hooks"
import { events } from "./queries"

type Event = Schemas["EventModel"]

/** Events of runs, the hooks that receive them, and their deliveries. */
export function Page() {
  const address = useAddress()
  return (
    <div className={css["tall"]}>
      <PageHead title="Events" about="Events of runs, and the hooks that receive them." />
      <Tabs
        label="Events and hooks"
        value={address.one("tab") ?? "events"}
        onChange={tab => address.set({ tab: tab === "events" ? undefined : tab })}
        tabs={[
          { id: "events", label: "Events", content: <Events /> },
          { id: "hooks", label: "Hooks", content: <Hooks /> },
          { id: "deliveries", label: "Deliveries", content: <Deliveries /> },
        ]}
      />
    </div>
  )
}

function Events() {
  const address = useAddress()
  const query = useInfiniteQuery(events({ kind: address.one("kind"), flow: address.one("flow") }))
  return (
    <>
      <FilterBar>
        <TextFilter
          main
          label="Kind: flow-run.failed"
          value={address.one("kind")}
          onChange={kind => address.set({ kind })}
        />
        <TextFilter label="Flow" value={address.one("flow")} onChange={flow => address.set({ flow })} />
      </FilterBar>
      <QueryTable
        label="Events"
        query={query}
        columns={COLUMNS}
        rowId={event => event.id}
        href={runOf}
        empty={
          <Empty icon={Webhook} title="No event matches">
            Servers create events from the states of runs, a moment after they happen. Kinds are such as{" "}
            <code>flow-run.failed</code>, or <code>task-run.*</code> for all of them. Programs can emit their own
            events.
          </Empty>
        }
      />
    </>
  )
}

/** Where a row leads: to the run, or for what was emitted outside of runs to its kind. */
function runOf(event: Event): string {
  if (event.run_id === null) return `/events?kind=${encodeURIComponent(event.kind)}`
  const ofTask = event.kind.startsWith("task-run") || event.run["flow_run_id"] === null
  return path(ofTask ? "task-runs" : "flow-runs", event.run_id)
}

/** What an event is about: the run's name, or what an emitted event happened to. */
function nameOf(event: Event): string {
  const { resource, run } = event
  const id = resource["perdure.resource.id"] ?? resource["prefect.resource.id"]
  return textOf(run["name"]) ?? textOf(id) ?? event.run_id ?? "–"
}

const COLUMNS: readonly Column<Event>[] = [
  { id: "state", header: "State", width: "130px", cell: event => <StateBadge state={stateOf(event)} /> },
  {
    id: "run",
    header: "Run",
    width: "minmax(0, 1.6fr)",
    cell: event => <Link to={runOf(event)}>{nameOf(event)}</Link>,
  },
  {
    id: "kind",
    header: "Kind",
    width: "minmax(0, 1.1fr)",
    wide: true,
    cell: event => <span className="mono">{event.kind}</span>,
  },
  {
    id: "flow",
    header: "Flow",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: event =>
      event.flow_name === null ? (
        "–"
      ) : (
        <Link to={path("flows", event.flow_name)} className="soft">
          {event.flow_name}
        </Link>
      ),
  },
  {
    id: "message",
    header: "Message",
    width: "minmax(0, 1.6fr)",
    wide: true,
    cell: event => {
      const message = textOf(event.state["message"])
      return message === undefined ? <span className="faint">–</span> : <span title={message}>{message}</span>
    },
  },
  { id: "time", header: "When", width: "84px", align: "end", cell: event => <Timestamp time={event.time} /> },
]

function stateOf({ state }: Event) {
  const type = textOf(state["type"])
  if (type === undefined || !Object.hasOwn(STATES, type)) return null
  return { type: type as StateType, name: textOf(state["name"]) ?? type, message: textOf(state["message"]) ?? null }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}
