import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query"
import {
  createSortedRowModel,
  rowSelectionFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
  type ColumnDef,
  type RowSelectionState,
  type SortingState,
  type Updater,
} from "@tanstack/react-table"
import { useVirtualizer } from "@tanstack/react-virtual"
import { useNavigate } from "@tanstack/react-router"
import { ArrowDown, ArrowUp } from "lucide-react"
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from "react"
import css from "./DataTable.module.css"
import { Failure, Skeleton } from "./Feedback"

export interface Column<T> {
  id: string
  header: string
  /** A track of CSS grid: "minmax(0, 2fr)", "110px". */
  width: string
  cell: (row: T) => ReactNode
  align?: "end"
  /** Not shown where the table is narrow (under 760 px). */
  wide?: boolean
  /** What rows are sorted by, where all of them are here; a click on the header sorts. */
  value?: (row: T) => string | number | null
}

interface Props<T> {
  /** What it lists, for screen readers: "Flow runs". */
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowId: (row: T) => string
  /** Where a row leads. */
  href?: (row: T) => string
  /** Ids that are selected; with it, rows can be. */
  selected?: ReadonlySet<string>
  onSelect?: (ids: ReadonlySet<string>) => void
  /** More rows, when the end comes near. */
  more?: () => unknown
  /** Whether more are being fetched. */
  isFetchingMore?: boolean
  /** What is there instead of rows. */
  empty?: ReactNode
  rowHeight?: number
  /** A whole row in two lines, where the table is as narrow as a telephone. */
  compact?: (row: T) => ReactNode
  /** Rows in a card of the page, and not in a scrolling pane of their own: at most a few hundred. */
  inline?: boolean
  /** The column that rows are sorted by, as an address has it: "runs", or "-runs" for the largest first. */
  order?: string | undefined
  /** Called when somebody sorts; without it, the table keeps that by itself. */
  onOrder?: (order: string | undefined) => void
}

const features = tableFeatures({
  rowSelectionFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { basic: sortFn_basic, alphanumeric: sortFn_alphanumeric },
})

