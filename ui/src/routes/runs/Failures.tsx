import { useQuery } from "@tanstack/react-query"
import { useMemo } from "react"
import { ChoiceFilter, FilterBar, RangeFilter } from "~/components/Filters"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { FailureTable } from "./FailureTable"
import { flowNames } from "./queries"
import { Views } from "./Views"

const VIEWS = [
  { name: "All", search: "" },
  { name: "Last week", search: "?created=7d" },
  { name: "New or growing", search: "?created=7d&sort=-trend" },
]

/** What flow runs failed of. */
export function Page() {
  const address = useAddress()
  const flows = useQuery(flowNames())
  const choices = useMemo(() => (flows.data ?? []).map(name => ({ value: name, label: name })), [flows.data])
  return (
    <>
      <PageHead
        title="Failures"
        about="Failed and crashed flow runs, by exception. Numbers and ids in messages count as the same."
      />
      <Views of="/failures" given={VIEWS} search={address.text} />
      <FilterBar>
        <ChoiceFilter
          label="Flow"
          single
          choices={choices}
          value={address.all("flow")}
          onChange={flow => address.set({ flow })}
        />
        <RangeFilter value={address.one("created")} onChange={created => address.set({ created })} />
      </FilterBar>
      <FailureTable
        flow={address.one("flow")}
        created={address.one("created")}
        order={address.one("sort")}
        onOrder={sort => address.set({ sort })}
      />
    </>
  )
}
