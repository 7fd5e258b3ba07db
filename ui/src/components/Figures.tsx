import type { ReactNode } from "react"
import css from "./Figures.module.css"

/** A few numbers that say how something went, in a row. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className={css["figures"]}>{children}</dl>
}

interface FigureProps {
  name: string
  value: string
  /** What is counted, as a tooltip of the name. */
  title?: string
  /** Behind the value: of how many it is. */
  children?: ReactNode
}

export function Figure({ name, value, title, children }: FigureProps) {
  return (
    <div>
      <dt title={title}>{name}</dt>
      <dd>
        {value}
        {children !== undefined && <span className="faint"> {children}</span>}
      </dd>
    </div>
  )
}
