import { useQuery } from "@tanstack/react-query"
import type { Schemas } from "~/api/client"
import { Tag } from "~/components/Card"
import { DataTable, type Column } from "~/components/DataTable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, TextFilter } from "~/components/Filters"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { settings } from "./queries"

type Setting = Schemas["SettingModel"]

const SOURCES: Record<Setting["source"], string> = {
  override: "Code",
  environment: "Environment",
  profile: "Profile",
  default: "Default",
}

const COLUMNS: readonly Column<Setting>[] = [
  {
    id: "name",
    header: "Setting",
    width: "minmax(0, 1.3fr)",
    cell: setting => (
      <span className="mono" title={setting.variable}>
        {setting.name}
      </span>
    ),
    value: setting => setting.name,
  },
  { id: "value", header: "Value", width: "minmax(0, 1.2fr)", cell: setting => <Value setting={setting} /> },
  {
    id: "source",
    header: "From",
    width: "92px",
    cell: setting =>
      setting.source === "default" ? <span className="faint">Default</span> : <Tag>{SOURCES[setting.source]}</Tag>,
    value: setting => SOURCES[setting.source],
  },
]

function Value({ setting }: { setting: Setting }) {
  if (setting.value === null) return <span className="faint">Not set</span>
  if (setting.is_secret) return <span className="faint">Set, and secret</span>
  return (
    <span className="mono cut" title={setting.value}>
      {setting.value === "" ? '""' : setting.value}
    </span>
  )
}

/** The settings that hold in the server, and where each comes from. */
export function Page() {
  const address = useAddress()
  const query = useQuery(settings())
  const text = (address.one("q") ?? "").toLowerCase()
  const sources = address.all("source")
  const rows = (query.data?.settings ?? []).filter(
    each =>
      (each.name.includes(text) || each.variable.toLowerCase().includes(text)) &&
      (sources.length === 0 || sources.includes(each.source)),
  )
  return (
    <>
      <PageHead
        title="Settings"
        about={
          <>
            The server’s settings{query.data && <>, with the profile “{query.data.profile}”</>}. Change one with{" "}
            <code>perdure config set</code>, or in the environment, and start the server again.
          </>
        }
      />
      <FilterBar>
        <TextFilter main label="Name" value={address.one("q")} onChange={q => address.set({ q })} />
        <ChoiceFilter
          label="From"
          choices={Object.entries(SOURCES).map(([value, label]) => ({ value, label }))}
          value={sources}
          onChange={source => address.set({ source })}
        />
      </FilterBar>
      {query.isPending ? (
        <Skeleton lines={10} />
      ) : query.isError ? (
        <Failure what="Settings" error={query.error} retry={query.refetch} />
      ) : (
        <DataTable
          label="Settings"
          columns={COLUMNS}
          rows={rows}
          rowId={setting => setting.name}
          empty={<Empty title="No setting matches">Remove a filter.</Empty>}
        />
      )}
    </>
  )
}
