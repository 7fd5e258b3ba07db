import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query"
import { Database, Trash2 } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button, IconButton } from "~/components/Button"
import { QueryTable, type Column } from "~/components/DataTable"
import { ConfirmDialog } from "~/components/Dialog"
import { Copyable } from "~/components/Copyable"
import { Empty } from "~/components/Feedback"
import { FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Bytes, Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { count, shortType } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import { useNow } from "~/lib/now"
import { cacheEntries } from "./queries"

type Entry = Schemas["CacheEntryModel"]

/** What is to be forgotten: keys, or all entries of a task, or all. */
type Wanted = { key: string[] } | { task: string } | { everything: true }

/** What cache keys stand for. */
export function Page() {
  const address = useAddress()
  const because = useBecause("write")
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [wanted, setWanted] = useState<Wanted | null>(null)
  const task = address.one("task")
  const query = useInfiniteQuery(cacheEntries({ key: address.one("key"), task }))
  const clear = (next: Wanted) => () => setWanted(next)
  return (
    <>
      <PageHead
        title="Cache"
        about="Cache keys of calls whose results are reused."
        actions={
          <>
            {selected.size > 0 && (
              <Button look="danger" because={because} onClick={clear({ key: [...selected] })}>
                Forget {count(selected.size, "entry", "entries")}
              </Button>
            )}
            <Button
              because={because}
              icon={<Trash2 size={13} aria-hidden />}
              onClick={clear(task === undefined ? { everything: true } : { task })}
            >
              {task === undefined ? "Forget all…" : "Forget all of this task…"}
            </Button>
          </>
        }
      />
      <FilterBar>
        <TextFilter main label="Key begins with" value={address.one("key")} onChange={key => address.set({ key })} />
        <TextFilter label="Task" value={task} onChange={next => address.set({ task: next })} />
      </FilterBar>
      <QueryTable
        label="Cache entries"
        query={query}
        columns={columns(entry => setWanted({ key: [entry.key] }), because)}
        rowId={entry => entry.key}
        selected={selected}
        onSelect={setSelected}
        empty={
          address.text === "" ? (
            <Empty icon={Database} title="Nothing is cached yet" command={EXAMPLE}>
              Calls of tasks with a cache policy leave entries here.
            </Empty>
          ) : (
            <Empty title="No entry matches">The filters match the task’s whole name, and a prefix of the key.</Empty>
          )
        }
      />
      <Forget wanted={wanted} onClose={() => setWanted(null)} onDone={() => setSelected(new Set())} />
    </>
  )
}

const EXAMPLE = `from perdure import task
from perdure.cache_policies import INPUTS

@task(cache_policy=INPUTS)
def load(day: str) -> list[int]: ...`

function columns(forget: (entry: Entry) => void, because: string | undefined): Column<Entry>[] {
  return [
    {
      id: "task",
      header: "Task",
      width: "minmax(0, 1.4fr)",
      cell: entry =>
        entry.task_name === null ? (
          <span className="faint">Not known any more</span>
        ) : (
          <Link to={path("task-runs", entry.run_id)}>{entry.task_name}</Link>
        ),
    },
    { id: "key", header: "Key", width: "minmax(0, 1.6fr)", cell: entry => <Copyable text={entry.key} /> },
    {
      id: "type",
      header: "Result",
      width: "minmax(0, 0.8fr)",
      wide: true,
      cell: entry => <span title={entry.type ?? undefined}>{entry.type === null ? "–" : shortType(entry.type)}</span>,
    },
    { id: "size", header: "Size", width: "84px", wide: true, align: "end", cell: entry => <Bytes size={entry.size} /> },
    {
      id: "created",
      header: "Made",
      width: "84px",
      wide: true,
      align: "end",
      cell: entry => <Timestamp time={entry.created} />,
    },
    { id: "expires", header: "Expires", width: "92px", align: "end", cell: entry => <Expires time={entry.expires} /> },
    {
      id: "forget",
      header: "",
      width: "30px",
      cell: entry => (
        <IconButton
          label={because ?? `Forget ${entry.key.slice(0, 60)}`}
          aria-disabled={because !== undefined || undefined}
          onClick={() => because === undefined && forget(entry)}
        >
          <Trash2 size={13} aria-hidden />
        </IconButton>
      ),
    },
  ]
}

function Expires({ time }: { time: string | null }) {
  const now = useNow()
  if (time === null) return <span className="faint">Never</span>
  return Date.parse(time) < now ? <span className="faint">Expired</span> : <Timestamp time={time} />
}

interface ForgetProps {
  wanted: Wanted | null
  onClose: () => void
  onDone: () => void
}

function Forget({ wanted, onClose, onDone }: ForgetProps) {
  const queries = useQueryClient()
  const what =
    wanted === null
      ? ""
      : "key" in wanted
        ? count(wanted.key.length, "entry", "entries")
        : "task" in wanted
          ? `all entries of ${wanted.task}`
          : "all entries"
  return (
    <ConfirmDialog
      open={wanted !== null}
      onClose={onClose}
      title={`Forget ${what}?`}
      action="Forget"
      danger
      onConfirm={async () => {
        if (wanted === null) return
        const groups = "key" in wanted ? inGroups(wanted.key) : [wanted]
        let cleared = 0
        for (const group of groups) {
          cleared += (await unwrap(client.DELETE("/api/cache", { params: { query: group } }))).count
        }
        onDone()
        done(`Forgot ${count(cleared, "entry", "entries")}.`)
        await queries.invalidateQueries({ queryKey: ["cache"] })
      }}
    >
      <p>Calls that were found by them run again. The results stay where they are.</p>
    </ConfirmDialog>
  )
}

const GROUP = 100 // keys in one request: they are in its address

function inGroups(keys: string[]): { key: string[] }[] {
  return Array.from({ length: Math.ceil(keys.length / GROUP) }, (_, index) => ({
    key: keys.slice(index * GROUP, (index + 1) * GROUP),
  }))
}