/** A table of any length: only the rows in sight are in the page. */
export function DataTable<T extends object>(props: Props<T>) {
  const { label, rows, rowId, href, selected, onSelect, more, empty, compact, order, onOrder, inline = false } = props
  const pane = useRef<HTMLDivElement>(null)
  const isCompact = useNarrow(pane) && compact !== undefined
  const rowHeight = isCompact ? 54 : (props.rowHeight ?? 36)
  const columns = useMemo<readonly Column<T>[]>(
    () => (isCompact ? [{ id: "compact", header: label, width: "minmax(0, 1fr)", cell: compact }] : props.columns),
    [isCompact, compact, label, props.columns],
  )
  const navigate = useNavigate()
  const definitions = useMemo(() => {
    return columns.map((column): ColumnDef<typeof features, T> => ({
      accessorFn: row => column.value?.(row) ?? null,
      id: column.id,
      header: column.header,
      enableSorting: column.value !== undefined,
      sortFn: "basic",
      sortUndefined: "last",
    }))
  }, [columns])
  const rowSelection = useMemo<RowSelectionState>(
    () => Object.fromEntries([...(selected ?? [])].map(id => [id, true])),
    [selected],
  )
  const sorting = useMemo<SortingState>(
    () => (order === undefined ? [] : [{ id: order.replace(/^-/, ""), desc: order.startsWith("-") }]),
    [order],
  )
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowId,
    state: { rowSelection, ...(onOrder === undefined ? {} : { sorting }) },
    ...(onOrder !== undefined && {
      onSortingChange: (change: Updater<SortingState>) => {
        const [next] = typeof change === "function" ? change(sorting) : change
        onOrder(next === undefined ? undefined : `${next.desc ? "-" : ""}${next.id}`)
      },
    }),
    enableRowSelection: onSelect !== undefined,
    onRowSelectionChange: change => {
      const next = typeof change === "function" ? change(rowSelection) : change
      onSelect?.(new Set(Object.keys(next).filter(id => next[id])))
    },
  })
  const model = table.getRowModel().rows
  const virtual = useVirtualizer({
    count: model.length,
    getScrollElement: () => pane.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: !inline,
  })
  useEffect(() => virtual.measure(), [virtual, rowHeight])
  const items = inline ? model.map((_, index) => ({ index, start: index * rowHeight })) : virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (more !== undefined && last >= model.length - 30) void more()
  }, [more, last, model.length])

  const tracks = [onSelect && "18px", ...columns.map(column => column.width)].filter(Boolean).join(" ")
  const narrow = [onSelect && "18px", ...columns.filter(column => !column.wide).map(column => column.width)]
    .filter(Boolean)
    .join(" ")
  const move = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "x" && event.target instanceof HTMLElement && !event.ctrlKey && !event.metaKey) {
      const at = Number(event.target.closest<HTMLElement>("[data-row]")?.dataset["row"] ?? -1)
      if (onSelect !== undefined) model[at]?.toggleSelected()
      return
    }
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key]
    if (by === undefined || !(event.target instanceof HTMLElement)) return
    const row = event.target.closest<HTMLElement>("[data-row]")
    const next = pane.current?.querySelector<HTMLElement>(`[data-row="${Number(row?.dataset["row"] ?? -1) + by}"]`)
    if (next == null) return
    event.preventDefault()
    const first = next.querySelector<HTMLElement>("a") ?? next.querySelector<HTMLElement>("button, input")
    first?.focus()
    next.scrollIntoView({ block: "nearest" })
  }

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrows go from row to row
    <div
      ref={pane}
      className={[css["pane"], inline && css["inline"]].join(" ")}
      style={{ "--tracks": tracks, "--narrow": narrow } as React.CSSProperties}
      role="table"
      aria-label={label}
      aria-rowcount={model.length + 1}
      tabIndex={inline ? undefined : 0}
      onKeyDown={move}
    >
      <div role="rowgroup" className={css["heads"]}>
        <div role="row" className={css["row"]} aria-rowindex={1}>
          {onSelect && (
            <span role="columnheader">
              <input
                type="checkbox"
                aria-label={`Select all ${label.toLowerCase()} shown`}
                checked={model.length > 0 && table.getIsAllRowsSelected()}
                onChange={table.getToggleAllRowsSelectedHandler()}
              />
            </span>
          )}
          {columns.map(column => {
            const sorted = table.getColumn(column.id)?.getIsSorted() ?? false
            return (
              <span
                key={column.id}
                role="columnheader"
                aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}
                className={[column.align === "end" && css["end"], column.wide && css["wide"], "cut"].join(" ")}
              >
                {column.value === undefined ? (
                  column.header
                ) : (
                  <button type="button" onClick={table.getColumn(column.id)?.getToggleSortingHandler()}>
                    {column.header}
                    {sorted === "asc" && <ArrowUp size={11} aria-hidden />}
                    {sorted === "desc" && <ArrowDown size={11} aria-hidden />}
                  </button>
                )}
              </span>
            )
          })}
        </div>
      </div>
      <div
        role={model.length === 0 ? undefined : "rowgroup"}
        className={css["body"]}
        style={{ height: model.length * rowHeight }}
      >
        {items.map(({ index, start }) => {
          const row = model[index]
          if (row === undefined) return null
          const to = href?.(row.original)
          return (
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- see onClick
            <div
              key={row.id}
              role="row"
              aria-rowindex={index + 2}
              data-row={index}
              className={[
                css["row"],
                to !== undefined && css["leading"],
                selected?.has(row.id) && css["selected"],
              ].join(" ")}
              style={{ height: rowHeight, transform: `translateY(${start}px)` }}
              // The row's first link is what keyboards and readers use; this is for those who click beside it.
              onClick={event => {
                const within = event.target instanceof Element ? event.target.closest("a, button, input, label") : null
                if (to === undefined || within !== null || getSelection()?.type === "Range") return
                if (event.metaKey || event.ctrlKey) window.open(to, "_blank", "noopener")
                else void navigate({ to })
              }}
            >
              {onSelect && (
                <span role="cell">
                  <input
                    type="checkbox"
                    aria-label={`Select row ${index + 1}`}
                    checked={row.getIsSelected()}
                    onChange={row.getToggleSelectedHandler()}
                  />
                </span>
              )}
              {columns.map(column => (
                <span
                  key={column.id}
                  role="cell"
                  className={[column.align === "end" && css["end"], column.wide && css["wide"], "cut"].join(" ")}
                >
                  {column.cell(row.original)}
                </span>
              ))}
            </div>
          )
        })}
      </div>
      {model.length === 0 && (
        <div role="rowgroup">
          <div role="row" aria-rowindex={2}>
            <div role="cell" className={css["empty"]}>
              {empty}
            </div>
          </div>
        </div>
      )}
      {props.isFetchingMore && <div className={css["more"]}>Loading more…</div>}
    </div>
  )
}

const NARROW = 560 // px

function useNarrow(pane: RefObject<HTMLElement | null>): boolean {
  const [isNarrow, setNarrow] = useState(() => window.innerWidth < NARROW)
  useEffect(() => {
    const element = pane.current
    if (element === null) return
    const observer = new ResizeObserver(() => setNarrow(element.clientWidth < NARROW))
    observer.observe(element)
    return () => observer.disconnect()
  }, [pane])
  return isNarrow
}

type Listed<T> = UseInfiniteQueryResult<InfiniteData<{ items: T[]; next: string | null }>>

interface ListProps<T> extends Omit<Props<T>, "rows" | "more" | "isFetchingMore"> {
  query: Listed<T>
}

/** A `DataTable` of all that a list of the API has: pages are fetched as it is scrolled. */
export function QueryTable<T extends object>({ query, label, ...rest }: ListProps<T>) {
  const rows = useMemo(() => query.data?.pages.flatMap(page => page.items) ?? [], [query.data])
  if (query.isError && query.data === undefined) {
    return <Failure what={label} error={query.error} retry={query.refetch} />
  }
  if (query.data === undefined) return <Skeleton lines={8} />
  const more = query.hasNextPage && !query.isFetchingNextPage ? () => query.fetchNextPage() : undefined
  return <DataTable label={label} rows={rows} more={more} isFetchingMore={query.isFetchingNextPage} {...rest} />
}
