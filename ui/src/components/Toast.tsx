import { CircleAlert, CircleCheck, X } from "lucide-react"
import { useSyncExternalStore } from "react"
import { IconButton } from "./Button"
import { messageOf } from "./Feedback"
import css from "./Toast.module.css"

interface Shown {
  id: number
  text: string
  failed: boolean
}

let shown: readonly Shown[] = []
let made = 0
const listeners = new Set<() => void>()

function show(next: readonly Shown[]): void {
  shown = next
  for (const listener of listeners) listener()
}

function add(text: string, failed: boolean, ms: number): void {
  const id = (made += 1)
  show([...shown.slice(-3), { id, text, failed }])
  setTimeout(() => dismiss(id), ms)
}

function dismiss(id: number): void {
  show(shown.filter(each => each.id !== id))
}

/** Say that something was done. */
export function done(text: string): void {
  add(text, false, 4_000)
}

/** Say that something failed, and why. */
export function failed(what: string, error: unknown): void {
  add(`${what}: ${messageOf(error)}`, true, 10_000)
}

export function Toasts() {
  const all = useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => shown,
  )
  return (
    <div className={css["toasts"]} role="status" aria-live="polite">
      {all.map(({ id, text, failed: isFailure }) => (
        <div key={id} className={css["toast"]}>
          {isFailure ? (
            <CircleAlert size={15} color="var(--danger)" aria-hidden />
          ) : (
            <CircleCheck size={15} color="var(--completed)" aria-hidden />
          )}
          <span>{text}</span>
          <IconButton label="Dismiss" onClick={() => dismiss(id)}>
            <X size={13} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  )
}
