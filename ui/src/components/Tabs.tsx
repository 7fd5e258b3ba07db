import { Tabs as Radix } from "radix-ui"
import type { ReactNode } from "react"
import css from "./Tabs.module.css"

export interface Tab {
  id: string
  label: ReactNode
  content: ReactNode
}

interface Props {
  label: string
  tabs: readonly Tab[]
  /** Kept in the address by the page. */
  value: string
  onChange: (id: string) => void
}

/** One of several views. Only the one that is looked at is in the page. */
export function Tabs({ label, tabs, value, onChange }: Props) {
  return (
    <Radix.Root value={value} onValueChange={onChange} activationMode="manual" className={css["tabs"]}>
      <Radix.List aria-label={label} className={css["list"]}>
        {tabs.map(tab => (
          <Radix.Trigger key={tab.id} value={tab.id} className={css["tab"]}>
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map(tab => (
        <Radix.Content key={tab.id} value={tab.id} className={css["content"]} tabIndex={-1}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  )
}
