import { useMemo } from "react"
import { fieldsOf, type FormField } from "~/lib/schemaForm"
import css from "./Deployments.module.css"
import type { Details } from "./queries"

/** What its runs are given, unless somebody says otherwise. */
export function Parameters({ of }: { of: Details }) {
  const fields = useMemo(() => fieldsOf(of.parameter_schema, of.parameters), [of.parameter_schema, of.parameters])
  if (fields.length === 0) return <p className="faint">The flow takes no parameters.</p>
  return (
    <dl className={css["parameters"]}>
      {fields.map(field => (
        <div key={field.name}>
          <dt className="mono">{field.name}</dt>
          <dd>
            <Value field={field} isSet={Object.hasOwn(of.parameters, field.name)} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Value({ field, isSet }: { field: FormField; isSet: boolean }) {
  if (field.initial === "") {
    return <span className="faint">{field.required && !isSet ? "Asked for: it has no default" : "None"}</span>
  }
  return (
    <>
      <pre>{field.initial}</pre>
      {!isSet && <span className="faint">The flow’s default</span>}
    </>
  )
}
