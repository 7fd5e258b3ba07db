import { BookmarkPlus, X } from "lucide-react"
import { useState } from "react"
import { IconButton } from "~/components/Button"
import { Button } from "~/components/Button"
import { Dialog } from "~/components/Dialog"
import { Field } from "~/components/Field"
import { Link } from "~/components/Link"
import { useKept } from "~/lib/browserStorage"
import { parseViews, sameSearch, withView, type View } from "~/lib/views"
import css from "./Views.module.css"

interface Props {
  /** The list's path: views are kept for each. */
  of: string
  /** Views that are always there. */
  given: readonly View[]
  /** What stands behind the `?` now. */
  search: string
}

/** The views of a list: those that are always there, and those that were saved in this browser. */
export function Views({ of, given, search }: Props) {
  const [text, setText] = useKept(`views.${of}`)
  const [isNaming, setNaming] = useState(false)
  const saved = parseViews(text)
  const isKnown = [...given, ...saved].some(view => sameSearch(view.search, search))
  const keep = (views: readonly View[]) => setText(views.length === 0 ? null : JSON.stringify(views))
  return (
    <nav aria-label="Views" className={css["views"]}>
      {given.map(view => (
        <ViewLink key={view.name} of={of} view={view} search={search} />
      ))}
      {saved.map(view => (
        <span key={view.name} className={css["saved"]}>
          <ViewLink of={of} view={view} search={search} />
          <IconButton
            label={`Forget the view ${view.name}`}
            onClick={() => keep(saved.filter(each => each.name !== view.name))}
          >
            <X size={12} aria-hidden />
          </IconButton>
        </span>
      ))}
      {!isKnown && (
        <Button look="quiet" icon={<BookmarkPlus size={14} aria-hidden />} onClick={() => setNaming(true)}>
          Save view
        </Button>
      )}
      {isNaming && (
        <NameDialog
          onClose={() => setNaming(false)}
          onName={name => {
            keep(withView(saved, { name, search }))
            setNaming(false)
          }}
        />
      )}
    </nav>
  )
}

function ViewLink({ of, view, search }: { of: string; view: View; search: string }) {
  const isHere = sameSearch(view.search, search)
  return (
    <Link to={of + view.search} aria-current={isHere ? "true" : undefined} className={css["view"]}>
      {view.name}
    </Link>
  )
}

function NameDialog({ onClose, onName }: { onClose: () => void; onName: (name: string) => void }) {
  const [name, setName] = useState("")
  return (
    <Dialog
      open
      onClose={onClose}
      title="Save this view"
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form="view-name" disabled={name.trim() === ""}>
            Save
          </Button>
        </>
      }
    >
      <form
        id="view-name"
        onSubmit={event => {
          event.preventDefault()
          if (name.trim() !== "") onName(name.trim())
        }}
      >
        <Field label="Name" hint="It is kept in this browser. To share it, send the address.">
          <input value={name} maxLength={60} onChange={event => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  )
}
