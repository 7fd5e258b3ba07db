import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { Gauge, Plus } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Card } from "~/components/Card"
import { DataTable, type Column } from "~/components/DataTable"
import { ConfirmDialog } from "~/components/Dialog"
import { Empty, Failure, messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { count, short } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import { EditAndDelete } from "./EditAndDelete"
import css from "./Admin.module.css"
import { limits } from "./queries"

type Limit = Schemas["LimitModel"]
type Slot = Schemas["SlotModel"]

/** How many may be at something at once, or how often; who holds slots, and who waits. */
export function Page() {
  const because = useBecause("admin")
  const query = useQuery(limits())
  const [edited, setEdited] = useState<Limit | "new" | null>(null)
  const [deleting, setDeleting] = useState<Limit | null>(null)
  return (
    <>
      <PageHead
        title="Limits"
        about="Concurrency and rate limits. Tasks with a tag of the same name take a slot."
        actions={
          <Button
            look="primary"
            because={because}
            icon={<Plus size={14} aria-hidden />}
            onClick={() => setEdited("new")}
          >
            New limit
          </Button>
        }
      />
      {query.data === undefined ? (
        query.isPending ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Limits" error={query.error} retry={query.refetch} />
        )
      ) : query.data.length === 0 ? (
        <Empty icon={Gauge} title="There is no limit yet" command="perdure limit create database 2">
          Create one here, or in a terminal:
        </Empty>
      ) : (
        <div className={css["cards"]}>
          {query.data.map(limit => (
            <LimitCard
              key={limit.name}
              limit={limit}
              because={because}
              onEdit={() => setEdited(limit)}
              onDelete={() => setDeleting(limit)}
            />
          ))}
        </div>
      )}
      {edited !== null && <LimitDialog limit={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <Delete limit={deleting} onClose={() => setDeleting(null)} />
    </>
  )
}

interface CardProps {
  limit: Limit
  because: string | undefined
  onEdit: () => void
  onDelete: () => void
}

function LimitCard({ limit, because, onEdit, onDelete }: CardProps) {
  const isFull = limit.taken >= limit.slots
  return (
    <Card
      title={limit.name}
      aside={
        <EditAndDelete
          of={limit.name}
          because={{ edit: because, delete: because }}
          onEdit={onEdit}
          onDelete={onDelete}
        />
      }
    >
      <div className={css["line"]}>
        <div className={css["row"]}>
          <span>
            <strong>
              {limit.taken} of {limit.slots}
            </strong>{" "}
            slots taken
          </span>
          <span className="soft">{limit.waiting === 0 ? "Nobody waits" : `${limit.waiting} wait`}</span>
        </div>
        <svg
          className={[css["meter"], isFull && css["full"]].join(" ")}
          viewBox="0 0 100 6"
          preserveAspectRatio="none"
          role="img"
          aria-label={`${limit.taken} of ${limit.slots} slots are taken`}
        >
          <rect width={limit.slots === 0 ? 100 : Math.min(100, (limit.taken / limit.slots) * 100)} height={6} />
        </svg>
        <p className="faint">{kindOf(limit)}</p>
      </div>
      {limit.line.length > 0 && (
        <div className={css["space"]}>
          <DataTable
            label={`Runs that hold or wait for ${limit.name}`}
            columns={SLOTS}
            rows={limit.line.slice(0, SHOWN)}
            rowId={slot => slot.id}
            inline
          />
          {limit.line.length > SHOWN && (
            <p className="faint">And {(limit.line.length - SHOWN).toLocaleString()} more.</p>
          )}
        </div>
      )}
    </Card>
  )
}

const SHOWN = 50

function kindOf({ slot_decay_per_second: decay }: Limit): string {
  if (decay === null) return "A concurrency limit: slots are free again when they are released."
  return `A rate limit: ${count(decay, "slot is", "slots are")} free again each second.`
}

const SLOTS: readonly Column<Slot>[] = [
  {
    id: "who",
    header: "Who",
    width: "minmax(0, 1fr)",
    cell: slot =>
      slot.run_id === null ? (
        <span className="mono" title={slot.process_id}>
          Process {short(slot.process_id)}
        </span>
      ) : (
        <Link to={path("task-runs", slot.run_id)} className="mono">
          {short(slot.run_id)}
        </Link>
      ),
  },
  {
    id: "what",
    header: "Slots",
    width: "84px",
    cell: slot => (slot.taken === null ? `Waits for ${slot.occupy}` : `Holds ${slot.occupy}`),
  },
  {
    id: "since",
    header: "Since",
    width: "76px",
    align: "end",
    cell: slot => <Timestamp time={slot.taken ?? slot.asked} />,
  },
]

function LimitDialog({ limit, onClose }: { limit: Limit | null; onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState(limit?.name ?? "")
  const [slots, setSlots] = useState(String(limit?.slots ?? 1))
  const [decay, setDecay] = useState(limit?.slot_decay_per_second == null ? "" : String(limit.slot_decay_per_second))
  const isWrong = name.trim() === "" || !/^\d+$/.test(slots) || (decay !== "" && !(Number(decay) > 0))
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        client.PUT("/api/limits/{name}", {
          params: { path: { name: name.trim() } },
          body: { slots: Number(slots), slot_decay_per_second: decay === "" ? null : Number(decay) },
        }),
      ),
    onSuccess: async saved => {
      done(`Saved the limit ${saved.name}.`)
      await queries.invalidateQueries({ queryKey: ["limits"] })
      onClose()
    },
  })
  return (
    <FormDialog
      title={limit === null ? "New limit" : `Edit ${limit.name}`}
      action="Save"
      ready={!save.isPending && !isWrong}
      onSubmit={() => save.mutate()}
      onClose={onClose}
      problem={save.error ? messageOf(save.error) : undefined}
    >
      {limit === null && (
        <Field label="Name" required hint="Tasks with a tag of this name take a slot, and code by concurrency(name).">
          <input value={name} autoComplete="off" onChange={event => setName(event.target.value)} />
        </Field>
      )}
      <Field label="Slots" required hint="The number of slots. With 0, nothing starts.">
        <input inputMode="numeric" value={slots} onChange={event => setSlots(event.target.value)} />
      </Field>
      <Field
        label="Free again each second"
        hint="Makes it a rate limit: the number of slots that become free each second. Empty: slots are free when they are released."
      >
        <input inputMode="decimal" value={decay} onChange={event => setDecay(event.target.value)} />
      </Field>
    </FormDialog>
  )
}

function Delete({ limit, onClose }: { limit: Limit | null; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <ConfirmDialog
      open={limit !== null}
      onClose={onClose}
      title={`Delete the limit ${limit?.name ?? ""}?`}
      action="Delete"
      danger
      onConfirm={async () => {
        if (limit === null) return
        await unwrap(client.DELETE("/api/limits/{name}", { params: { path: { name: limit.name } } }))
        done(`Deleted the limit ${limit.name}.`)
        await queries.invalidateQueries({ queryKey: ["limits"] })
      }}
    >
      <p>
        Tasks that wait for its slots continue immediately{limit && limit.waiting > 0 && ` (${limit.waiting} waiting)`}.
      </p>
    </ConfirmDialog>
  )
}
