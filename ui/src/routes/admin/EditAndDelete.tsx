import { Pencil, Trash2 } from "lucide-react"
import { Button } from "~/components/Button"
import css from "./Admin.module.css"

interface Props {
  /** What is edited or deleted: for those who hear the buttons. */
  of: string
  /** Why it cannot be edited; why it cannot be deleted. */
  because: { edit: string | undefined; delete: string | undefined }
  onEdit: () => void
  onDelete: () => void
}

/** The two buttons at the head of a card. */
export function EditAndDelete({ of, because, onEdit, onDelete }: Props) {
  return (
    <span className={css["buttons"]}>
      <Button
        look="quiet"
        because={because.edit}
        icon={<Pencil size={13} aria-hidden />}
        aria-label={`Edit ${of}`}
        onClick={onEdit}
      >
        Edit
      </Button>
      <Button
        look="quiet"
        because={because.delete}
        icon={<Trash2 size={13} aria-hidden />}
        aria-label={`Delete ${of}`}
        onClick={onDelete}
      >
        Delete
      </Button>
    </span>
  )
}
