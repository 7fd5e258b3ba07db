import type { Schemas } from "~/api/client"
import { Card } from "~/components/Card"
import { Link, path } from "~/components/Link"
import { duration } from "~/lib/format"
import css from "./Overview.module.css"

/** Which flows fail, and which take long. */
export function Flows({ found }: { found: Schemas["Overview"] }) {
  const longest = Math.max(0, ...found.slowest.map(flow => flow.mean_seconds ?? 0))
  return (
    <>
      <Card title="Fail most" flush>
        {ranked(
          found.most_failing.map(flow => ({
            name: flow.flow,
            part: flow.failed / flow.runs,
            says: `${flow.failed.toLocaleString()} of ${flow.runs.toLocaleString()}`,
            color: "var(--failed)",
          })),
          "No flow has failed in this time.",
        )}
      </Card>
      <Card title="Take longest" flush>
        {ranked(
          found.slowest.map(flow => ({
            name: flow.flow,
            part: (flow.mean_seconds ?? 0) / longest,
            says: duration((flow.mean_seconds ?? 0) * 1_000),
            color: "var(--accent)",
          })),
          "No flow has ended in this time.",
        )}
      </Card>
    </>
  )
}

interface Ranked {
  name: string
  /** Of the longest bar, 0 to 1. */
  part: number
  says: string
  color: string
}

function ranked(flows: readonly Ranked[], empty: string) {
  if (flows.length === 0) return <p className={css["empty"]}>{empty}</p>
  return (
    <ol className={css["ranked"]}>
      {flows.slice(0, 5).map(flow => (
        <li key={flow.name}>
          <Link to={path("flows", flow.name)} className="cut">
            {flow.name}
          </Link>
          <span className={css["says"]}>{flow.says}</span>
          <span className={css["track"]} aria-hidden>
            <span style={{ width: `${Math.max(1, flow.part * 100)}%`, background: flow.color }} />
          </span>
        </li>
      ))}
    </ol>
  )
}
