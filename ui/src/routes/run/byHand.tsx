import { useState, type ReactNode } from "react"
import { ApiError } from "~/api/client"
import { CodeBlock } from "~/components/Code"
import { Dialog } from "~/components/Dialog"
import { failed } from "~/components/Toast"

/** What to do where the server starts no programs itself: the command, to be run where the flow's code is. */
export function useByHand(name: string): [(what: string) => (error: unknown) => void, ReactNode] {
  const [command, setCommand] = useState<{ why: string; command: string } | null>(null)
  const byHand = (what: string) => (error: unknown) => {
    const known = error instanceof ApiError ? error.details["command"] : undefined
    if (typeof known === "string" && error instanceof ApiError) setCommand({ why: error.message, command: known })
    else failed(`${name} was not ${what}`, error)
  }
  const dialog = (
    <Dialog open={command !== null} onClose={() => setCommand(null)} title="Run this where the flow’s code is">
      <p className="soft">{command?.why}</p>
      <CodeBlock code={command?.command ?? ""} label="Command" />
    </Dialog>
  )
  return [byHand, dialog]
}
