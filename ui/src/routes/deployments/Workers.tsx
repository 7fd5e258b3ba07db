import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { CircleCheck, CircleX, Pause, Play, Server } from "lucide-react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Card, Tag } from "~/components/Card"
import { CompactRow } from "~/components/CompactRow"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { done, failed } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { count } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import css from "./Deployments.module.css"
import { Meter } from "./Meter"
import { workers, workPools } from "./queries"
import { Paused } from "./When"

type Pool = Schemas["PoolModel"]
type Queue = Pool["queues"][number]
type Worker = Schemas["WorkerModel"]

/** Where runs of deployments wait, and who starts them. */
export function Page() {
  const pools = useQuery(workPools())
  const all = useQuery(workers())
  const failure = pools.error ?? all.error
  return (
    <>
      <PageHead title="Workers" about="Runs of deployments wait in work pools; workers start them." />
      {pools.data === undefined || all.data === undefined ? (
        failure === null ? (
          <Skeleton lines={8} />
        ) : (
          <Failure what="Workers" error={failure} retry={() => Promise.all([pools.refetch(), all.refetch()])} />
        )
      ) : pools.data.length === 0 && all.data.length === 0 ? (
        <Empty icon={Server} title="There is no work pool yet" command="perdure worker start --pool default">
          A worker makes its pool, and starts what is due:
        </Empty>
      ) : (
        <div className={css["sections"]}>
          <section>
            <h2>Work pools</h2>
            <div className={css["pools"]}>
              {pools.data.map(pool => (
                <PoolCard key={pool.name} pool={pool} workers={all.data.filter(each => each.work_pool === pool.name)} />
              ))}
            </div>
          </section>
          <section>
            <h2>Workers</h2>
            {all.data.length === 0 ? (
              <Empty icon={Server} title="No worker has started yet" command="perdure worker start --pool default" />
            ) : (
              <div className={css["framed"]}>
                <DataTable
                  label="Workers"
                  columns={WORKERS}
                  compact={compact}
                  rows={all.data}
                  rowId={each => each.id}
                  inline
                />
              </div>
            )}
          </section>
        </div>
      )}
    </>
  )
}

function usePausePool(pool: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ action, queue }: { action: "pause" | "resume"; queue?: string }) => {
      if (queue === undefined) {
        const at = { params: { path: { name: pool, action } } }
        return unwrap(client.POST("/api/deployments/work-pools/{name}/{action}", at))
      }
      const at = { params: { path: { name: pool, queue, action } } }
      return unwrap(client.POST("/api/deployments/work-pools/{name}/queues/{queue}/{action}", at))
    },
    onSuccess: async (_, { action, queue }) => {
      const what = queue === undefined ? `The work pool ${pool}` : `The queue ${queue}`
      done(`${what} is ${action === "pause" ? "paused" : "resumed"}`)
      await queries.invalidateQueries({ queryKey: ["work-pools"] })
    },
    onError: (error, { action }) => failed(`${pool} was not ${action === "pause" ? "paused" : "resumed"}`, error),
  })
}

