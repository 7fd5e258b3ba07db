import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { CalendarClock, Pause, Play, Trash2, Undo2 } from "lucide-react"
import { useState } from "react"
import { client, unwrap } from "~/api/client"
import { Button } from "~/components/Button"
import { Card, Facts, Tag } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { ConfirmDialog } from "~/components/Dialog"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Tabs } from "~/components/Tabs"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useAddress, useParam } from "~/lib/address"
import { count, short } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import css from "./Deployments.module.css"
import { Outcomes, Runs } from "./Runs"
import { Parameters } from "./Parameters"
import { deployment, deploymentRuns, fullName, type Details } from "./queries"
import { RollBack } from "./RollBack"
import { RunNow } from "./RunNow"
import { Schedules } from "./Schedules"
import { usePause } from "./usePause"
import { NotServed, Paused } from "./When"

const FEW = 100 // runs; more are asked for by those who want them

/** One deployment: when it runs, how its runs went, and what they are given. */
export function Page() {
  const id = useParam("id")
  const { data, error, refetch } = useQuery(deployment(id))
  if (data === undefined && error) return <Failure what="The deployment" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  return <Shown of={data} />
}

function Shown({ of }: { of: Details }) {
  const address = useAddress()
  const [limit, setLimit] = useState(FEW)
  const runs = useQuery(deploymentRuns(of.id, limit))
  const tabs = [
    { id: "runs", label: "Runs", content: <Runs query={runs} more={() => setLimit(10 * limit)} limit={limit} /> },
    { id: "definition", label: "Definition", content: <Definition of={of} /> },
  ]
  return (
    <>
      <PageHead
        title={fullName(of)}
        crumbs={[
          { label: "Deployments", to: "/deployments" },
          { label: of.flow_name, to: path("flows", of.flow_name) },
        ]}
        about={
          <>
            {of.description !== null && <p className={css["description"]}>{of.description}</p>}
            <About of={of} />
          </>
        }
        actions={<Actions of={of} />}
      />
      <div className={css["halves"]}>
        <Card title="Outcomes">{runs.data === undefined ? <Skeleton lines={5} /> : <Outcomes runs={runs.data} />}</Card>
        <Schedules of={of} />
      </div>
      <Tabs
        label="Of this deployment"
        tabs={tabs}
        value={address.one("view") ?? "runs"}
        onChange={view => address.set({ view: view === "runs" ? undefined : view })}
      />
    </>
  )
}

function About({ of }: { of: Details }) {
  return (
    <div className={css["about"]}>
      {of.paused !== null ? (
        <Paused since={of.paused} />
      ) : of.served === false ? (
        <>
          <NotServed />
          <span>its schedules wait for its program to be started again</span>
        </>
      ) : (
        of.next !== null && (
          <span>
            next run <Timestamp time={of.next} />
          </span>
        )
      )}
      <Link to="/workers">
        work pool {of.work_pool}
        {of.work_queue !== null && `, queue ${of.work_queue}`}
      </Link>
      {of.waiting_since !== null && (
        <span>
          {count(of.waiting, "scheduled run waits", "scheduled runs wait")}, the first due{" "}
          <Timestamp time={of.waiting_since} />
        </span>
      )}
      <span>version {of.version}</span>
      {of.tags.map(tag => (
        <Tag key={tag}>{tag}</Tag>
      ))}
      <Copyable text={of.id} shown={short(of.id)} />
    </div>
  )
}

