import { useQuery, useQueryClient } from "@tanstack/react-query"
import { BookmarkPlus, Ellipsis, Pencil, Trash2, Users } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button, IconButton } from "~/components/Button"
import { ConfirmDialog } from "~/components/Dialog"
import { messageOf } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { Link } from "~/components/Link"
import { Menu } from "~/components/Menu"
import { Segments } from "~/components/Segments"
import { done } from "~/components/Toast"
import { useKept } from "~/lib/browserStorage"
import { useBecause } from "~/lib/permissions"
import { parseViews, sameSearch, withView, type View } from "~/lib/views"
import { sharedViews } from "./queries"
import css from "./Views.module.css"

interface Props {
  /** The list's path: views are kept for each. */
  of: string
  /** Views that are always there. */
  given: readonly View[]
  /** What stands behind the `?` now. */
  search: string
}

type Shared = Schemas["ViewModel"]
/** A view that somebody saved: for all, or in this browser alone. */
type Saved = View & { shared?: Shared }

/** The views of a list: those that are always there, those of this browser, and those that are shared. */
export function Views({ of, given, search }: Props) {
  const [text, setText] = useKept(`views.${of}`)
  const shared = useQuery(sharedViews(of))
  const queries = useQueryClient()
  const [naming, setNaming] = useState<Saved | "new" | null>(null)
  const [deleting, setDeleting] = useState<Saved | null>(null)
  const own = parseViews(text)
  const saved: Saved[] = [
    ...own,
    ...(shared.data ?? []).map(each => ({ name: each.name, search: each.search, shared: each })).reverse(),
  ]
  const isKnown = [...given, ...saved].some(view => sameSearch(view.search, search))
  const keep = (views: readonly View[]) => setText(views.length === 0 ? null : JSON.stringify(views))
  const without = (view: View) => own.filter(each => each.name !== view.name)

  const save = async (name: string, isShared: boolean) => {
    if (naming === "new" || naming === null) {
      if (isShared) await unwrap(client.POST("/api/views", { body: { name, page: of, search } }))
      else keep(withView(own, { name, search }))
    } else if (naming.shared) {
      const params = { path: { id: naming.shared.id } }
      await unwrap(client.PUT("/api/views/{id}", { params, body: { name, page: of, search: naming.search } }))
    } else keep(withView(without(naming), { name, search: naming.search }))
    await queries.invalidateQueries({ queryKey: ["views"] })
    setNaming(null)
  }
  const remove = async (view: Saved) => {
    if (view.shared) await unwrap(client.DELETE("/api/views/{id}", { params: { path: { id: view.shared.id } } }))
    else keep(without(view))
    await queries.invalidateQueries({ queryKey: ["views"] })
    done(`The view ${view.name} is deleted`)
  }
  return (
    <nav aria-label="Views" className={css["views"]}>
      {given.map(view => (
        <ViewLink key={view.name} of={of} view={view} search={search} />
      ))}
      {saved.map(view => (
        <span key={view.shared?.id ?? `own ${view.name}`} className={css["saved"]}>
          <ViewLink of={of} view={view} search={search} />
          <ViewMenu view={view} onRename={() => setNaming(view)} onDelete={() => setDeleting(view)} />
        </span>
      ))}
      {!isKnown && (
        <Button look="quiet" icon={<BookmarkPlus size={14} aria-hidden />} onClick={() => setNaming("new")}>
          Save view
        </Button>
      )}
      {naming !== null && (
        <NameDialog named={naming === "new" ? null : naming} onClose={() => setNaming(null)} onSave={save} />
      )}
      {deleting !== null && (
        <ConfirmDialog
          open
          onClose={() => setDeleting(null)}
          title={`Delete the view ${deleting.name}?`}
          action="Delete the view"
          danger
          onConfirm={() => remove(deleting)}
        >
          <p>{deleting.shared ? "It is deleted for everybody. Runs stay as they are." : "Runs stay as they are."}</p>
        </ConfirmDialog>
      )}
    </nav>
  )
}

function ViewLink({ of, view, search }: { of: string; view: Saved; search: string }) {
  const isHere = sameSearch(view.search, search)
  const owner = view.shared?.owner
  const shared = view.shared && (owner == null ? "Shared with everybody" : `Shared with everybody by ${owner}`)
  return (
    <Link to={of + view.search} aria-current={isHere ? "true" : undefined} className={css["view"]} title={shared}>
      {view.shared && <Users size={12} aria-hidden />}
      {view.name}
      {shared && <span className="hidden">, {shared.toLowerCase()}</span>}
    </Link>
  )
}

interface MenuProps {
  view: Saved
  onRename: () => void
  onDelete: () => void
}

function ViewMenu({ view, onRename, onDelete }: MenuProps) {
  const because = useBecause("write")
  const disabled = view.shared !== undefined && because !== undefined
  return (
    <Menu
      trigger={
        <IconButton label={`Change the view ${view.name}`}>
          <Ellipsis size={13} aria-hidden />
        </IconButton>
      }
      items={[
        { label: "Rename…", icon: <Pencil size={13} aria-hidden />, disabled, onSelect: onRename },
        { label: "Delete…", icon: <Trash2 size={13} aria-hidden />, danger: true, disabled, onSelect: onDelete },
      ]}
    />
  )
}

interface NameProps {
  /** The view that is renamed; null for a new one. */
  named: Saved | null
  onClose: () => void
  onSave: (name: string, isShared: boolean) => Promise<void>
}

function NameDialog({ named, onClose, onSave }: NameProps) {
  const because = useBecause("write")
  const [name, setName] = useState(named?.name ?? "")
  const [whose, setWhose] = useState<"own" | "all">("own")
  const [wrong, setWrong] = useState<string | undefined>()
  const isShared = whose === "all" && because === undefined
  const save = async () => {
    try {
      await onSave(name.trim(), isShared)
    } catch (error) {
      setWrong(messageOf(error))
    }
  }
  const where = isShared ? "All who may read here see it." : "It is kept in this browser."
  const hint = whose === "all" && because !== undefined ? `${because} ${where}` : where
  return (
    <FormDialog
      title={named === null ? "Save this view" : `Rename ${named.name}`}
      action={named === null ? "Save" : "Rename"}
      ready={name.trim() !== ""}
      onSubmit={() => void save()}
      onClose={onClose}
    >
      <div className={css["form"]}>
        <Field label="Name" error={wrong} hint={named === null ? hint : undefined}>
          <input value={name} maxLength={60} onChange={event => setName(event.target.value)} />
        </Field>
        {named === null && (
          <Segments
            label="For whom"
            value={whose}
            choices={[
              { value: "own", label: "Only here" },
              { value: "all", label: "Everybody" },
            ]}
            onChange={setWhose}
          />
        )}
      </div>
    </FormDialog>
  )
}
