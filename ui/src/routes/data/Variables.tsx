import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { Pencil, Plus, Trash2, Variable } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button, IconButton } from "~/components/Button"
import { DataTable, type Column } from "~/components/DataTable"
import { ConfirmDialog } from "~/components/Dialog"
import { Empty, Failure, messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useBecause } from "~/lib/permissions"

type Shared = Schemas["VariableModel"]

/** Values that flows share by name. */
export function Page() {
  const { data, error, refetch } = useQuery({
    queryKey: ["variables"],
    queryFn: () => unwrap(client.GET("/api/variables")),
  })
  const [edited, setEdited] = useState<Shared | "new" | null>(null)
  const [deleting, setDeleting] = useState<Shared | null>(null)
  const queries = useQueryClient()
  const because = useBecause("write")
  const columns: Column<Shared>[] = [
    {
      id: "name",
      header: "Name",
      width: "minmax(0, 1fr)",
      value: each => each.name,
      cell: each => <code>{each.name}</code>,
    },
    {
      id: "value",
      header: "Value",
      width: "minmax(0, 2fr)",
      cell: each => <span className="mono soft">{JSON.stringify(each.value)}</span>,
    },
    {
      id: "updated",
      header: "Changed",
      width: "92px",
      align: "end",
      wide: true,
      value: each => each.updated,
      cell: each => <Timestamp time={each.updated} />,
    },
    {
      id: "actions",
      header: "",
      width: "68px",
      align: "end",
      cell: each => (
        <>
          <IconButton label={`Edit ${each.name}`} disabled={because !== undefined} onClick={() => setEdited(each)}>
            <Pencil size={13} aria-hidden />
          </IconButton>
          <IconButton label={`Delete ${each.name}`} disabled={because !== undefined} onClick={() => setDeleting(each)}>
            <Trash2 size={13} aria-hidden />
          </IconButton>
        </>
      ),
    },
  ]
  const remove = async () => {
    if (deleting === null) return
    await unwrap(client.DELETE("/api/variables/{name}", { params: { path: { name: deleting.name } } }))
    done(`${deleting.name} is deleted`)
    await queries.invalidateQueries({ queryKey: ["variables"] })
  }
  return (
    <>
      <PageHead
        title="Variables"
        about="Values that flows share by name. Not for secrets: those belong in blocks."
        actions={
          <Button
            look="primary"
            icon={<Plus size={13} aria-hidden />}
            because={because}
            onClick={() => setEdited("new")}
          >
            New variable
          </Button>
        }
      />
      {data === undefined && error && <Failure what="Variables" error={error} retry={refetch} />}
      {data === undefined && !error && <Skeleton lines={4} />}
      {data !== undefined && (
        <DataTable
          label="Variables"
          columns={columns}
          rows={data}
          rowId={each => each.name}
          empty={
            <Empty icon={Variable} title="No variable yet" command={"perdure variable set batch-size 500"}>
              Flows read one with perdure.variables.Variable.get("batch-size").
            </Empty>
          }
        />
      )}
      {edited !== null && <Edit variable={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <ConfirmDialog
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={`Delete ${deleting?.name ?? ""}?`}
        action="Delete the variable"
        danger
        onConfirm={remove}
      >
        <p>Flows that read it get their default from then on, or an error.</p>
      </ConfirmDialog>
    </>
  )
}

function Edit({ variable, onClose }: { variable: Shared | null; onClose: () => void }) {
  const [name, setName] = useState(variable?.name ?? "")
  const [text, setText] = useState(variable === null ? "" : JSON.stringify(variable.value, null, 2))
  const queries = useQueryClient()
  const value = parsed(text)
  const save = useMutation({
    mutationFn: () =>
      unwrap(client.PUT("/api/variables/{name}", { params: { path: { name } }, body: { value: value.json } as never })),
    onSuccess: async () => {
      done(`${name} is saved`)
      onClose()
      await queries.invalidateQueries({ queryKey: ["variables"] })
    },
  })
  return (
    <FormDialog
      title={variable === null ? "New variable" : `Change ${variable.name}`}
      action="Save"
      ready={name !== "" && value.isJson && !save.isPending}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {variable === null && (
        <Field label="Name" required>
          <input value={name} onChange={event => setName(event.target.value)} />
        </Field>
      )}
      <Field
        label="Value"
        hint='JSON: 500, "text", ["a", "b"], {"key": 1}'
        error={
          text !== "" && !value.isJson
            ? 'This is not JSON: text is in quotes, as in "text".'
            : save.error
              ? messageOf(save.error)
              : undefined
        }
      >
        <textarea value={text} spellCheck={false} onChange={event => setText(event.target.value)} />
      </Field>
    </FormDialog>
  )
}

function parsed(text: string): { isJson: boolean; json: unknown } {
  try {
    return { isJson: true, json: JSON.parse(text) as unknown }
  } catch {
    return { isJson: false, json: null }
  }
}
