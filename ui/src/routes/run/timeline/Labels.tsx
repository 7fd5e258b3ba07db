import { ChevronDown, ChevronRight } from "lucide-react"
import { duration } from "~/lib/format"
import { HEAD, ROW } from "./drawing"
import type { Rows } from "./lanes"
import css from "./Timeline.module.css"

interface LabelsProps {
  heads: Rows["heads"]
  width: number
  flipped: readonly string[]
  isAllOpen: boolean
  onToggle: (key: string) => void
}

/** What each row is of, with what has failed and how long the slowest took. */
export function Labels({ heads, width, flipped, isAllOpen, onToggle }: LabelsProps) {
  return (
    <div className={css["labels"]} style={{ width }}>
      <div className={css["corner"]} style={{ height: HEAD }} />
      {heads.map(({ group, row, rows, lanes }) => {
        const isOpen = flipped.includes(group.key) !== isAllOpen
        const facts = [
          group.places.length > 1 && `×${group.places.length.toLocaleString()}`,
          group.running > 0 && `${group.running.toLocaleString()} running`,
        ].filter(Boolean)
        const content = (
          <>
            {lanes > 1 && (isOpen ? <ChevronDown size={12} aria-hidden /> : <ChevronRight size={12} aria-hidden />)}
            <span className={["cut", css["name"]].join(" ")} title={group.of}>
              {group.of}
            </span>
            <span className={["faint", css["facts"]].join(" ")}>{facts.join(" ")}</span>
            {group.kind !== "attempt" && group.failed > 0 && (
              <span className={css["failed"]}>
                {group.failed.toLocaleString()} {group.crashed === group.failed ? "crashed" : "failed"}
              </span>
            )}
            <span className={css["longest"]} title="The longest of them">
              {group.longest > 0 ? duration(group.longest) : "–"}
            </span>
          </>
        )
        const place = { top: HEAD + row * ROW, height: rows * ROW }
        return lanes > 1 ? (
          <button
            key={group.key}
            type="button"
            aria-expanded={isOpen}
            style={place}
            onClick={() => onToggle(group.key)}
          >
            {content}
          </button>
        ) : (
          <div key={group.key} style={place}>
            {content}
          </div>
        )
      })}
    </div>
  )
}
