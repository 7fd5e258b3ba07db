import { useQuery } from "@tanstack/react-query"
import { Check, ChevronDown, Search, X } from "lucide-react"
import { Popover } from "radix-ui"
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react"
import { tags } from "~/api/queries"
import { isSpan, rangeLabel, rangeOf, rangeText, SPAN_NAMES, SPANS } from "~/lib/span"
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
  const reported = useRef(value ?? "")
  useEffect(() => {
    if ((value ?? "") !== reported.current) {
      reported.current = value ?? ""
      setText(value ?? "")
    }
  }, [value])
  useEffect(() => {
    if (text === reported.current) return
    const timer = setTimeout(() => {
      reported.current = text
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

/** Arrows go from choice to choice, and letters to the next one that begins with them, as in a menu. */
function goByKeys(event: KeyboardEvent<HTMLElement>) {
  const { key, target } = event
  const by = { ArrowDown: 1, ArrowUp: -1 }[key]
  const choices = [...event.currentTarget.querySelectorAll<HTMLElement>("button")]
  const at = choices.findIndex(each => each === target)
  if (target instanceof HTMLInputElement && (target.type !== "text" || by === undefined)) return // it takes the key
  const isOne = /^\S$/.test(key) && !event.ctrlKey && !event.metaKey && !event.altKey
  const begins = (each: HTMLElement) => each.textContent.trim().toLowerCase().startsWith(key.toLowerCase())
  const next =
    by !== undefined ? choices[at + by] : [...choices.slice(at + 1), ...choices].find(each => isOne && begins(each))
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

/** What a filter opens: its choices, and what else it has. */
function List({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Popover.Portal>
      <Popover.Content
        className={css["list"]}
        align="start"
        sideOffset={5}
        collisionPadding={8}
        aria-label={label}
        onKeyDown={goByKeys}
      >
        {children}
      </Popover.Content>
    </Popover.Portal>
  )
}

const MOST = 100 // choices that are shown at once

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
  const [wanted, setWanted] = useState("")
  const isLong = choices.length > 9
  const found = choices.filter(choice => choice.label.toLowerCase().includes(wanted.trim().toLowerCase()))
  const toggle = (each: string) => {
    const next = value.includes(each) ? value.filter(one => one !== each) : single ? [each] : [...value, each]
    onChange(next)
    if (single) setOpen(false)
  }
  const chosen = value.map(each => choices.find(choice => choice.value === each)?.label ?? each)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={[css["trigger"], value.length > 0 && css["set"]].join(" ")}>
        <span className="cut">
          {label}
          {chosen.length > 0 && `: ${chosen.join(", ")}`}
        </span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <List label={label}>
        {isLong && (
          <form
            className={css["find"]}
            onSubmit={event => {
              event.preventDefault()
              const best = bestOf(found, wanted)
              if (best !== undefined) toggle(best.value)
            }}
          >
            <input
              aria-label={`Find ${label.toLowerCase()}`}
              placeholder="Find, then Enter"
              value={wanted}
              onChange={event => setWanted(event.target.value)}
            />
          </form>
        )}
        {found.slice(0, MOST).map(choice => (
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
      </List>
    </Popover.Root>
  )
}

/** Of the choices that have a text: the one that is it, else one that begins with it, else the first. */
function bestOf(found: readonly Choice[], text: string): Choice | undefined {
  const wanted = text.trim().toLowerCase()
  if (wanted === "") return undefined
  const labels = found.map(choice => choice.label.toLowerCase())
  const places = [labels.indexOf(wanted), labels.findIndex(label => label.startsWith(wanted)), 0]
  return found[places.find(place => place >= 0) ?? 0]
}

/** The beginning of a range; see lib/span.ts. */
export function sinceOf(range: string | undefined): string | undefined {
  return rangeOf(range).created_after
}

interface RangeProps {
  value: string | undefined
  onChange: (value: string | undefined) => void
}

/** When something was created: a span that ends now, or from one time to another. The value is lib/span.ts's. */
export function RangeFilter({ value, onChange }: RangeProps) {
  const [open, setOpen] = useState(false)
  const chosen = rangeOf(value)
  const between = (after: string, before: string) => onChange(rangeText(dateOf(after), dateOf(before)))
  const after = isSpan(value) ? "" : localText(chosen.created_after)
  const before = isSpan(value) ? "" : localText(chosen.created_before)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={[css["trigger"], value !== undefined && css["set"]].join(" ")}>
        <span className="cut">{value === undefined ? "Created" : rangeLabel(value)}</span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <List label="Created">
        {SPAN_NAMES.map(name => (
          <button
            key={name}
            type="button"
            aria-pressed={value === name}
            onClick={() => {
              onChange(name)
              setOpen(false)
            }}
          >
            {SPANS[name].label}
            {value === name && <Check size={13} aria-hidden />}
          </button>
        ))}
        <div className={css["between"]}>
          <label>
            From
            <input type="datetime-local" value={after} onChange={event => between(event.target.value, before)} />
          </label>
          <label>
            Until
            <input type="datetime-local" value={before} onChange={event => between(after, event.target.value)} />
          </label>
        </div>
        {value !== undefined && (
          <button type="button" className={css["clear"]} onClick={() => onChange(undefined)}>
            <X size={13} aria-hidden /> Clear
          </button>
        )}
      </List>
    </Popover.Root>
  )
}

function dateOf(local: string): Date | undefined {
  const date = new Date(local)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** A time as inputs of the kind datetime-local have it. */
function localText(time: string | undefined): string {
  if (time === undefined) return ""
  const date = new Date(time)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

interface TagProps {
  value: readonly string[]
  onChange: (value: string[]) => void
  /** Of task runs, or else of flow runs. */
  ofTask?: boolean
}

/** Tags, all of which what is shown must have. Those that runs have are offered. */
export function TagFilter({ value, onChange, ofTask = false }: TagProps) {
  const [open, setOpen] = useState(false)
  const [text, setText] = useState("")
  const known = useQuery({ ...tags(ofTask, text.trim()), enabled: open })
  const offered = (known.data ?? []).filter(tag => !value.includes(tag))
  const add = (tag: string) => {
    if (tag !== "" && !value.includes(tag)) onChange([...value, tag])
    setText("")
    setOpen(false)
  }
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={[css["trigger"], value.length > 0 && css["set"]].join(" ")}>
        <span className="cut">Tags{value.length > 0 && `: ${value.join(", ")}`}</span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <List label="Tags">
        <form
          className={css["find"]}
          onSubmit={event => {
            event.preventDefault()
            const wanted = text.trim()
            add(bestOf(offered.map(choiceOf), wanted)?.value ?? wanted)
          }}
        >
          <input
            aria-label="A tag"
            placeholder="A tag, then Enter"
            value={text}
            onChange={event => setText(event.target.value)}
          />
        </form>
        {value.map(tag => (
          <button
            key={tag}
            type="button"
            aria-label={`Remove the tag ${tag}`}
            onClick={() => onChange(value.filter(each => each !== tag))}
          >
            <span className="cut">{tag}</span>
            <X size={13} aria-hidden />
          </button>
        ))}
        {value.length > 0 && offered.length > 0 && <hr />}
        {offered.map(tag => (
          <button key={tag} type="button" onClick={() => add(tag)}>
            <span className="cut">{tag}</span>
          </button>
        ))}
      </List>
    </Popover.Root>
  )
}

function choiceOf(value: string): Choice {
  return { value, label: value }
}
