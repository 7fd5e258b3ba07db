import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { ListFilter } from "lucide-react"
import type { Schemas } from "~/api/client"
import { flowRuns } from "~/api/queries"
import { Bars } from "~/components/Bars"
import { ButtonLink } from "~/components/Button"
import { Card } from "~/components/Card"
import { QueryTable } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Figure, Figures } from "~/components/Figures"
import { path } from "~/components/Link"
import { STATES } from "~/components/State"
import { Tabs } from "~/components/Tabs"
import { PageHead } from "~/layout/PageHead"
import { useAddress, useParam } from "~/lib/address"
import { count, duration } from "~/lib/format"
import { stepsOf } from "~/lib/span"
import { summary } from "~/lib/statistics"
import { Runs } from "../overview/Runs"
import { NewestSource } from "../run/Source"
import { FailureTable } from "../runs/FailureTable"
import { compactRun, FLOW_RUN_COLUMNS } from "../runs/FlowRuns"
import css from "./Flow.module.css"
import { Matrix } from "./Matrix"
import { flowOf, newestRuns } from "./queries"
import { Results } from "./Results"
import { Watch } from "./Watch"

const SHOWN = 40
const SPAN = "7d"

/** One flow: how its runs went, and what they gave. */
export function Page() {
  const name = useParam("name")
  const address = useAddress()
  const newest = useQuery(newestRuns(name, SHOWN))
  const all = useInfiniteQuery(flowRuns({ flow: name }))
  const runs = newest.data?.items
  return (
    <>
      <PageHead
        title={name}
        crumbs={[{ label: "Flows", to: "/flows" }]}
        actions={
          <>
            <ButtonLink to={`/flow-runs?flow=${encodeURIComponent(name)}`}>
              <ListFilter size={14} aria-hidden /> Filter its runs
            </ButtonLink>
            <Watch flow={name} />
          </>
        }
      />
      {newest.isError && runs === undefined ? (
        <Failure what="The flow’s runs" error={newest.error} retry={newest.refetch} />
      ) : (
        runs?.length !== 0 && (
          <div className={css["charts"]}>
            <OverTime flow={name} />
            <Card>
              <div className={css["history"]}>
                {runs === undefined ? <Skeleton lines={6} /> : <History runs={runs} />}
              </div>
            </Card>
          </div>
        )
      )}
      <div className={css["views"]}>
        <Tabs
          label="What belongs to the flow"
          value={address.one("tab") ?? "runs"}
          onChange={tab => address.set({ tab: tab === "runs" ? undefined : tab })}
          tabs={[
            {
              id: "runs",
              label: "Runs",
              content: (
                <div className={css["table"]}>
                  <QueryTable
                    label="Runs"
                    query={all}
                    columns={FLOW_RUN_COLUMNS.filter(column => column.id !== "flow")}
                    compact={compactRun}
                    rowId={run => run.id}
                    href={run => path("flow-runs", run.id)}
                    empty={<Empty title="No run of this flow is known">It may have been deleted, or never run.</Empty>}
                  />
                </div>
              ),
            },
            { id: "matrix", label: "Matrix", content: <Matrix flow={name} /> },
            {
              id: "failures",
              label: "Failures",
              content: (
                <div className={css["table"]}>
                  <FailureTable flow={name} />
                </div>
              ),
            },
            { id: "results", label: "Last results", content: <Results flow={name} /> },
            ...(runs?.[0] === undefined
              ? []
              : [{ id: "source", label: "Source", content: <NewestSource flowRunId={runs[0].id} /> }]),
          ]}
        />
      </div>
    </>
  )
}

/** Its runs over time, by state. */
function OverTime({ flow }: { flow: string }) {
  const { data } = useQuery(flowOf(flow, SPAN))
  return <Runs span={SPAN} steps={stepsOf(SPAN)} found={data?.steps} flow={flow} />
}

const ONCE = "Of runs that completed in one go: not those that were paused, suspended, resumed or retried"

/** The newest runs, a bar each: how long they took, in the colours of their states. */
function History({ runs }: { runs: readonly Schemas["FlowRunModel"][] }) {
  const { ended, completed, median, slow } = summary(runs)
  const oldestFirst = [...runs].reverse()
  const bars = oldestFirst.map(run => {
    const { word, color } = STATES[run.state?.type ?? "PENDING"]
    const ms = (run.duration_seconds ?? 0) * 1_000
    return {
      title: [
        run.name,
        `${run.state?.name ?? word}, ${duration(ms)}${run.run_count > 1 ? " with waits" : ""}`,
        new Date(run.created).toLocaleString(),
      ].join("\n"),
      parts: [{ value: Math.max(ms, 0.1), color }],
      to: path("flow-runs", run.id),
    }
  })
  const missing = Math.max(0, 24 - bars.length)
  return (
    <>
      <Figures>
        <Figure name="Completed" value={ended === 0 ? "–" : `${Math.round((100 * completed) / ended)}%`}>
          of the last {ended.toLocaleString()}
        </Figure>
        <Figure name="Median time" title={ONCE} value={median === null ? "–" : duration(median)} />
        <Figure name="95 of 100 take at most" title={ONCE} value={slow === null ? "–" : duration(slow)} />
      </Figures>
      <Bars
        label={`How long the newest ${count(runs.length, "run")} took; ${completed} of ${ended} completed`}
        bars={[...Array.from({ length: missing }, () => ({ title: "", parts: [] })), ...bars]}
        height={110}
        from={missing > 0 ? "" : new Date(oldestFirst[0]?.created ?? 0).toLocaleDateString()}
        until="newest"
        format={duration}
      />
    </>
  )
}
