import { Field } from "~/components/Field"
import { isDate, type FormField } from "~/lib/schemaForm"

interface Props {
  fields: readonly FormField[]
  texts: ReadonlyMap<string, string>
  errors: ReadonlyMap<string, string>
  onChange: (name: string, text: string) => void
}

/** Inputs for the fields of a schema. */
export function SchemaForm({ fields, texts, errors, onChange }: Props) {
  return fields.map(field => (
    <Field
      key={field.name}
      label={field.title}
      hint={field.hint}
      error={errors.get(field.name)}
      required={field.required}
    >
      {inputOf(field, texts.get(field.name) ?? field.initial, text => onChange(field.name, text))}
    </Field>
  ))
}

function inputOf(field: FormField, text: string, onChange: (text: string) => void) {
  switch (field.kind) {
    case "boolean":
      if (field.initial === "") {
        return (
          <select value={text} onChange={event => onChange(event.target.value)}>
            <option value="">Choose…</option>
            <option value="true">Yes</option>
            <option value="false">No</option>
          </select>
        )
      }
      return (
        <input
          type="checkbox"
          checked={text === "true"}
          onChange={event => onChange(event.target.checked ? "true" : "false")}
        />
      )
    case "choice":
      return (
        <select value={text} onChange={event => onChange(event.target.value)}>
          {!field.choices.includes(text) && <option value="">Choose…</option>}
          {field.choices.map(choice => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      )
    case "date":
      if (text !== "" && !isDate(text)) break // a browser shows nothing of what is no date
      return <input type="date" value={text} onChange={event => onChange(event.target.value)} />
    case "json":
    case "lines":
      return <textarea value={text} spellCheck={false} onChange={event => onChange(event.target.value)} />
  }
  return (
    <input
      type={field.kind === "secret" ? "password" : "text"}
      inputMode={field.kind === "integer" ? "numeric" : field.kind === "number" ? "decimal" : undefined}
      autoComplete={field.kind === "secret" ? "new-password" : "off"}
      spellCheck={false}
      value={text}
      onChange={event => onChange(event.target.value)}
    />
  )
}
