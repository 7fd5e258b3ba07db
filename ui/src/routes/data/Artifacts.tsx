import { useInfiniteQuery } from "@tanstack/react-query"
import { Package } from "lucide-react"
import { client, unwrap, type Schemas } from "~/api/client"
import { pages } from "~/api/queries"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"

type Artifact = Schemas["ArtifactModel"]
type Kind = Artifact["kind"]

const KINDS: Record<Kind, string> = {
  markdown: "Markdown",
  table: "Table",
  image: "Image",
  link: "Link",
  progress: "Progress",
}

const COLUMNS: readonly Column<Artifact>[] = [
  {
    id: "key",
    header: "Artifact",
    width: "minmax(0, 1.4fr)",
    cell: each => <Link to={path("artifacts", each.id)}>{each.key ?? each.id}</Link>,
  },
  { id: "kind", header: "Kind", width: "100px", cell: each => <span className="soft">{KINDS[each.kind]}</span> },
  {
    id: "about",
    header: "About",
    width: "minmax(0, 2fr)",
    wide: true,
    cell: each => <span className="soft">{each.description}</span>,
  },
  { id: "updated", header: "Changed", width: "96px", align: "end", cell: each => <Timestamp time={each.updated} /> },
]

/** What runs left to look at. */
export function Page() {
  const address = useAddress()
  const kinds = address.all("kind").filter((kind): kind is Kind => Object.hasOwn(KINDS, kind))
  const key = address.one("key")
  const query = useInfiniteQuery(
    pages(["artifacts", { key, kinds }], cursor =>
      unwrap(
        client.GET("/api/artifacts", {
          params: { query: { key, kind: kinds, cursor, limit: 100 } },
        }),
      ),
    ),
  )
  return (
    <>
      <PageHead title="Artifacts" about="Reports, tables, images and links that runs create for people." />
      <FilterBar>
        <TextFilter main label="Key" value={key} onChange={next => address.set({ key: next })} />
        <ChoiceFilter
          label="Kind"
          choices={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          value={kinds}
          onChange={kind => address.set({ kind })}
        />
      </FilterBar>
      <QueryTable
        label="Artifacts"
        query={query}
        columns={COLUMNS}
        rowId={each => each.id}
        href={each => path("artifacts", each.id)}
        empty={
          <Empty
            icon={Package}
            title={address.text === "" ? "No artifact yet" : "No artifact matches"}
            command={'from perdure.artifacts import create_table_artifact\n\ncreate_table_artifact(rows, key="prices")'}
          >
            A run leaves one by a call, and it stays with the run.
          </Empty>
        }
      />
    </>
  )
}
