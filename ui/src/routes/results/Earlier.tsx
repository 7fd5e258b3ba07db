import { useInfiniteQuery } from "@tanstack/react-query"
import type { Schemas } from "~/api/client"
import { results } from "~/api/queries"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { inWords, previewOf } from "./preview"
import css from "./Earlier.module.css"

const SHOWN = 8

/** Other results of the same task or flow, the newest first, each a link to a comparison. */
export function Earlier({ id, run }: { id: string; run: Schemas["RunName"] }) {
  const query = useInfiniteQuery(results(run.kind === "task run" ? { task: run.of } : { flow: run.of, of_task: false }))
  if (query.data === undefined && query.error)
    return <Failure what="Other results" error={query.error} retry={query.refetch} />
  if (query.data === undefined) return <Skeleton />
  const others = query.data.pages
    .flatMap(page => page.items)
    .filter(each => each.run_id !== id && each.run?.of === run.of)
    .slice(0, SHOWN)
  if (others.length === 0) return <p className="faint">There is no other result of {run.of}.</p>
  return (
    <ul className={css["list"]}>
      {others.map(each => (
        <li key={each.run_id}>
          <Link to={path("results", each.run_id, "compare", id)} className="cut">
            {each.run?.flow_run_name ?? each.run?.name}
          </Link>
          <span className="faint cut">{inWords(previewOf(each.preview), each.value)}</span>
          <span className="faint">
            <Timestamp time={each.created} />
          </span>
        </li>
      ))}
    </ul>
  )
}
