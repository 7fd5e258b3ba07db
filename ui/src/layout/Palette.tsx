import { useQuery } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { Keyboard, Moon, Sun, type LucideIcon } from "lucide-react"
import { Dialog as Radix } from "radix-ui"
import { useEffect, useMemo, useState, type KeyboardEvent as Key } from "react"
import { client, unwrap } from "~/api/client"
import { Dialog } from "~/components/Dialog"
import { path } from "~/components/Link"
import { StateBadge } from "~/components/State"
import { chooseTheme } from "~/lib/theme"
import { PLACES } from "./navigation"
import css from "./Palette.module.css"

interface Command {
  id: string
  label: string
  icon?: LucideIcon
  hint?: string | undefined
  run: () => void
}

interface PaletteState {
  open: boolean
  setOpen: (open: boolean) => void
  help: boolean
  setHelp: (help: boolean) => void
}

/** The page's keys: Ctrl K, `/` for the search, `?` for help, `g` and a letter for a page. */
export function usePaletteKeys(): PaletteState {
  const [open, setOpen] = useState(false)
  const [help, setHelp] = useState(false)
  const navigate = useNavigate()
  useEffect(() => {
    let went = -Infinity // when `g` was pressed
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault()
        setOpen(true)
        return
      }
      const isTyping =
        event.target instanceof Element &&
        event.target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu]")
      if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return
      const place = performance.now() - went < 1_200 ? PLACES.find(each => each.key === event.key) : undefined
      went = event.key === "g" ? performance.now() : -Infinity
      if (place !== undefined) void navigate({ to: place.to })
      else if (event.key === "?") setHelp(true)
      else if (event.key === "/") {
        const search = document.querySelector<HTMLElement>("[data-main-search]")
        if (search !== null) event.preventDefault()
        search?.focus()
      }
    }
    window.addEventListener("keydown", press)
    return () => window.removeEventListener("keydown", press)
  }, [navigate])
  return { open, setOpen, help, setHelp }
}

export function Palette({ open, setOpen, help, setHelp }: PaletteState) {
  return (
    <>
      <Radix.Root open={open} onOpenChange={setOpen}>
        <Radix.Portal>
          <Radix.Overlay className={css["overlay"]} />
          <Radix.Content className={css["palette"]} aria-describedby={undefined}>
            <Radix.Title className="hidden">Search or go to</Radix.Title>
            <Commands close={() => setOpen(false)} showHelp={() => setHelp(true)} />
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
      <Help open={help} close={() => setHelp(false)} />
    </>
  )
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-/

function Commands({ close, showHelp }: { close: () => void; showHelp: () => void }) {
  const [text, setText] = useState("")
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const wanted = text.trim()
  const runs = useQuery({
    queryKey: ["palette", wanted],
    queryFn: ({ signal }) =>
      unwrap(client.GET("/api/flow-runs", { params: { query: { name: wanted, limit: 6 } }, signal })),
    enabled: wanted.length > 1 && !ID.test(wanted),
  })
  const commands = useMemo(() => {
    const go = (to: string) => () => void navigate({ to })
    const all: Command[] = [
      ...PLACES.map(each => ({
        id: each.to,
        label: each.label,
        icon: each.icon,
        hint: each.key && `g ${each.key}`,
        run: go(each.to),
      })),
      { id: "light", label: "Light theme", icon: Sun, run: () => chooseTheme("light") },
      { id: "dark", label: "Dark theme", icon: Moon, run: () => chooseTheme("dark") },
      { id: "system", label: "Theme of the system", icon: Sun, run: () => chooseTheme("system") },
      { id: "keys", label: "Keyboard shortcuts", icon: Keyboard, hint: "?", run: showHelp },
    ]
    const found = all.filter(each => each.label.toLowerCase().includes(wanted.toLowerCase()))
    if (!ID.test(wanted)) return found
    const to = (kind: string, label: string): Command => ({
      id: kind,
      label: `${label} ${wanted}`,
      run: go(path(kind, wanted)),
    })
    return [to("flow-runs", "Flow run"), to("task-runs", "Task run"), to("results", "Result of"), ...found]
  }, [wanted, navigate, showHelp])
  const items = [
    ...commands.map(each => ({ ...each, state: null })),
    ...(wanted.length > 1 ? (runs.data?.items ?? []) : []).map(run => ({
      id: run.id,
      label: `${run.flow_name} / ${run.name}`,
      icon: undefined,
      hint: undefined,
      state: run.state,
      run: () => void navigate({ to: path("flow-runs", run.id) }),
    })),
  ]
  const current = Math.min(at, Math.max(0, items.length - 1))
  const choose = (index: number) => {
    close()
    items[index]?.run()
  }
  const press = (event: Key) => {
    if (event.key === "ArrowDown") setAt((current + 1) % Math.max(1, items.length))
    else if (event.key === "ArrowUp") setAt((current + items.length - 1) % Math.max(1, items.length))
    else if (event.key === "Enter") choose(current)
    else return
    event.preventDefault()
  }
  return (
    <>
      <input
        className={css["input"]}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- whoever opens it wants to type
        autoFocus
        role="combobox"
        aria-label="Search or go to"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${current}`}
        placeholder="A page, a run’s name, or an id"
        value={text}
        onChange={event => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <div id="palette-list" role="listbox" aria-label="Found" className={css["list"]}>
        {items.map(({ id, label, icon: Icon, hint, state }, index) => (
          <div
            key={id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === current}
            tabIndex={-1}
            className={css["item"]}
            onMouseMove={() => setAt(index)}
            onClick={() => choose(index)}
            onKeyDown={event => event.key === "Enter" && choose(index)}
          >
            {Icon && <Icon size={14} aria-hidden />}
            {state && <StateBadge state={state} word={false} />}
            <span className="cut">{label}</span>
            {hint && <kbd>{hint}</kbd>}
          </div>
        ))}
        {items.length === 0 && <p className={css["none"]}>Nothing of that name. An id leads to its run.</p>}
      </div>
    </>
  )
}

const KEYS: readonly (readonly [string, string])[] = [
  ["Ctrl K", "search, or go to a page, run or id"],
  ["/", "go to the page’s search"],
  ["j, k or arrows", "next and previous row of a table"],
  ["Enter", "open it"],
  ["x", "select it, where rows can be"],
  ["?", "this help"],
]

function Help({ open, close }: { open: boolean; close: () => void }) {
  const pages = PLACES.flatMap(each => (each.key === undefined ? [] : [[`g ${each.key}`, each.label] as const]))
  return (
    <Dialog open={open} onClose={close} title="Keyboard shortcuts">
      <dl className={css["keys"]}>
        {[...KEYS, ...pages].map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
