import { useQuery } from "@tanstack/react-query"
import { Bars } from "~/components/Bars"
import { Card } from "~/components/Card"
import { Failure } from "~/components/Feedback"
import { Link } from "~/components/Link"
import { bytes, count } from "~/lib/format"
import { byStep, SPANS, stepLabel, stepLabels, stepsOf, type SpanName } from "~/lib/span"
import css from "./Overview.module.css"
import { storageOf, totals } from "./queries"

/** What persisted results take, and how that grows. */
export function Storage({ span }: { span: SpanName }) {
  const query = useQuery(storageOf(span))
  const all = useQuery(totals())
  const steps = stepsOf(span)
  if (query.isError && query.data === undefined) {
    return <Failure what="Size of results" error={query.error} retry={query.refetch} />
  }
  const found = query.data?.steps ?? []
  const size = found.reduce((sum, step) => sum + step.size, 0)
  const results = found.reduce((sum, step) => sum + step.results, 0)
  const bars = byStep(found, steps).map((step, index) => ({
    title: [
      stepLabel(new Date(steps.since.getTime() + index * steps.length), span),
      step === undefined ? "no results" : `${bytes(step.size)} in ${count(step.results, "result")}`,
    ].join("\n"),
    parts: step === undefined ? [] : [{ value: step.size, color: "var(--accent)" }],
  }))
  return (
    <div className={css["whole"]}>
      <Card>
        <div className={css["totals"]}>
          <Link to="/results?kind=persisted" className={css["total"]}>
            <strong>{all.data === undefined ? "–" : bytes(all.data.size)}</strong>
            <span className="soft">
              in {all.data === undefined ? "…" : count(all.data.results, "persisted result")}
              {all.data?.is_complete === false && ", still counting"}
            </span>
          </Link>
          {all.data?.storages.slice(0, 3).map(storage => (
            <span key={storage.storage_id} className={css["part"]}>
              {bytes(storage.size)} <span className="soft cut">{storage.name ?? "local files"}</span>
            </span>
          ))}
          <Link to="/storage" className={css["part"]}>
            By flow, task or type
          </Link>
          <span className={css["part"]}>
            +{bytes(size)} <span className="soft">{SPANS[span].label.toLowerCase()}</span>
          </span>
        </div>
        <Bars
          label={`Size of new results over time: ${bytes(size)} in ${count(results, "result")}`}
          bars={bars}
          height={84}
          ticks={stepLabels(steps, span)}
          format={bytes}
        />
      </Card>
    </div>
  )
}
