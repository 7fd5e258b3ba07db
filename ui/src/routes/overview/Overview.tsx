import { useQuery } from "@tanstack/react-query"
import { Play } from "lucide-react"
import { Card } from "~/components/Card"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link } from "~/components/Link"
import { RunLines } from "~/components/RunLines"
import { Segments } from "~/components/Segments"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { SPAN_NAMES, isSpan, rangeOf, stepsOf, type SpanName } from "~/lib/span"
import { Flows } from "./Flows"
import css from "./Overview.module.css"
import { FailureTable } from "~/routes/runs/FailureTable"
import { failures } from "~/routes/runs/queries"
import { overviewOf, waitingRuns } from "./queries"
import { Runs } from "./Runs"
import { Storage } from "./Storage"

const WORDS: Record<SpanName, string> = { "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days" }

/** What runs, what happened. */
export function Page() {
  const address = useAddress()
  const chosen = address.one("span")
  const span = isSpan(chosen) ? chosen : "24h"
  const query = useQuery(overviewOf(span))
  const waiting = useQuery(waitingRuns())
  const failing = useQuery(failures(rangeOf(span)))
  // Together, so that nothing moves once it is there.
  const found = waiting.isPending || failing.isPending ? undefined : query.data
  const head = (
    <PageHead
      title="Overview"
      actions={
        <Segments
          label="Time"
          choices={SPAN_NAMES.map(name => ({ value: name, label: WORDS[name] }))}
          value={span}
          onChange={next => address.set({ span: next === "24h" ? undefined : next })}
        />
      }
    />
  )
  if (query.isError && query.data === undefined) {
    return (
      <>
        {head}
        <Failure what="The overview" error={query.error} retry={query.refetch} />
      </>
    )
  }
  const isNew = found !== undefined && found.steps.length + found.running.length + found.failed.length === 0
  // As many lines as the cards beside it have; the head of the second one is as high as a line.
  const lines =
    Math.min(found?.running.length ?? 0, 6) + (waiting.data?.items.length ? waiting.data.items.length + 1 : 0)
  return (
    <>
      {head}
      <div className={css["grid"]}>
        <div className={css["whole"]}>
          <Runs span={span} steps={stepsOf(span)} found={found?.steps} />
        </div>
        {found === undefined ? (
          <div className={css["whole"]}>
            <Skeleton lines={12} />
          </div>
        ) : isNew ? (
          <div className={css["whole"]}>
            <Empty
              icon={Play}
              title={`No flow has run in the last ${WORDS[span]}`}
              command={`PERDURE_API_URL=${location.origin} python my_flow.py`}
            >
              Runs appear here as they begin.
            </Empty>
          </div>
        ) : (
          <>
            <div className={css["stack"]}>
              <Card title="Running now" aside={<More to="/flow-runs?state=RUNNING&outermost=true" />} flush>
                <RunLines runs={found.running.slice(0, 6)} time="took" empty="Nothing runs now." />
              </Card>
              {waiting.data !== undefined && waiting.data.items.length > 0 && (
                <Card title="Waiting for somebody" aside={<More to="/flow-runs?state=PAUSED" />} flush>
                  <RunLines runs={waiting.data.items} time="ago" empty="" />
                </Card>
              )}
            </div>
            <Card
              title="Last failures"
              aside={<More to="/flow-runs?state=FAILED&state=CRASHED&outermost=true" />}
              flush
            >
              <RunLines
                runs={found.failed.slice(0, Math.max(6, lines))}
                time="ago"
                under="message"
                empty="No run has failed."
              />
            </Card>
            {failing.data !== undefined && failing.data.groups.length > 0 && (
              <div className={css["whole"]}>
                <Card title="Failures by exception" aside={<More to={`/failures?created=${span}`} />} flush>
                  <FailureTable created={span} most={5} />
                </Card>
              </div>
            )}
            <Flows found={found} />
            <Storage span={span} />
          </>
        )}
      </div>
    </>
  )
}

function More({ to }: { to: string }) {
  return (
    <Link to={to} className={css["more"]}>
      All
    </Link>
  )
}
