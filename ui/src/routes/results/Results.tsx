import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { Box, CircleX, FileQuestion, Hash, Image, Package, Table2, Text, type LucideIcon } from "lucide-react"
import { useMemo, useState } from "react"
import { useNavigate } from "@tanstack/react-router"
import { client, unwrap, type Schemas } from "~/api/client"
import { results, type ResultFilter } from "~/api/queries"
import { Button } from "~/components/Button"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, RangeFilter, sinceOf, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Bytes, Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useAddress } from "~/lib/address"
import { shortType } from "~/lib/format"
import { flowNames } from "~/routes/runs/queries"
import { inWords, previewOf, type Preview } from "./preview"
import css from "./Results.module.css"

type Result = Schemas["ResultModel"]

const ICONS: Record<Preview["kind"], LucideIcon> = {
  json: Box,
  text: Text,
  bytes: Hash,
  table: Table2,
  array: Hash,
  image: Image,
  exception: CircleX,
  object: Package,
}

export const COLUMNS: readonly Column<Result>[] = [
  {
    id: "result",
    header: "Result of",
    width: "minmax(0, 1.5fr)",
    cell: each => {
      const preview = previewOf(each.preview)
      const Icon = each.is_exception ? CircleX : preview === null ? FileQuestion : ICONS[preview.kind]
      return (
        <span className={css["name"]}>
          <Icon size={14} aria-hidden color={each.is_exception ? "var(--failed)" : undefined} />
          <Link to={path("results", each.run_id)} className="cut">
            {each.run?.name ?? each.run_id}
          </Link>
          <span className="faint cut">{each.run?.flow_run_name}</span>
        </span>
      )
    },
  },
  {
    id: "type",
    header: "Type",
    width: "minmax(0, 0.8fr)",
    cell: each => <code title={each.type}>{shortType(each.type)}</code>,
  },
  {
    id: "preview",
    header: "Value",
    width: "minmax(0, 2fr)",
    wide: true,
    cell: each => <span className="mono soft">{inWords(previewOf(each.preview), each.value)}</span>,
  },
  {
    id: "kind",
    header: "Kept",
    width: "92px",
    wide: true,
    cell: each => <span className="soft">{KINDS[each.kind] ?? each.kind}</span>,
  },
  { id: "size", header: "Size", width: "76px", align: "end", cell: each => <Bytes size={each.size} /> },
  {
    id: "created",
    header: "Made",
    width: "84px",
    align: "end",
    wide: true,
    cell: each => <Timestamp time={each.created} />,
  },
]

export const KINDS: Record<string, string> = {
  persisted: "Stored",
  literal: "In database",
  unpersisted: "Not persisted",
}

const SIZES = [
  { value: "1048576", label: "Over 1 MiB" },
  { value: "16777216", label: "Over 16 MiB" },
  { value: "268435456", label: "Over 256 MiB" },
]

/** Every result: its type, its location, its lineage. */
export function Page() {
  const address = useAddress()
  const navigate = useNavigate()
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const storages = useQuery({ queryKey: ["blocks"], queryFn: () => unwrap(client.GET("/api/blocks")) })
  const kinds = address.all("kind").filter(kind => Object.hasOwn(KINDS, kind)) as NonNullable<ResultFilter["kind"]>
  const size = address.one("size")
  const filter: ResultFilter = {
    task: address.one("task"),
    flow: address.one("flow"),
    type: address.one("type"),
    kind: kinds,
    storage: address.one("storage"),
    min_size: size === undefined || !/^\d+$/.test(size) ? undefined : Number(size),
    exception: address.one("exception") === undefined ? undefined : address.one("exception") === "yes",
    created_after: sinceOf(address.one("created")),
  }
  const query = useInfiniteQuery(results(filter))
  const flows = useQuery(flowNames())
  const flowChoices = useMemo(() => (flows.data ?? []).map(name => ({ value: name, label: name })), [flows.data])
  const [one, other] = [...selected]
  return (
    <>
      <PageHead
        title="Results"
        actions={
          selected.size > 0 && (
            <Button
              look="primary"
              because={
                other === undefined
                  ? "Select two results to compare them."
                  : selected.size > 2
                    ? "Select no more than two."
                    : undefined
              }
              onClick={() => void navigate({ to: path("results", one ?? "", "compare", other ?? "") })}
            >
              Compare the two
            </Button>
          )
        }
      />
      <FilterBar>
        <TextFilter main label="Task" value={address.one("task")} onChange={task => address.set({ task })} />
        <TextFilter
          label="Type, such as *.DataFrame"
          value={address.one("type")}
          onChange={type => address.set({ type })}
        />
        <ChoiceFilter
          label="Flow"
          single
          choices={flowChoices}
          value={address.all("flow")}
          onChange={flow => address.set({ flow })}
        />
        <ChoiceFilter
          label="Kept"
          choices={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          value={kinds}
          onChange={kind => address.set({ kind })}
        />
        {(storages.data?.length ?? 0) > 0 && (
          <ChoiceFilter
            label="Storage"
            single
            choices={(storages.data ?? []).map(block => ({
              value: block.id,
              label: `${block.type}/${block.name}`,
            }))}
            value={address.all("storage")}
            onChange={storage => address.set({ storage: storage[0] })}
          />
        )}
        <ChoiceFilter
          label="Size"
          single
          choices={SIZES}
          value={size === undefined ? [] : [size]}
          onChange={next => address.set({ size: next[0] })}
        />
        <ChoiceFilter
          label="Outcome"
          single
          choices={[
            { value: "no", label: "Values" },
            { value: "yes", label: "Exceptions" },
          ]}
          value={address.all("exception")}
          onChange={next => address.set({ exception: next[0] })}
        />
        <RangeFilter value={address.one("created")} onChange={created => address.set({ created })} />
      </FilterBar>
      <QueryTable
        label="Results"
        query={query}
        columns={COLUMNS}
        rowId={each => each.run_id}
        href={each => path("results", each.run_id)}
        selected={selected}
        onSelect={setSelected}
        empty={
          address.text === "" ? (
            <Empty
              icon={Box}
              title="No result yet"
              command={"@task(persist_result=True)\ndef load(city: str) -> list[str]: ..."}
            >
              Results of flows and tasks appear here; persisted ones can be loaded again.
            </Empty>
          ) : (
            <Empty title="No result matches">Remove a filter, or extend the time.</Empty>
          )
        }
      />
    </>
  )
}
