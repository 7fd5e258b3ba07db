import { ToggleGroup } from "radix-ui"
import type { ReactNode } from "react"
import css from "./Segments.module.css"

interface Props<T extends string> {
  label: string
  choices: readonly { value: T; label: ReactNode }[]
  value: T
  onChange: (value: T) => void
}

/** One of a few, all in sight. */
export function Segments<T extends string>({ label, choices, value, onChange }: Props<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={next => next !== "" && onChange(next as T)}
      className={css["segments"]}
    >
      {choices.map(choice => (
        <ToggleGroup.Item key={choice.value} value={choice.value}>
          {choice.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
