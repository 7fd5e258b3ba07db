import { useMutation, useQueryClient } from "@tanstack/react-query"
import { useMemo, useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { messageOf } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { SchemaForm } from "~/components/SchemaForm"
import { done } from "~/components/Toast"
import { fieldsOf, read } from "~/lib/schemaForm"

interface Props {
  /** The one to change; null to make one. */
  block: Schemas["BlockModel"] | null
  types: readonly Schemas["BlockTypeModel"][]
  onClose: () => void
}

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/

/** A form for a block, from its type's schema. */
export function BlockDialog({ block, types, onClose }: Props) {
  const queries = useQueryClient()
  const [type, setType] = useState(block?.type ?? types.find(each => each.type === "local-file-system")?.type ?? "")
  const [name, setName] = useState(block?.name ?? "")
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map())
  const [tried, setTried] = useState(false)
  const kind = types.find(each => each.type === type)
  const fields = useMemo(() => {
    const known = fieldsOf(kind?.fields_schema ?? {}, block?.fields)
    return known.map(field => (isKept(block, field) ? { ...field, hint: KEPT } : field))
  }, [kind, block])
  const { values, errors } = read(fields, texts)
  const wrongName = NAME.test(name) ? undefined : "Small letters, digits and single dashes between them."
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        client.PUT("/api/blocks/{type}/{name}", {
          params: { path: { type, name }, query: { overwrite: block !== null } },
          body: { fields: values },
        }),
      ),
    onSuccess: async saved => {
      done(`Saved ${saved.slug}.`)
      await queries.invalidateQueries({ queryKey: ["blocks"] })
      onClose()
    },
  })
  const submit = () => {
    setTried(true)
    if (errors.size === 0 && wrongName === undefined) save.mutate()
  }
  return (
    <FormDialog
      title={block === null ? "New block" : `Edit ${block.slug}`}
      action="Save"
      ready={!save.isPending}
      onSubmit={submit}
      onClose={onClose}
      problem={save.error ? messageOf(save.error) : undefined}
    >
      {block === null && (
        <>
          <Field label="Type" hint={kind?.description.split("\n\n")[0]}>
            <select
              value={type}
              onChange={event => {
                setType(event.target.value)
                setTexts(new Map())
                setTried(false)
              }}
            >
              {types.map(each => (
                <option key={each.type} value={each.type}>
                  {each.title}
                </option>
              ))}
            </select>
          </Field>
          <Field
            label="Name"
            required
            hint={`Code says “${type}/${name || "name"}”.`}
            error={tried ? wrongName : undefined}
          >
            <input value={name} autoComplete="off" spellCheck={false} onChange={event => setName(event.target.value)} />
          </Field>
        </>
      )}
      <SchemaForm
        fields={fields}
        texts={texts}
        errors={tried ? errors : NONE}
        onChange={(field, text) => setTexts(new Map(texts).set(field, text))}
      />
    </FormDialog>
  )
}

const NONE: ReadonlyMap<string, string> = new Map()
const KEPT = "A secret is set, and is never shown. Enter it again: if this stays empty, it is removed."

/** Whether a secret is set. What is saved takes the place of all that was there. */
function isKept(block: Props["block"], field: { name: string; kind: string }): boolean {
  return field.kind === "secret" && block?.fields[field.name] != null
}
