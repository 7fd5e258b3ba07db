import { useQueryClient } from "@tanstack/react-query"
import { X } from "lucide-react"
import { useState } from "react"
import { Button, IconButton } from "~/components/Button"
import { ConfirmDialog } from "~/components/Dialog"
import { done } from "~/components/Toast"
import { count } from "~/lib/format"
import { useBecause } from "~/lib/may"
import { doAll, told, type Action, type Chosen } from "./bulk"
import css from "./BulkBar.module.css"

interface Props {
  actions: readonly Action[]
  ids: ReadonlySet<string>
  /** All that the filter lets through, where more than what is loaded may be. */
  everything: { chosen: Chosen; count: string } | null
  onClear: () => void
}

/** What can be done with the rows that are selected, at the foot of a list. */
export function BulkBar({ actions, ids, everything, onClear }: Props) {
  const [asked, setAsked] = useState<Action | null>(null)
  const [isEverything, setEverything] = useState(false)
  const [through, setThrough] = useState<number | null>(null)
  const queries = useQueryClient()
  const because = useBecause("write")
  const all = isEverything ? everything : null
  const chosen: Chosen = all?.chosen ?? { ids: [...ids] }
  const said = all === null ? count(ids.size, "run") : all.count
  const clear = () => {
    setEverything(false)
    onClear()
  }
  const act = async (action: Action) => {
    try {
      const tally = await doAll(action, chosen, setThrough)
      done(told(action, tally))
      clear()
    } finally {
      setThrough(null)
      await queries.invalidateQueries({ predicate: ({ queryKey: [kind] }) => kind !== "session" && kind !== "version" })
    }
  }
  if (ids.size === 0) return null
  return (
    <div role="toolbar" aria-label="With the selected runs" className={css["bar"]}>
      <span className={css["count"]}>{said} selected</span>
      {everything !== null && !isEverything && (
        <Button look="quiet" onClick={() => setEverything(true)}>
          Select all {everything.count}
        </Button>
      )}
      {actions.map(action => (
        <Button
          key={action.verb}
          look={action.danger ? "danger" : "plain"}
          because={because}
          onClick={() => setAsked(action)}
        >
          {action.verb}
        </Button>
      ))}
      <IconButton label="Select none" onClick={clear}>
        <X size={14} aria-hidden />
      </IconButton>
      {asked !== null && (
        <ConfirmDialog
          open
          onClose={() => setAsked(null)}
          title={`${asked.verb} ${said}?`}
          action={`${asked.verb} ${said}`}
          danger={asked.danger ?? false}
          onConfirm={() => act(asked)}
        >
          <p>{asked.means}</p>
          {through !== null && <p className="soft">{through.toLocaleString()} are through.</p>}
        </ConfirmDialog>
      )}
    </div>
  )
}
