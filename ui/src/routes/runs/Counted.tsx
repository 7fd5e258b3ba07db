import type { Schemas } from "~/api/client"
import { count } from "~/lib/format"

/** A list's title, with how many there are. */
export function Counted({ title, count: counted }: { title: string; count: Schemas["Count"] | undefined }) {
  return (
    <>
      {title}
      {counted !== undefined && (
        <span className="faint" style={{ fontWeight: 400 }}>
          {" "}
          {counted.count.toLocaleString()}
          {!counted.is_complete && "+"}
        </span>
      )}
    </>
  )
}

/** How many there are, as far as it is known. */
export function said(counted: Schemas["Count"], what: string): string {
  return counted.is_complete ? count(counted.count, what) : `${counted.count.toLocaleString()}+ ${what}s`
}
