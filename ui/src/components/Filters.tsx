import { Check, ChevronDown, Search, X } from "lucide-react"
import { Popover } from "radix-ui"
import { useEffect, useRef, useState, type ReactNode } from "react"
import css from "./Filters.module.css"

/** A row of filters. Their values are in the address: see lib/address.ts. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <div role="search" className={css["bar"]}>
      {children}
    </div>
  )
}

interface TextProps {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
  /** The page's main search: `/` goes to it. */
  main?: boolean
}

/** Text that is looked for a moment after the last key. */
export function TextFilter({ label, value, onChange, main = false }: TextProps) {
  const [text, setText] = useState(value ?? "")
  const told = useRef(value ?? "")
  useEffect(() => {
    if ((value ?? "") !== told.current) {
      told.current = value ?? ""
      setText(value ?? "")
    }
  }, [value])
  useEffect(() => {
    if (text === told.current) return
    const timer = setTimeout(() => {
      told.current = text
      onChange(text === "" ? undefined : text)
    }, 250)
    return () => clearTimeout(timer)
  }, [text, onChange])
  return (
    <label className={css["text"]}>
      <Search size={14} aria-hidden />
      <span className="hidden">{label}</span>
      <input
        type="search"
        value={text}
        placeholder={label}
        data-main-search={main || undefined}
        onChange={event => setText(event.target.value)}
      />
    </label>
  )
}

export interface Choice {
  value: string
  label: string
  icon?: ReactNode
}

interface ChoiceProps {
  label: string
  choices: readonly Choice[]
  value: readonly string[]
  onChange: (value: string[]) => void
  /** One at a time. */
  single?: boolean
}

/** Some of several values. */
export function ChoiceFilter({ label, choices, value, onChange, single = false }: ChoiceProps) {
  const [open, setOpen] = useState(false)
  const toggle = (each: string) => {
    const next = value.includes(each) ? value.filter(one => one !== each) : single ? [each] : [...value, each]
    onChange(next)
    if (single) setOpen(false)
  }
  const chosen = choices.filter(choice => value.includes(choice.value)).map(choice => choice.label)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={[css["trigger"], value.length > 0 && css["set"]].join(" ")}>
        <span className="cut">
          {label}
          {chosen.length > 0 && `: ${chosen.join(", ")}`}
        </span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className={css["list"]} align="start" sideOffset={5} collisionPadding={8} aria-label={label}>
          {choices.map(choice => (
            <button
              key={choice.value}
              type="button"
              aria-pressed={value.includes(choice.value)}
              onClick={() => toggle(choice.value)}
            >
              {choice.icon}
              <span className="cut">{choice.label}</span>
              {value.includes(choice.value) && <Check size={13} aria-hidden />}
            </button>
          ))}
          {value.length > 0 && (
            <button type="button" className={css["clear"]} onClick={() => onChange([])}>
              <X size={13} aria-hidden /> Clear
            </button>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

export const RANGES: readonly Choice[] = [
  { value: "1h", label: "Last hour" },
  { value: "24h", label: "Last 24 hours" },
  { value: "7d", label: "Last 7 days" },
  { value: "30d", label: "Last 30 days" },
]

const HOURS: Record<string, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 }

/** The beginning of a range of `RANGES`, to the minute so that what is asked stays the same for a while. */
export function sinceOf(range: string | undefined, now = Date.now()): string | undefined {
  const hours = range === undefined ? undefined : HOURS[range]
  return hours === undefined ? undefined : new Date(Math.floor(now / 60_000) * 60_000 - hours * 3_600_000).toISOString()
}

export function RangeFilter({ value, onChange }: { value: string | undefined; onChange: (value?: string) => void }) {
  return (
    <ChoiceFilter
      label="Created"
      single
      choices={RANGES}
      value={value === undefined ? [] : [value]}
      onChange={next => onChange(next[0])}
    />
  )
}
