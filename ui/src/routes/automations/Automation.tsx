import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { Pause, Play, Trash2, TriangleAlert } from "lucide-react"
import { useState } from "react"
import { client, unwrap } from "~/api/client"
import { Button } from "~/components/Button"
import { Card, Tag } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { QueryTable, type Column } from "~/components/DataTable"
import { ConfirmDialog } from "~/components/Dialog"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { ChoiceFilter, FilterBar } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Tabs } from "~/components/Tabs"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useAddress, useParam } from "~/lib/address"
import { useBecause } from "~/lib/permissions"
import { Paused } from "../deployments/When"
import css from "./Automations.module.css"
import { OutcomeBadge, OUTCOMES } from "./Outcome"
import { automation, automationLog, usePause, type Automation, type LogEntry, type Outcome } from "./queries"
import { actionOf, didOf, restraintsOf, triggerOf, UNREADABLE, type Definition } from "./words"

/** One automation: what it says, and what it saw and did. */
export function Page() {
  const name = useParam("name")
  const { data, error, refetch } = useQuery(automation(name))
  if (data === undefined && error) return <Failure what="The automation" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  return <Shown of={data} />
}

function Shown({ of }: { of: Automation }) {
  const address = useAddress()
  const definition = JSON.stringify(of.definition, (_, value: unknown) => value ?? undefined, 2)
  return (
    <>
      <PageHead
        title={of.name}
        crumbs={[{ label: "Automations", to: "/automations" }]}
        about={<About of={of} />}
        actions={<Actions of={of} />}
      />
      {of.definition === null ? (
        <Empty title={UNREADABLE}>Update the server, or delete the automation and make it with this version.</Empty>
      ) : (
        <Said by={of.definition} />
      )}
      <Warnings of={of} />
      <Tabs
        label="Of this automation"
        value={address.one("view") ?? "log"}
        onChange={view => address.set({ view: view === "log" ? undefined : view })}
        tabs={[
          { id: "log", label: "Log", content: <Log of={of} /> },
          { id: "definition", label: "Definition", content: <CodeBlock code={definition} label="Definition" /> },
        ]}
      />
    </>
  )
}

/** What it names that is not there. */
function Warnings({ of }: { of: Automation }) {
  if (of.warnings.length === 0) return null
  return (
    <ul className={css["warnings"]} aria-label="Warnings">
      {of.warnings.map(text => (
        <li key={text}>
          <TriangleAlert size={14} aria-hidden /> {text}
        </li>
      ))}
    </ul>
  )
}

function Said({ by }: { by: Definition }) {
  return (
    <div className={css["halves"]}>
      <Card title="Waits for">
        <WaitsFor by={by} />
      </Card>
      <Card title="Does">
        <ul className={css["list"]}>
          {by.actions.map((action, index) => (
            <li key={index}>{actionOf(action)}</li>
          ))}
        </ul>
      </Card>
    </div>
  )
}

function WaitsFor({ by }: { by: Definition }) {
  const { trigger } = by
  const match = trigger.type === "file" ? {} : trigger.match
  return (
    <ul className={css["list"]}>
      <li>{triggerOf(trigger)}</li>
      {Object.entries(match).map(([field, texts]) => (
        <li key={field}>
          <span className="mono">{field}</span> is{" "}
          {(typeof texts === "string" ? [texts] : texts).map(text => (
            <Tag key={text}>{text}</Tag>
          ))}
        </li>
      ))}
      {restraintsOf(by).map(text => (
        <li key={text} className="soft">
          {text}
        </li>
      ))}
    </ul>
  )
}

function About({ of }: { of: Automation }) {
  return (
    <div className={css["about"]}>
      {of.definition?.description && <span>{of.definition.description}</span>}
      {of.paused !== null && <Paused since={of.paused} />}
      {of.due !== null && (
        <span>
          looks next <Timestamp time={of.due} />
        </span>
      )}
      <span>
        sees all events since <Timestamp time={of.since} />
      </span>
    </div>
  )
}

function Actions({ of }: { of: Automation }) {
  const [isAsked, setAsked] = useState(false)
  const write = useBecause("write")
  const admin = useBecause("admin")
  const pause = usePause(of)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const isPaused = of.paused !== null
  const remove = async () => {
    await unwrap(client.DELETE("/api/automations/{name}", { params: { path: { name: of.name } } }))
    done(`${of.name} is deleted`)
    await queries.invalidateQueries({ queryKey: ["automations"] })
    await navigate({ to: "/automations" })
  }
  return (
    <>
      <Button
        icon={isPaused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />}
        because={write}
        disabled={pause.isPending}
        onClick={() => pause.mutate(isPaused ? "resume" : "pause")}
      >
        {isPaused ? "Resume" : "Pause"}
      </Button>
      <Button look="danger" icon={<Trash2 size={13} aria-hidden />} because={admin} onClick={() => setAsked(true)}>
        Delete…
      </Button>
      <ConfirmDialog
        open={isAsked}
        onClose={() => setAsked(false)}
        title={`Delete ${of.name}?`}
        action="Delete the automation"
        danger
        onConfirm={remove}
      >
        <p>It is deleted with its log. What it has started stays.</p>
      </ConfirmDialog>
    </>
  )
}

function Log({ of }: { of: Automation }) {
  const address = useAddress()
  const chosen = address.all("outcome").filter((each): each is Outcome => Object.hasOwn(OUTCOMES, each))
  const query = useInfiniteQuery(automationLog(of.name, chosen))
  const choices = Object.entries(OUTCOMES).map(([value, { name }]) => ({ value, label: name }))
  return (
    <div className={css["log"]}>
      <FilterBar>
        <ChoiceFilter
          label="Outcome"
          choices={choices}
          value={chosen}
          onChange={outcome => address.set({ outcome: [...outcome] })}
        />
      </FilterBar>
      <QueryTable
        label="Log"
        query={query}
        columns={COLUMNS}
        rowId={entry => entry.id}
        empty={
          <Empty title="Nothing is in the log">
            Each event that it waits for is a line here, with what it did, or why it did nothing.
          </Empty>
        }
      />
    </div>
  )
}

const COLUMNS: readonly Column<LogEntry>[] = [
  { id: "outcome", header: "Outcome", width: "96px", cell: ({ outcome }) => <OutcomeBadge outcome={outcome} /> },
  {
    id: "event",
    header: "Event",
    width: "minmax(0, 1fr)",
    wide: true,
    cell: ({ event_kind: kind }) =>
      kind === null ? <span className="faint">By the time</span> : <span className="mono">{kind}</span>,
  },
  {
    id: "reason",
    header: "Why",
    width: "minmax(0, 1.6fr)",
    cell: ({ reason }) => <span title={reason}>{reason}</span>,
  },
  { id: "did", header: "Did", width: "minmax(0, 1.4fr)", wide: true, cell: entry => <Did entry={entry} /> },
  { id: "time", header: "When", width: "84px", align: "end", cell: ({ time }) => <Timestamp time={time} /> },
]

function Did({ entry }: { entry: LogEntry }) {
  if (!entry.is_done) return <span className="soft">About to…</span>
  if (entry.actions.length === 0) return <span className="faint">–</span>
  return (
    <>
      {entry.actions.map(didOf).map(({ text, run, error }, index) => (
        <span key={index}>
          {index > 0 && ", "}
          {error !== undefined ? (
            <span className={css["error"]} title={error}>
              {text}: {error}
            </span>
          ) : run !== undefined ? (
            <Link to={path("flow-runs", run)}>{text}</Link>
          ) : (
            text
          )}
        </span>
      ))}
    </>
  )
}
