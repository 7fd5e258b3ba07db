import { useQuery } from "@tanstack/react-query"
import { ChevronDown, ChevronRight } from "lucide-react"
import { useState } from "react"
import type { Schemas } from "~/api/client"
import { CodeBlock } from "~/components/Code"
import { Link, path } from "~/components/Link"
import { reproduction } from "./queries"
import css from "./Given.module.css"

type Argument = Schemas["GivenModel"]

/** What a failed run was given, and the Python that calls its function with that again. */
export function Given({ id, kind }: Pick<Schemas["RunName"], "id" | "kind">) {
  const { data } = useQuery(reproduction(id, kind === "flow run" ? "flow-runs" : "task-runs"))
  const [isOpen, setOpen] = useState(false)
  if (data === undefined || data.arguments.length === 0) return null
  return (
    <section className={css["given"]} aria-label="What it was given">
      <dl className={css["arguments"]}>
        {data.arguments.map(each => (
          <div key={each.name}>
            <dt>
              <code>{each.name}</code>
            </dt>
            <dd>
              <Value argument={each} />
            </dd>
          </div>
        ))}
      </dl>
      <button type="button" className={css["toggle"]} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />}
        Call it again in Python
      </button>
      {isOpen && (
        <>
          <CodeBlock code={data.python} label="Python" />
          <p className="faint">
            {data.is_whole
              ? "It calls the function alone: nothing of it is recorded, cached or retried. "
              : "Write what is not kept, or hidden, in place of the dots. "}
            Dates, paths and the like are text here.
          </p>
        </>
      )}
    </section>
  )
}

function Value({ argument: { shown, source_id: source } }: { argument: Argument }) {
  const text = shown ?? "not kept"
  if (source !== null) {
    return (
      <Link to={path("results", source)} className="mono cut" title={text}>
        {unquoted(text)}
      </Link>
    )
  }
  return (
    <span className={[shown === null ? "faint" : "mono", "cut"].join(" ")} title={text}>
      {unquoted(text)}
    </span>
  )
}

/** Text that stands for something without a form in JSON, such as "<numpy.ndarray float32 24>", without its quotes. */
function unquoted(text: string): string {
  return /^"<.*>"$/.test(text) ? text.slice(1, -1) : text
}
