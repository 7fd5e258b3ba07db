import type { ReactNode } from "react"
import css from "./CompactRow.module.css"

interface Props {
  name: ReactNode
  /** At the right of the name. */
  aside: ReactNode
  /** In the second line, in small print. */
  under: ReactNode
  /** At the right of the second line. */
  last: ReactNode
}

/** An item of a list in two lines, as narrow screens have it. */
export function CompactRow({ name, aside, under, last }: Props) {
  return (
    <div className={css["row"]}>
      {name}
      <span>{aside}</span>
      <span className={["cut", css["under"]].join(" ")}>{under}</span>
      <span>{last}</span>
    </div>
  )
}
