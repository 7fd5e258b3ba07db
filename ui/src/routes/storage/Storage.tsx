import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query"
import { HardDrive } from "lucide-react"
import { client, unwrap, type Schemas } from "~/api/client"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { FilterBar } from "~/components/Filters"
import { Link } from "~/components/Link"
import { Segments } from "~/components/Segments"
import { Bytes } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { bytes } from "~/lib/format"
import { totals } from "~/routes/overview/queries"
import css from "./Storage.module.css"

type Sum = Schemas["StoredByModel"]
type By = "flow" | "task" | "type"

const storedBy = (of: By) =>
  queryOptions({
    queryKey: ["results", "stored", of],
    queryFn: () => unwrap(client.GET("/api/overview/storage/by", { params: { query: { of } } })),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  })

const CHOICES = [
  { value: "flow", label: "By flow" },
  { value: "task", label: "By task" },
  { value: "type", label: "By type" },
] as const
const HEADS: Record<By, string> = { flow: "Flow", task: "Task", type: "Type" }

/** What takes the room: persisted results by flow, by task, or by type. */
export function Page() {
  const address = useAddress()
  const by = CHOICES.find(({ value }) => value === address.one("by"))?.value ?? "flow"
  const query = useQuery(storedBy(by))
  const all = useQuery(totals())
  const about =
    all.data?.is_complete !== true
      ? "What persisted results take."
      : `${bytes(all.data.size)} in ${all.data.results.toLocaleString()} persisted results.`
  return (
    <>
      <PageHead title="Storage" about={about} />
      <FilterBar>
        <Segments
          label="Sums"
          value={by}
          choices={CHOICES}
          onChange={next => address.set({ by: next === "flow" ? undefined : next })}
        />
      </FilterBar>
      {query.data === undefined ? (
        query.isError ? (
          <Failure what="Storage" error={query.error} retry={query.refetch} />
        ) : (
          <Skeleton lines={8} />
        )
      ) : (
        <>
          <DataTable
            label={`Storage by ${by}`}
            columns={columnsOf(by, query.data.size)}
            rows={query.data.sums}
            rowId={each => each.name ?? ""}
            empty={
              <Empty icon={HardDrive} title="No result is stored" command="@task(persist_result=True)">
                Persisted results take room here, by flow, by task and by type.
              </Empty>
            }
          />
          {!query.data.is_complete && <p className="faint">The newest 30,000 results were looked at.</p>}
        </>
      )}
    </>
  )
}

function columnsOf(by: By, whole: number): readonly Column<Sum>[] {
  return [
    {
      id: "name",
      header: HEADS[by],
      width: "minmax(0, 2fr)",
      value: each => each.name,
      cell: ({ name }) =>
        name === null ? (
          <span className="faint">Runs that are deleted</span>
        ) : (
          <Link to={`/results?${by}=${encodeURIComponent(name)}&kind=persisted`}>{name}</Link>
        ),
    },
    {
      id: "share",
      header: "Share",
      width: "minmax(0, 2fr)",
      wide: true,
      cell: ({ size }) => {
        const share = whole === 0 ? 0 : (100 * size) / whole
        return (
          <span className={css["share"]}>
            <span style={{ width: `${share}%` }} />
            <span className="faint">{share < 1 ? "<1" : Math.round(share)}%</span>
          </span>
        )
      },
    },
    {
      id: "results",
      header: "Documents",
      width: "90px",
      align: "end",
      value: each => each.results,
      cell: each => each.results.toLocaleString(),
    },
    {
      id: "largest",
      header: "Largest",
      width: "90px",
      align: "end",
      wide: true,
      value: each => each.largest,
      cell: each => <Bytes size={each.largest} />,
    },
    {
      id: "size",
      header: "Size",
      width: "90px",
      align: "end",
      value: each => each.size,
      cell: each => <Bytes size={each.size} />,
    },
  ]
}
