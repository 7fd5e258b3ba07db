import { useQuery } from "@tanstack/react-query"
import { CalendarClock } from "lucide-react"
import type { ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { Card, Facts, Tag } from "~/components/Card"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { duration } from "~/lib/format"
import { workers } from "~/routes/deployments/queries"
import { origin } from "./queries"
import css from "./Run.module.css"

type FlowRun = Schemas["FlowRunModel"]

/** The deployment that a run came from, and the slice of data that it is about. */
export function Origin({ run }: { run: FlowRun }) {
  const { data } = useQuery(origin(run.id))
  if (data == null) return null
  return (
    <>
      <Link to={path("deployments", data.deployment_id)} className={css["origin"]} title="The deployment it came from">
        <CalendarClock size={13} aria-hidden />
        {run.flow_name}/{data.deployment_name}
      </Link>
      {data.partition !== null && <Tag>{data.partition}</Tag>}
      {run.started === null && (
        <span>
          due <Timestamp time={data.due} />
        </span>
      )}
    </>
  )
}

/** The same in full; nothing for a run that was called. */
export function OriginCard({ run }: { run: FlowRun }) {
  const { data } = useQuery({ ...origin(run.id), enabled: run.parent_flow_run_id === null })
  const all = useQuery({ ...workers(), enabled: data?.worker_id != null })
  if (data == null) return null
  const worker = all.data?.find(each => each.id === data.worker_id)
  return (
    <Card title="Deployment">
      <Facts
        facts={[
          ...factsOf(run, data),
          ["Worker", worker ? <Link key="worker" to="/workers">{`${worker.name} on ${worker.host}`}</Link> : "–"],
        ]}
      />
    </Card>
  )
}

function factsOf(run: FlowRun, from: Schemas["OriginModel"]): [string, ReactNode][] {
  const late = run.started === null ? null : Math.max(0, Date.parse(run.started) - Date.parse(from.due))
  return [
    [
      "Name",
      <Link key="deployment" to={path("deployments", from.deployment_id)}>
        {run.flow_name}/{from.deployment_name}
      </Link>,
    ],
    ["Version", String(from.version)],
    ["Due", <Timestamp key="due" time={from.due} />],
    ["Late by", late === null ? "–" : duration(late)],
    ["Schedule", from.schedule ?? "Started by hand"],
    ["Partition", from.partition ?? "–"],
    ["Work pool", from.work_queue === null ? from.work_pool : `${from.work_pool}, queue ${from.work_queue}`],
  ]
}