function Actions({ of }: { of: Details }) {
  const [asked, setAsked] = useState<"run" | "delete" | null>(null)
  const write = useBecause("write")
  const admin = useBecause("admin")
  const pause = usePause(of)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const isPaused = of.paused !== null
  const remove = async () => {
    await unwrap(client.DELETE("/api/deployments/{id}", { params: { path: { id: of.id } } }))
    done(`${fullName(of)} is deleted`)
    await queries.invalidateQueries({ queryKey: ["deployments"] })
    await navigate({ to: "/deployments" })
  }
  return (
    <>
      <Button look="primary" icon={<Play size={13} aria-hidden />} because={write} onClick={() => setAsked("run")}>
        Run now…
      </Button>
      {of.schedules.length > 0 && (
        <Button
          icon={isPaused ? <CalendarClock size={13} aria-hidden /> : <Pause size={13} aria-hidden />}
          because={write}
          disabled={pause.isPending}
          onClick={() => pause.mutate({ action: isPaused ? "resume" : "pause" })}
        >
          {isPaused ? "Resume" : "Pause"}
        </Button>
      )}
      <Button look="danger" icon={<Trash2 size={13} aria-hidden />} because={admin} onClick={() => setAsked("delete")}>
        Delete…
      </Button>
      {asked === "run" && <RunNow of={of} onClose={() => setAsked(null)} />}
      <ConfirmDialog
        open={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${fullName(of)}?`}
        action="Delete the deployment"
        danger
        onConfirm={remove}
      >
        <p>It is deleted with its schedules. Runs that have not begun are cancelled; all others stay.</p>
      </ConfirmDialog>
    </>
  )
}

function Definition({ of }: { of: Details }) {
  const [back, setBack] = useState<number | null>(null)
  const write = useBecause("write")
  const newest = of.versions.find(each => each.number === of.version)
  return (
    <div className={css["columns"]}>
      <Card title="Parameters">
        <Parameters of={of} />
      </Card>
      <Card title="Versions" flush>
        <ul className={css["versions"]}>
          {of.versions.map(each => (
            <li key={each.number}>
              <span>
                <strong>Version {each.number}</strong>{" "}
                <span className="faint">
                  <Timestamp time={each.created} />
                </span>
              </span>
              {each.same_as !== newest?.same_as && (
                <Button
                  look="quiet"
                  icon={<Undo2 size={12} aria-hidden />}
                  because={write}
                  aria-label={`Roll back to version ${each.number}`}
                  onClick={() => setBack(each.number)}
                >
                  Roll back…
                </Button>
              )}
              <p className="faint">
                {each.number === of.version && "In use. "}
                Deployed by {each.created_by}
                {each.same_as !== each.number && `, as version ${each.same_as} again`}
              </p>
              {each.code !== null && <p className="faint">Code: {each.code}</p>}
            </li>
          ))}
        </ul>
        {back !== null && <RollBack of={of} version={back} onClose={() => setBack(null)} />}
      </Card>
      <Card title="Facts">
        <Facts
          facts={[
            ["Id", <Copyable key="id" text={of.id} />],
            ["Code", <Copyable key="code" text={of.entry_point["target"] ?? "–"} />],
            ["Work pool", of.work_pool],
            ["Work queue", of.work_queue ?? "–"],
            ["Priority", String(of.priority)],
            ["At once", of.concurrency_limit === null ? "Any number of runs" : `At most ${of.concurrency_limit}`],
            ["If that many run", OVERLAPS[of.overlap] ?? of.overlap],
            ["Partitions", of.partitions === null ? "–" : partitionsOf(of.partitions)],
            ["Created", <Timestamp key="created" time={of.created} />],
            ["Changed", <Timestamp key="updated" time={of.updated} />],
          ]}
        />
      </Card>
    </div>
  )
}

const OVERLAPS: Record<string, string> = {
  queue: "A run that is due waits",
  skip: "A run that is due is skipped",
  queue_one: "One waits, later ones are skipped",
  cancel_running: "Those that run are cancelled",
}

function partitionsOf(partitions: Record<string, unknown>): string {
  const { keys, every, start, first, second } = partitions
  if (Array.isArray(keys)) return keys.join(", ")
  if (typeof every === "string" && typeof start === "string") return `Each ${every} since ${start.slice(0, 10)}`
  return [first, second].map(each => partitionsOf((each ?? {}) as Record<string, unknown>)).join(" × ")
}
