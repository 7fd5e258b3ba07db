import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { Plus, Webhook } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Tag } from "~/components/Card"
import { DataTable, type Column } from "~/components/DataTable"
import { ConfirmDialog } from "~/components/Dialog"
import { Empty, Failure, messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { useBecause } from "~/lib/permissions"
import css from "./Admin.module.css"
import { eventKinds, hooks } from "./queries"

type Hook = Schemas["HookModel"]

/** The hooks that receive events. */
export function Hooks() {
  const because = useBecause("admin")
  const query = useQuery(hooks())
  const [isMaking, setMaking] = useState(false)
  const [deleting, setDeleting] = useState<Hook | null>(null)
  if (query.data === undefined) {
    return query.isPending ? <Skeleton lines={6} /> : <Failure what="Hooks" error={query.error} retry={query.refetch} />
  }
  return (
    <>
      <div className={css["bar"]}>
        <Button because={because} icon={<Plus size={14} aria-hidden />} onClick={() => setMaking(true)}>
          New hook
        </Button>
      </div>
      <DataTable
        label="Hooks"
        columns={columns(setDeleting, because)}
        rows={query.data}
        rowId={hook => hook.id}
        empty={
          <Empty
            icon={Webhook}
            title="No hooks yet"
            command="perdure webhook create https://hooks.example.org/perdure --on flow-run.failed"
          >
            Create a hook here, or in a terminal:
          </Empty>
        }
      />
      {isMaking && <NewHook onClose={() => setMaking(false)} />}
      <Delete hook={deleting} onClose={() => setDeleting(null)} />
    </>
  )
}

function columns(remove: (hook: Hook) => void, because: string | undefined): Column<Hook>[] {
  return [
    {
      id: "way",
      header: "Way",
      width: "100px",
      wide: true,
      cell: hook => (hook.way === "webhook" ? "Webhook" : "Notification"),
    },
    {
      id: "shown",
      header: "Address",
      width: "minmax(0, 1.5fr)",
      cell: hook => (
        <span className="mono" title={hook.shown}>
          {hook.shown}
        </span>
      ),
    },
    {
      id: "kinds",
      header: "Events",
      width: "minmax(0, 1.5fr)",
      cell: hook => hook.kinds.map(kind => <Tag key={kind}>{kind}</Tag>),
    },
    {
      id: "flow",
      header: "Flow",
      width: "minmax(0, 0.8fr)",
      wide: true,
      cell: hook => hook.flow_name ?? <span className="faint">All</span>,
    },
    { id: "signed", header: "Signed", width: "64px", wide: true, cell: hook => (hook.is_signed ? "Yes" : "No") },
    {
      id: "created",
      header: "Made",
      width: "84px",
      wide: true,
      align: "end",
      cell: hook => <Timestamp time={hook.created} />,
    },
    {
      id: "delete",
      header: "",
      width: "78px",
      align: "end",
      cell: hook => (
        <Button look="quiet" because={because} aria-label={`Delete ${hook.shown}`} onClick={() => remove(hook)}>
          Delete
        </Button>
      ),
    },
  ]
}

function NewHook({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const kinds = useQuery(eventKinds())
  const [way, setWay] = useState<Hook["way"]>("webhook")
  const [url, setUrl] = useState("")
  const [secret, setSecret] = useState("")
  const [flow, setFlow] = useState("")
  const [isPrivate, setPrivate] = useState(false)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(["flow-run.failed", "flow-run.crashed"]))
  const isWrong = url.trim() === "" || chosen.size === 0
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST("/api/hooks", {
          body: {
            way,
            url: url.trim(),
            kinds: [...chosen],
            flow_name: flow.trim() === "" ? null : flow.trim(),
            secret: way === "notification" || secret === "" ? null : secret,
            is_private: way === "webhook" && isPrivate,
          },
        }),
      ),
    onSuccess: async () => {
      done("Created the hook.")
      await queries.invalidateQueries({ queryKey: ["hooks"] })
      onClose()
    },
  })
  const toggle = (kind: string) => {
    const next = new Set(chosen)
    if (!next.delete(kind)) next.add(kind)
    setChosen(next)
  }
  return (
    <FormDialog
      title="New hook"
      action="Create"
      ready={!make.isPending && !isWrong}
      onSubmit={() => make.mutate()}
      onClose={onClose}
      problem={make.error ? messageOf(make.error) : undefined}
    >
      <Field label="Way">
        <select value={way} onChange={event => setWay(event.target.value as Hook["way"])}>
          <option value="webhook">Webhook: a POST with the event as JSON</option>
          <option value="notification">Notification: a message, through Apprise</option>
        </select>
      </Field>
      <Field label="Address" required hint={way === "webhook" ? "https://…" : "Such as mailto://… or slack://…"}>
        <input value={url} autoComplete="off" spellCheck={false} onChange={event => setUrl(event.target.value)} />
      </Field>
      <fieldset className={css["choices"]}>
        <legend>Events</legend>
        {(kinds.data ?? []).map(kind => (
          <label key={kind}>
            <input type="checkbox" checked={chosen.has(kind)} onChange={() => toggle(kind)} />
            {kind}
          </label>
        ))}
      </fieldset>
      <Field label="Flow" hint="Only events of this flow’s runs. Empty: of all.">
        <input value={flow} autoComplete="off" onChange={event => setFlow(event.target.value)} />
      </Field>
      {way === "webhook" && (
        <>
          <Field label="Secret" hint="Signs deliveries, so that the receiver can verify the sender.">
            <input
              type="password"
              autoComplete="new-password"
              value={secret}
              onChange={event => setSecret(event.target.value)}
            />
          </Field>
          <Field label="Allow a private address" hint="Within this network, or on the server’s machine.">
            <input type="checkbox" checked={isPrivate} onChange={event => setPrivate(event.target.checked)} />
          </Field>
        </>
      )}
    </FormDialog>
  )
}

function Delete({ hook, onClose }: { hook: Hook | null; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <ConfirmDialog
      open={hook !== null}
      onClose={onClose}
      title="Delete this hook?"
      action="Delete"
      danger
      onConfirm={async () => {
        if (hook === null) return
        await unwrap(client.DELETE("/api/hooks/{id}", { params: { path: { id: hook.id } } }))
        done("Deleted the hook.")
        await queries.invalidateQueries({ queryKey: ["hooks"] })
      }}
    >
      <p className={css["wrap"]}>{hook?.shown} gets no more events. Its deliveries are deleted.</p>
    </ConfirmDialog>
  )
}
