import { useId, type ReactNode } from "react"
import { Button } from "./Button"
import { Dialog } from "./Dialog"
import css from "./Dialog.module.css"

interface Props {
  title: string
  /** The word on the button that sends it: "Save". */
  action: string
  /** Whether it may be sent now: all is filled in, and it is not being sent. */
  ready: boolean
  onSubmit: () => void
  onClose: () => void
  /** What went wrong, below the fields. */
  problem?: string | undefined
  children: ReactNode
}

/** A dialog with a form, which is sent by a button at its foot or by Enter. */
export function FormDialog({ title, action, ready, onSubmit, onClose, problem, children }: Props) {
  const form = useId()
  const foot = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button look="primary" type="submit" form={form} disabled={!ready}>
        {action}
      </Button>
    </>
  )
  return (
    <Dialog open onClose={onClose} title={title} foot={foot}>
      <form
        id={form}
        noValidate
        onSubmit={event => {
          event.preventDefault()
          if (ready) onSubmit()
        }}
      >
        {children}
        {problem !== undefined && (
          <p role="alert" className={css["failed"]}>
            {problem}
          </p>
        )}
      </form>
    </Dialog>
  )
}
