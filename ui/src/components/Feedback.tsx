import { CircleAlert, RotateCw, type LucideIcon } from "lucide-react"
import type { ReactNode } from "react"
import { ApiError } from "~/api/client"
import { Button } from "./Button"
import { CodeBlock } from "./Code"
import css from "./Feedback.module.css"

interface EmptyProps {
  icon?: LucideIcon
  title: string
  children?: ReactNode
  /** What to type to have something here. */
  command?: string
}

/** A place with nothing in it, that says what to do next. */
export function Empty({ icon: Icon, title, children, command }: EmptyProps) {
  return (
    <div className={css["empty"]}>
      {Icon && <Icon size={22} strokeWidth={1.5} aria-hidden className="faint" />}
      <h2>{title}</h2>
      {children && <div className="soft">{children}</div>}
      {command !== undefined && (
        <div className={css["command"]}>
          <CodeBlock code={command} label="Command" />
        </div>
      )}
    </div>
  )
}

/** What failed, and a way to try it again. */
export function Failure({ error, what, retry }: { error: unknown; what: string; retry?: () => unknown }) {
  return (
    <div role="alert" className={css["failure"]}>
      <CircleAlert size={16} aria-hidden color="var(--danger)" />
      <div>
        <h2>{what} could not be loaded</h2>
        <p className="soft">{messageOf(error)}</p>
      </div>
      {retry && (
        <Button icon={<RotateCw size={13} aria-hidden />} onClick={() => void retry()}>
          Try again
        </Button>
      )}
    </div>
  )
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.status !== 0) return `${error.message} (${error.kind}, ${error.status})`
  return error instanceof Error ? error.message : String(error)
}

/** Grey lines where text is to come. They keep its place. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className={css["skeleton"]} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  )
}
