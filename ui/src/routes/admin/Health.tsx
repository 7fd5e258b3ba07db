import { useQuery } from "@tanstack/react-query"
import { CircleAlert, CircleCheck, CircleMinus } from "lucide-react"
import type { ReactNode } from "react"
import type { Schemas } from "~/api/client"
import { Card, Facts } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { DataTable, type Column } from "~/components/DataTable"
import { Failure, Skeleton } from "~/components/Feedback"
import { Bytes, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { bytes, duration } from "~/lib/format"
import css from "./Admin.module.css"
import { status } from "./queries"

type Status = Schemas["StatusModel"]
type Service = Schemas["ServiceModel"]

/** How the server, its database and its services are. */
export function Page() {
  const query = useQuery(status())
  return (
    <>
      <PageHead title="Health" heading="Health" about={query.data && <Summary status={query.data} />} />
      {query.data !== undefined ? (
        <All status={query.data} />
      ) : query.isPending ? (
        <Skeleton lines={10} />
      ) : (
        <Failure what="Health" error={query.error} retry={query.refetch} />
      )}
    </>
  )
}

/** What is wrong, in words. */
export function troubles(status: Status): string[] {
  const { queue, services, disks } = status
  const late = services
    .filter(each => each.is_alive === false)
    .map(each => `${each.name}: the server that ran it has stopped`)
  const failed = services.filter(isFailed).map(each => `${each.name} failed`)
  const full = disks.filter(isFull).map(each => `${bytes(each.free)} are left on the disk of the ${each.what}`)
  const behind = queue.waiting > BEHIND ? [`${queue.waiting.toLocaleString()} records wait to be written`] : []
  return [...full, ...behind, ...failed, ...late]
}

const BEHIND = 10_000
const FULL = 0.05 // of a disk is free

function isFull(disk: Schemas["DiskModel"]): boolean {
  return disk.free < disk.total * FULL
}

function isFailed(service: Service): boolean {
  return service.outcome?.startsWith("It failed") ?? false
}

function Summary({ status: known }: { status: Status }) {
  const wrong = troubles(known)
  if (wrong.length === 0) return <Said kind="good">All is well</Said>
  return <Said kind="bad">{wrong.join("; ")}.</Said>
}

const ICONS = { good: CircleCheck, bad: CircleAlert, off: CircleMinus }

function Said({ kind, children }: { kind: keyof typeof ICONS; children: ReactNode }) {
  const Icon = ICONS[kind]
  return (
    <span className={css[kind]}>
      <Icon size={14} aria-hidden />
      <span className={css["wrap"]}>{children}</span>
    </span>
  )
}

function All({ status: known }: { status: Status }) {
  const { database, disks, queue } = known
  return (
    <div className={css["stack"]}>
      <div className={css["cards"]}>
        <Card title="Server">
          <Facts
            facts={[
              ["Version", known.version],
              ["Process", known.pid],
              ["Workers", known.workers],
              ["Sign-in", known.authenticated ? "Required" : "Not required"],
              ["Values", known.serves_values ? "Can be downloaded" : "Stay where they are"],
              ["Listeners", known.listeners],
            ]}
          />
        </Card>
        <Card title="Database">
          <Facts
            facts={[
              ["Kind", database.version],
              ["Place", <Copyable key="place" text={database.place} />],
              ["Size", <Bytes key="size" size={database.size} />],
              ["Taken", `${queue.taken.toLocaleString()} records`],
              ["Written", `${queue.committed.toLocaleString()} records`],
              ["Waiting", `${queue.waiting.toLocaleString()} records`],
            ]}
          />
        </Card>
        <Card title="Disks">
          <div className={css["stack"]}>
            {disks.map(disk => (
              <Disk key={disk.what} disk={disk} />
            ))}
          </div>
        </Card>
      </div>
      <Card title="Services" flush>
        <DataTable label="Services" columns={SERVICES} rows={known.services} rowId={each => each.name} inline />
      </Card>
    </div>
  )
}

const DISKS = { database: "Database", home: "Home", storage: "Results" }

function Disk({ disk }: { disk: Schemas["DiskModel"] }) {
  const used = disk.total === 0 ? 0 : (disk.total - disk.free) / disk.total
  return (
    <div className={css["line"]}>
      <div className={css["row"]}>
        <strong>{DISKS[disk.what]}</strong>
        <span>
          {bytes(disk.free)} free of {bytes(disk.total)}
          {isFull(disk) && <Said kind="bad">Nearly full</Said>}
        </span>
      </div>
      <svg
        className={[css["meter"], isFull(disk) && css["full"]].join(" ")}
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${Math.round(used * 100)}% of it is used`}
      >
        <rect width={used * 100} height={6} />
      </svg>
      <Copyable text={disk.path} />
    </div>
  )
}

const SERVICES: readonly Column<Service>[] = [
  {
    id: "name",
    header: "Service",
    width: "minmax(0, 1fr)",
    cell: each => <span title={each.description}>{each.name.replaceAll("_", " ")}</span>,
    value: each => each.name,
  },
  { id: "is", header: "Is", width: "110px", cell: each => <Is service={each} /> },
  {
    id: "outcome",
    header: "Last time",
    width: "minmax(0, 2fr)",
    wide: true,
    cell: each => <span title={each.outcome ?? undefined}>{each.outcome ?? "–"}</span>,
  },
  { id: "host", header: "On", width: "minmax(0, 0.8fr)", wide: true, cell: each => each.host ?? "–" },
  {
    id: "interval",
    header: "Every",
    width: "80px",
    wide: true,
    align: "end",
    cell: each => (each.interval_seconds === 0 ? "–" : duration(each.interval_seconds * 1_000)),
  },
  {
    id: "ran",
    header: "Last ran",
    width: "84px",
    align: "end",
    cell: each => <Timestamp time={each.last_run} />,
  },
  { id: "due", header: "Due", width: "84px", wide: true, align: "end", cell: each => <Timestamp time={each.due} /> },
]

function Is({ service }: { service: Service }) {
  if (isFailed(service)) return <Said kind="bad">Failed</Said>
  if (service.is_alive === false) return <Said kind="bad">Gone</Said>
  if (service.interval_seconds === 0 && service.last_run === null) return <Said kind="off">Off</Said>
  if (service.last_run === null) return <Said kind="off">Not yet run</Said>
  return <Said kind="good">Working</Said>
}