function PoolCard({ pool, workers }: { pool: Pool; workers: readonly Worker[] }) {
  const because = useBecause("admin")
  const pause = usePausePool(pool.name)
  const here = workers.filter(each => !each.gone).length
  const toggle = (paused: string | null, name: string, queue?: string) => (
    <Button
      look="quiet"
      because={because}
      disabled={pause.isPending}
      icon={paused === null ? <Pause size={13} aria-hidden /> : <Play size={13} aria-hidden />}
      aria-label={`${paused === null ? "Pause" : "Resume"} ${name}`}
      onClick={() =>
        pause.mutate({ action: paused === null ? "pause" : "resume", ...(queue === undefined ? {} : { queue }) })
      }
    >
      {paused === null ? "Pause" : "Resume"}
    </Button>
  )
  const columns: readonly Column<Queue>[] = [
    { id: "name", header: "Queue", width: "minmax(0, 1fr)", cell: QueueName },
    {
      id: "running",
      header: "Running",
      width: "72px",
      align: "end",
      cell: ({ running, concurrency_limit: limit }) => (limit === null ? running : `${running} of ${limit}`),
    },
    { id: "waiting", header: "Waiting", width: "56px", align: "end", cell: queue => queue.waiting.toLocaleString() },
    {
      id: "pause",
      header: "",
      width: "96px",
      align: "end",
      cell: queue => toggle(queue.paused, `the queue ${queue.name}`, queue.name),
    },
  ]
  return (
    <Card
      title={
        <span className={css["title"]}>
          {pool.name}
          <Tag>{pool.type}</Tag>
          {pool.paused !== null && <Paused since={pool.paused} />}
        </span>
      }
      aside={toggle(pool.paused, `the work pool ${pool.name}`)}
    >
      <div className={css["pool"]}>
        <div className={css["row"]}>
          <span>
            <strong>
              {pool.running.toLocaleString()}
              {pool.concurrency_limit !== null && ` of ${pool.concurrency_limit.toLocaleString()}`}
            </strong>{" "}
            running
          </span>
          <span>
            <strong>{pool.waiting.toLocaleString()}</strong> waiting
          </span>
          <span className={here === 0 ? css["gone"] : undefined}>
            {here === 0 ? (
              <>
                <CircleX size={14} strokeWidth={2.25} aria-hidden />
                No worker
              </>
            ) : (
              <>
                <strong>{here}</strong> {here === 1 ? "worker" : "workers"}
              </>
            )}
          </span>
        </div>
        {pool.concurrency_limit !== null && (
          <Meter value={pool.running} most={pool.concurrency_limit} label={`Runs of ${pool.name}`} />
        )}
      </div>
      {pool.queues.length > 0 && (
        <div className={css["queues"]}>
          <DataTable
            label={`Queues of ${pool.name}`}
            columns={columns}
            rows={pool.queues}
            rowId={queue => queue.name}
            inline
          />
        </div>
      )}
    </Card>
  )
}

function QueueName(queue: Queue) {
  return (
    <span className={css["title"]}>
      {queue.name}
      {queue.paused !== null && <Paused since={queue.paused} />}
    </span>
  )
}

const WORKERS: readonly Column<Worker>[] = [
  {
    id: "state",
    header: "State",
    width: "92px",
    value: worker => Number(worker.gone),
    cell: worker => <There worker={worker} />,
  },
  {
    id: "name",
    header: "Worker",
    width: "minmax(0, 1.4fr)",
    value: worker => worker.name,
    cell: worker => worker.name,
  },
  {
    id: "pool",
    header: "Work pool",
    width: "minmax(0, 1fr)",
    value: worker => worker.work_pool,
    cell: worker => <span className="soft">{worker.work_pool}</span>,
  },
  {
    id: "host",
    header: "Host",
    width: "minmax(0, 1.2fr)",
    wide: true,
    cell: worker => (
      <span className="soft">
        {worker.host} <span className="faint">{worker.pid}</span>
      </span>
    ),
  },
  {
    id: "type",
    header: "Type",
    width: "84px",
    wide: true,
    cell: worker => <span className="soft">{worker.type}</span>,
  },
  {
    id: "version",
    header: "Version",
    width: "minmax(0, 0.8fr)",
    wide: true,
    cell: worker => <span className="soft">{worker.version}</span>,
  },
  {
    id: "runs",
    header: "Runs",
    width: "64px",
    align: "end",
    value: worker => worker.running,
    cell: runsOf,
  },
  {
    id: "seen",
    header: "Heartbeat",
    width: "80px",
    align: "end",
    value: worker => Date.parse(worker.seen),
    cell: worker => <Timestamp time={worker.seen} />,
  },
  {
    id: "started",
    header: "Started",
    width: "80px",
    align: "end",
    wide: true,
    cell: worker => <Timestamp time={worker.started} />,
  },
]

function runsOf({ id, running, capacity }: Worker) {
  const said = capacity === null ? running.toLocaleString() : `${running} of ${capacity}`
  if (running === 0) return said
  return <Link to={`/flow-runs?worker=${id}`}>{said}</Link>
}

function There({ worker }: { worker: Worker }) {
  return worker.gone ? (
    <span className={css["gone"]}>
      <CircleX size={14} strokeWidth={2.25} aria-hidden />
      Gone
    </span>
  ) : (
    <span className={css["here"]}>
      <CircleCheck size={14} strokeWidth={2.25} aria-hidden />
      Running
    </span>
  )
}

function compact(worker: Worker) {
  return (
    <CompactRow
      name={
        <span className="cut">
          {worker.name}
          {worker.running > 0 && (
            <>
              {" "}
              <Link to={`/flow-runs?worker=${worker.id}`}>{count(worker.running, "run")}</Link>
            </>
          )}
        </span>
      }
      aside={<There worker={worker} />}
      under={`${worker.work_pool} on ${worker.host}`}
      last={<Timestamp time={worker.seen} />}
    />
  )
}
