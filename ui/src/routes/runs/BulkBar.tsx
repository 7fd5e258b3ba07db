import { useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { GitCompare, X } from "lucide-react"
import { useState } from "react"
import { Button, IconButton } from "~/components/Button"
import { CodeBlock } from "~/components/Code"
import { ConfirmDialog, Dialog } from "~/components/Dialog"
import { done } from "~/components/Toast"
import { count } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import { doAll, report, type Action, type Chosen, type Tally } from "./bulk"
import { RerunPlan, ResumePlan } from "../run/Plan"
import css from "./BulkBar.module.css"

const NONE: readonly string[] = []

interface Props {
  actions: readonly Action[]
  ids: ReadonlySet<string>
  /** All that the filter lets through, where more than what is loaded may be. */
  everything: { chosen: Chosen; count: string } | null
  onClear: () => void
  /** Where two of them are compared, where they can be. */
  compare?: (one: string, other: string) => string
}

/** What can be done with the rows that are selected, at the foot of a list. */
export function BulkBar({ actions, ids, everything, onClear, compare }: Props) {
  const [asked, setAsked] = useState<Action | null>(null)
  const [isEverything, setEverything] = useState(false)
  const [byHand, setByHand] = useState<Tally | null>(null)
  const [through, setThrough] = useState<number | null>(null)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const because = { write: useBecause("write"), admin: useBecause("admin") }
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
      setByHand(tally.commands.length > 0 ? tally : null)
      if (tally.done === 0 && tally.commands.length === 0 && tally.refused.size > 0)
        throw new Error(report(action, tally))
      done(report(action, tally))
      clear()
    } finally {
      setThrough(null)
      await queries.invalidateQueries({ predicate: ({ queryKey: [kind] }) => kind !== "session" && kind !== "version" })
    }
  }
  if (byHand !== null) {
    return (
      <Dialog open onClose={() => setByHand(null)} title="To be done by hand" wide>
        <p>{[...byHand.refused.keys()][0]}</p>
        <CodeBlock code={byHand.commands.join("\n")} label="Commands" />
      </Dialog>
    )
  }
  if (ids.size === 0) return null
  const [one, other, ...rest] = [...ids].sort() // ids sort by age
  const chosenOne = all === null && other === undefined ? one : undefined
  const shown = actions.filter(action => all === null || !action.oneByOne)
  return (
    <div role="toolbar" aria-label="With the selected runs" className={css["bar"]}>
      <span className={css["count"]}>{said} selected</span>
      {everything !== null && !isEverything && (
        <Button look="quiet" onClick={() => setEverything(true)}>
          Select all {everything.count}
        </Button>
      )}
      {shown.map(action => (
        <Button
          key={action.verb}
          look={action.danger ? "danger" : "plain"}
          because={because[action.scope]}
          onClick={() => setAsked(action)}
        >
          {action.verb}
        </Button>
      ))}
      {compare !== undefined && one !== undefined && other !== undefined && rest.length === 0 && (
        <Button icon={<GitCompare size={13} aria-hidden />} onClick={() => void navigate({ to: compare(one, other) })}>
          Compare
        </Button>
      )}
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
          {chosenOne !== undefined && asked.plan !== undefined && (
            <div className={css["plan"]}>
              {asked.plan === "resume" ? (
                <ResumePlan id={chosenOne} />
              ) : (
                <RerunPlan id={chosenOne} from={undefined} changed={NONE} />
              )}
            </div>
          )}
          {through !== null && <p className="soft">{through.toLocaleString()} are through.</p>}
        </ConfirmDialog>
      )}
    </div>
  )
}
