import { FoldHorizontal, Maximize, Minus, Plus, Route } from "lucide-react"
import { Button, IconButton } from "~/components/Button"
import { ChoiceFilter } from "~/components/Filters"
import { Segments } from "~/components/Segments"
import { useAddress } from "~/lib/address"
import { ORDERS, type Order } from "./lanes"
import type { Shown } from "./shown"
import css from "./Timeline.module.css"

const WORDS: Record<Order, string> = {
  first: "First call first",
  failed: "Failed first",
  running: "Running first",
  slowest: "Slowest first",
}

interface Props {
  sums: string
  shown: Shown
  hasOrder: boolean
  hasGaps: boolean
  onZoom: (factor: number) => void
  onWhole: () => void
}

/** What a timeline sums up to, and how it is to be drawn. */
export function Tools({ sums, shown, hasOrder, hasGaps, onZoom, onWhole }: Props) {
  const address = useAddress()
  const { byTask, order, hasPath, isFolded } = shown
  return (
    <div className={css["tools"]}>
      <span className={["soft", css["sums"]].join(" ")}>{sums}</span>
      <Segments
        label="Rows"
        value={byTask ? "task" : "time"}
        choices={[
          { value: "task", label: "By task" },
          { value: "time", label: "By time" },
        ]}
        onChange={next => address.set({ rows: next === "task" ? undefined : next, open: undefined })}
      />
      {hasOrder && (
        <ChoiceFilter
          label="Order"
          single
          choices={ORDERS.map(value => ({ value, label: WORDS[value] }))}
          value={order === "first" ? [] : [order]}
          onChange={([next]) => address.set({ order: next === "first" ? undefined : next })}
        />
      )}
      <Button
        look="quiet"
        icon={<Route size={13} aria-hidden />}
        aria-pressed={hasPath}
        onClick={() => address.set({ path: hasPath ? undefined : "critical" })}
      >
        Critical path
      </Button>
      {hasGaps && (
        <Button
          look="quiet"
          icon={<FoldHorizontal size={13} aria-hidden />}
          aria-pressed={isFolded}
          onClick={() => {
            onWhole()
            address.set({ gaps: isFolded ? "shown" : undefined })
          }}
        >
          Fold gaps
        </Button>
      )}
      <span className={css["zooms"]}>
        <IconButton label="Nearer" onClick={() => onZoom(1.5)}>
          <Plus size={14} aria-hidden />
        </IconButton>
        <IconButton label="Farther" onClick={() => onZoom(1 / 1.5)}>
          <Minus size={14} aria-hidden />
        </IconButton>
        <IconButton label="Whole timeline" onClick={onWhole}>
          <Maximize size={13} aria-hidden />
        </IconButton>
      </span>
    </div>
  )
}
