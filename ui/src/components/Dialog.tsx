import { X } from "lucide-react"
import { Dialog as Radix } from "radix-ui"
import { useState, type ReactNode } from "react"
import { Button, IconButton } from "./Button"
import css from "./Dialog.module.css"
import { messageOf } from "./Feedback"

interface Props {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
  /** Buttons at its foot. */
  foot?: ReactNode
  wide?: boolean
}

export function Dialog({ open, onClose, title, children, foot, wide = false }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={next => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={css["overlay"]} />
        <Radix.Content
          className={[css["content"], wide && css["wide"]].join(" ")}
          aria-describedby={undefined}
          onOpenAutoFocus={focusFirst}
        >
          <header className={css["head"]}>
            <Radix.Title asChild>
              <h2>{title}</h2>
            </Radix.Title>
            <Radix.Close asChild>
              <IconButton label="Close">
                <X size={15} aria-hidden />
              </IconButton>
            </Radix.Close>
          </header>
          <div className={css["body"]}>{children}</div>
          {foot && <footer className={css["foot"]}>{foot}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** What is typed into first; else the first button at the foot, which changes nothing; never the cross. */
function focusFirst(event: Event): void {
  const content = event.currentTarget
  if (!(content instanceof HTMLElement)) return
  event.preventDefault()
  const first = content.querySelector<HTMLElement>("input, select, textarea") ?? content.querySelector("footer button")
  ;(first instanceof HTMLElement ? first : content).focus()
}

interface ConfirmProps {
  open: boolean
  onClose: () => void
  title: string
  /** What will happen. */
  children?: ReactNode
  /** The word on the button: "Delete 3 runs". */
  action: string
  danger?: boolean
  onConfirm: () => Promise<unknown>
}

/** Asks before it does something; says what failed, and stays open then. */
export function ConfirmDialog({ open, onClose, title, children, action, danger = false, onConfirm }: ConfirmProps) {
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState<unknown>(null)
  const close = () => {
    setFailed(null)
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    setFailed(null)
    try {
      await onConfirm()
      close()
    } catch (error) {
      setFailed(error)
    } finally {
      setBusy(false)
    }
  }
  const foot = (
    <>
      <Button onClick={close}>Keep as it is</Button>
      <Button look={danger ? "danger" : "primary"} disabled={busy} onClick={() => void confirm()}>
        {action}
      </Button>
    </>
  )
  return (
    <Dialog open={open} onClose={close} title={title} foot={foot}>
      {children}
      {failed !== null && (
        <p role="alert" className={css["failed"]}>
          {messageOf(failed)}
        </p>
      )}
    </Dialog>
  )
}
