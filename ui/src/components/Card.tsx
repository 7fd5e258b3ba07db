import type { ReactNode } from "react"
import css from "./Card.module.css"

interface CardProps {
  title?: ReactNode
  /** Beside the title, at the right. */
  aside?: ReactNode
  children: ReactNode
  /** Without space round the content: for tables and lists. */
  flush?: boolean
}

export function Card({ title, aside, children, flush = false }: CardProps) {
  return (
    <section className={css["card"]}>
      {(title !== undefined || aside !== undefined) && (
        <header className={css["head"]}>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      <div className={flush ? undefined : css["body"]}>{children}</div>
    </section>
  )
}

/** Names and their values, in two columns. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={css["facts"]}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export function Tag({ children }: { children: ReactNode }) {
  return <span className={css["tag"]}>{children}</span>
}
