import { useQuery } from "@tanstack/react-query"
import { lazy, Suspense } from "react"
import type { Schemas } from "~/api/client"
import { flowRun, taskRun } from "~/api/queries"
import { Card, Facts } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { FINAL } from "~/components/State"
import { Tabs } from "~/components/Tabs"
import { Bytes, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress, useParam } from "~/lib/address"
import { About } from "./About"
import { Logs } from "./Logs"
import { ancestors, resultOf, taskRunStates } from "./queries"
import css from "./Run.module.css"
import { RunAgain } from "./RunAgain"
import { Attempts } from "./Spent"
import { States } from "./States"
import { FailedRun } from "./WhatFailed"
import { Why } from "./Why"

const Artifacts = lazy(async () => ({ default: (await import("./Artifacts")).Artifacts }))

/** One task run. */
export function Page() {
  const id = useParam("id")
  const {
    data: run,
    error,
    refetch,
  } = useQuery({
    ...taskRun(id),
    refetchInterval: query => (FINAL.has(query.state.data?.state?.type ?? "PENDING") ? false : 1_500),
  })
  if (run === undefined && error) return <Failure what="The task run" error={error} retry={refetch} />
  if (run === undefined) return <Skeleton lines={8} />
  return <Shown run={run} />
}

function Shown({ run }: { run: Schemas["TaskRunModel"] }) {
  const address = useAddress()
  const live = !FINAL.has(run.state?.type ?? "PENDING")
  const caller = useQuery({ ...flowRun(run.flow_run_id ?? ""), enabled: run.flow_run_id !== null })
  const above = useQuery({ ...ancestors(run.flow_run_id ?? ""), enabled: run.flow_run_id !== null })
  const crumbs =
    run.flow_run_id === null
      ? [{ label: "Task runs", to: "/task-runs" }]
      : [
          { label: "Flow runs", to: "/flow-runs" },
          ...(above.data ?? []).map(each => ({ label: each.name, to: path("flow-runs", each.id) })),
          { label: caller.data?.name ?? "Flow run", to: path("flow-runs", run.flow_run_id) },
        ]
  const tabs = [
    { id: "details", label: "Details", content: <Details run={run} live={live} /> },
    { id: "why", label: "Why", content: <Why id={run.id} of="task-runs" /> },
    { id: "log", label: "Log", content: <Logs taskRunId={run.id} live={live} /> },
    {
      id: "artifacts",
      label: "Artifacts",
      content: (
        <Suspense fallback={<Skeleton />}>
          <Artifacts taskRunId={run.id} />
        </Suspense>
      ),
    },
  ]
  const about = (
    <About run={run}>
      <Attempts run={run} />
      <Link to={`/task-runs?task=${encodeURIComponent(run.task_name)}`}>task {run.task_name}</Link>
    </About>
  )
  return (
    <>
      <PageHead
        title={run.name}
        crumbs={crumbs}
        about={about}
        actions={caller.data && <RunAgain run={caller.data} step={run} />}
      />
      {(run.state?.type === "FAILED" || run.state?.type === "CRASHED") && (
        <FailedRun id={run.id} kind="task run" state={run.state} />
      )}
      <Tabs
        label="Of this run"
        tabs={tabs}
        value={address.one("view") ?? "details"}
        onChange={view => address.set({ view })}
      />
    </>
  )
}

function Details({ run, live }: { run: Schemas["TaskRunModel"]; live: boolean }) {
  const states = useQuery(taskRunStates(run.id, live))
  const { data: result } = useQuery(resultOf(run.id))
  return (
    <div className={css["columns"]}>
      <Card title="States">{states.data === undefined ? <Skeleton /> : <States states={states.data} />}</Card>
      <Card title="Result" aside={result && <Link to={path("results", run.id)}>Look at it</Link>}>
        {result == null ? (
          <p className="faint">{live ? "Not yet." : "It has none."}</p>
        ) : (
          <Facts
            facts={[
              [
                "Type",
                <span key="type" className="mono">
                  {result.type}
                </span>,
              ],
              ["Kind", result.kind],
              ["Size", <Bytes key="size" size={result.size} />],
              ["Key", result.storage_key === null ? "–" : <Copyable key="key" text={result.storage_key} />],
              ["Expires", <Timestamp key="expires" time={result.expires} />],
            ]}
          />
        )}
      </Card>
      <Card title="Facts">
        <Facts
          facts={[
            ["Id", <Copyable key="id" text={run.id} />],
            [
              "Task",
              <span key="task" className="mono">
                {run.task_key}
              </span>,
            ],
            ["Created", <Timestamp key="created" time={run.created} />],
            ["Attempts", String(run.run_count)],
          ]}
        />
      </Card>
    </div>
  )
}
