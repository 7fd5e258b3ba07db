import { ChevronRight } from "lucide-react"
import { useState, type ReactNode } from "react"
import css from "./JsonTree.module.css"

const SHOWN = 100 // children at once

interface Props {
  value: unknown
  /** Levels that are open at first. */
  open?: number
}

/** JSON as a tree, whose branches open and close. */
export function JsonTree({ value, open = 2 }: Props) {
  return (
    <ul className={css["tree"]}>
      <Node value={value} open={open} />
    </ul>
  )
}

function Node({ name, value, open }: Props & { name?: string; open: number }) {
  const [isOpen, setOpen] = useState(open > 0)
  const [shown, setShown] = useState(SHOWN)
  if (typeof value !== "object" || value === null) {
    return (
      <li className={css["leaf"]}>
        {named(name)}
        <Leaf value={value} />
      </li>
    )
  }
  const isArray = Array.isArray(value)
  const children: [string, unknown][] = isArray
    ? value.map((each, index) => [String(index), each])
    : Object.entries(value)
  const size = isArray ? `${children.length} items` : `${children.length} keys`
  if (children.length === 0) {
    return (
      <li className={css["leaf"]}>
        {named(name)}
        <span className={css["size"]}>{isArray ? "[]" : "{}"}</span>
      </li>
    )
  }
  return (
    <li>
      <button type="button" className={css["branch"]} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <ChevronRight size={12} aria-hidden className={isOpen ? css["turned"] : undefined} />
        {named(name)}
        <span className={css["size"]}>{size}</span>
      </button>
      {isOpen && (
        <ul className={css["children"]}>
          {children.slice(0, shown).map(([key, each]) => (
            <Node key={key} name={key} value={each} open={open - 1} />
          ))}
          {children.length > shown && (
            <li>
              <button type="button" className={css["branch"]} onClick={() => setShown(shown * 10)}>
                {(children.length - shown).toLocaleString()} more
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  )
}

function named(name: string | undefined): ReactNode {
  return name === undefined ? null : <span className={css["name"]}>{name}</span>
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === "string") return <span className={css["string"]}>{value === "" ? '""' : value}</span>
  if (typeof value === "number") return <span className={css["number"]}>{String(value)}</span>
  return <span className={css["word"]}>{String(value)}</span>
}
