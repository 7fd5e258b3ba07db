import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { CircleCheck, CircleDashed, CircleX, RotateCw, Send } from "lucide-react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { QueryTable, type Column } from "~/components/DataTable"
import { Empty } from "~/components/Feedback"
import { ChoiceFilter, FilterBar } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { done, failed } from "~/components/Toast"
import { useAddress } from "~/lib/address"
import { useBecause } from "~/lib/permissions"
import css from "./Admin.module.css"
import { deliveries, hooks } from "./queries"

type Delivery = Schemas["DeliveryModel"]
type DeliveryState = Delivery["state"]

const STATES: Record<DeliveryState, { word: string; icon: typeof CircleX; color: string }> = {
  waiting: { word: "Waiting", icon: CircleDashed, color: "var(--pending)" },
  delivered: { word: "Delivered", icon: CircleCheck, color: "var(--completed)" },
  failed: { word: "Failed", icon: CircleX, color: "var(--failed)" },
}

/** Deliveries to hooks. */
export function Deliveries() {
  const address = useAddress()
  const because = useBecause("admin")
  const queries = useQueryClient()
  const known = useQuery(hooks())
  const state = (Object.keys(STATES) as DeliveryState[]).find(each => each === address.one("state"))
  const query = useInfiniteQuery(deliveries({ state, hook: address.one("hook") }))
  const retry = useMutation({
    mutationFn: (id: string) => unwrap(client.POST("/api/hooks/deliveries/{id}/retry", { params: { path: { id } } })),
    onSuccess: async () => {
      done("It is sent once more, soon.")
      await queries.invalidateQueries({ queryKey: ["hooks"] })
    },
    onError: error => failed("It cannot be sent again", error),
  })
  const shown = new Map((known.data ?? []).map(hook => [hook.id, hook.shown]))
  return (
    <>
      <FilterBar>
        <ChoiceFilter
          label="State"
          single
          choices={Object.entries(STATES).map(([value, { word }]) => ({ value, label: word }))}
          value={state === undefined ? [] : [state]}
          onChange={next => address.set({ state: next[0] })}
        />
        <ChoiceFilter
          label="Hook"
          single
          choices={[...shown].map(([value, label]) => ({ value, label }))}
          value={address.all("hook")}
          onChange={next => address.set({ hook: next[0] })}
        />
      </FilterBar>
      <QueryTable
        label="Deliveries"
        query={query}
        columns={columns(shown, retry.mutate, because)}
        rowId={delivery => delivery.id}
        empty={
          <Empty icon={Send} title="Nothing was sent">
            Deliveries to hooks appear here, with the responses.
          </Empty>
        }
      />
    </>
  )
}

function columns(
  hooks: ReadonlyMap<string, string>,
  retry: (id: string) => void,
  because: string | undefined,
): Column<Delivery>[] {
  return [
    { id: "state", header: "State", width: "104px", cell: delivery => <State state={delivery.state} /> },
    {
      id: "event",
      header: "Event",
      width: "minmax(0, 1fr)",
      cell: delivery => {
        const { event_kind: kind, run_id: run } = delivery
        if (kind === null || run === null) return <span className="faint">Forgotten</span>
        return <Link to={path(kind.startsWith("task-run") ? "task-runs" : "flow-runs", run)}>{kind}</Link>
      },
    },
    {
      id: "hook",
      header: "To",
      width: "minmax(0, 1.2fr)",
      wide: true,
      cell: delivery => <span className="mono">{hooks.get(delivery.hook_id) ?? "–"}</span>,
    },
    {
      id: "outcome",
      header: "Answer",
      width: "minmax(0, 1.4fr)",
      wide: true,
      cell: delivery => <span title={delivery.outcome ?? undefined}>{delivery.outcome ?? "–"}</span>,
    },
    {
      id: "attempts",
      header: "Attempts",
      width: "72px",
      wide: true,
      align: "end",
      cell: delivery => delivery.attempts,
    },
    { id: "due", header: "When", width: "84px", align: "end", cell: delivery => <Timestamp time={delivery.due} /> },
    {
      id: "retry",
      header: "",
      width: "84px",
      align: "end",
      cell: delivery =>
        delivery.state !== "waiting" && (
          <Button
            look="quiet"
            because={because}
            icon={<RotateCw size={12} aria-hidden />}
            aria-label={`Send ${delivery.event_kind ?? "it"} again`}
            onClick={() => retry(delivery.id)}
          >
            Again
          </Button>
        ),
    },
  ]
}

function State({ state }: { state: DeliveryState }) {
  const { word, icon: Icon, color } = STATES[state]
  return (
    <span className={css["off"]}>
      <Icon size={14} color={color} aria-hidden />
      {word}
    </span>
  )
}
