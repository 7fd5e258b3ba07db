import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { Outlet, useLocation } from "@tanstack/react-router"
import { CloudOff, LogOut, Menu as MenuIcon, Moon, Pin, Search, Sun, X } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { ApiError, client, rememberCsrf, unwrap } from "~/api/client"
import { useConnection } from "~/api/live"
import { session, version } from "~/api/queries"
import { IconButton } from "~/components/Button"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { failed } from "~/components/Toast"
import { useKept } from "~/lib/browserStorage"
import { chooseTheme } from "~/lib/theme"
import { useNames } from "~/lib/watched"
import { live } from "~/queryClient"
import { NAVIGATION } from "./navigation"
import { Palette, usePaletteKeys } from "./Palette"
import { SignIn } from "./SignIn"
import css from "./Shell.module.css"

/** What is round every page: where one can go, and whether the server is there. */
export function Shell() {
  const { pathname } = useLocation()
  const [menu, setMenu] = useState(false)
  const palette = usePaletteKeys()
  const who = useQuery(session())
  const [pinned] = useNames("pinned-flows")
  const main = useRef<HTMLElement>(null)
  const shown = useRef(pathname)
  useEffect(() => {
    setMenu(false)
    // What had the focus may be gone with its page: the next Tab leads into the new one, not through the navigation.
    if (shown.current !== pathname && !main.current?.contains(document.activeElement)) {
      main.current?.focus({ preventScroll: true })
    }
    shown.current = pathname
  }, [pathname])
  const connection = useConnection(live)
  const isIn = who.data !== undefined
  useEffect(() => (isIn ? live.start() : undefined), [isIn])
  if (who.error instanceof ApiError && who.error.status === 401) return <SignIn />
  return (
    <div className={css["shell"]}>
      <a href="#main" className={css["skip"]}>
        Skip to the content
      </a>
      <nav aria-label="Pages" className={[css["nav"], menu && css["open"]].join(" ")}>
        <div className={css["brand"]}>
          <Link to="/" className={css["name"]}>
            <img src="/icon.svg" width={20} height={20} alt="" />
            Perdure
          </Link>
          <IconButton label="Close the menu" className={css["toggle"]} onClick={() => setMenu(false)}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
        <button type="button" className={css["search"]} onClick={() => palette.setOpen(true)}>
          <Search size={13} aria-hidden />
          <span>Search or go to…</span>
          <kbd>{isMac ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        {pinned.length > 0 && (
          <div className={css["group"]}>
            <h2>Pinned</h2>
            {pinned.map(name => (
              <Link
                key={name}
                to={path("flows", name)}
                aria-current={pathname === path("flows", name) ? "page" : undefined}
                className={css["place"]}
              >
                <Pin size={15} strokeWidth={1.75} aria-hidden />
                <span className="cut">{name}</span>
              </Link>
            ))}
          </div>
        )}
        {NAVIGATION.map(group => (
          <div key={group.title} className={css["group"]}>
            <h2>{group.title}</h2>
            {group.places.map(({ to, label, icon: Icon }) => {
              const isHere = to === "/" ? pathname === "/" : pathname === to || pathname.startsWith(`${to}/`)
              return (
                <Link key={to} to={to} aria-current={isHere ? "page" : undefined} className={css["place"]}>
                  <Icon size={15} strokeWidth={1.75} aria-hidden />
                  {label}
                </Link>
              )
            })}
          </div>
        ))}
        <Foot />
      </nav>
      <div className={css["column"]}>
        <header className={css["bar"]}>
          <IconButton label="Open the menu" onClick={() => setMenu(true)}>
            <MenuIcon size={16} aria-hidden />
          </IconButton>
          <span className={css["name"]}>Perdure</span>
          <IconButton label="Search or go to…" onClick={() => palette.setOpen(true)}>
            <Search size={15} aria-hidden />
          </IconButton>
        </header>
        {connection === "lost" && (
          <p role="status" className={css["away"]}>
            <CloudOff size={14} aria-hidden />
            The server does not answer. The page may be out of date; it refreshes once the server is back.
          </p>
        )}
        <main ref={main} id="main" className={css["main"]} tabIndex={-1}>
          {who.isPending ? (
            <Skeleton lines={6} />
          ) : who.data === undefined ? (
            <Failure what="The server" error={who.error} retry={who.refetch} />
          ) : (
            <Outlet />
          )}
        </main>
      </div>
      <Palette {...palette} />
    </div>
  )
}

const isMac = typeof navigator !== "undefined" && navigator.userAgent.includes("Mac OS")

const CONNECTIONS = { connecting: "Connecting", live: "Live", lost: "Connection lost" }

function useSignOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => unwrap(client.DELETE("/api/session")),
    onSuccess: () => {
      rememberCsrf(null)
      return queries.resetQueries() // the shown data is dropped; the session is queried again
    },
    onError: error => failed("You are still signed in", error),
  })
}

function Foot() {
  const connection = useConnection(live)
  const { data } = useQuery(version())
  const who = useQuery(session())
  const signOut = useSignOut()
  const [chosen] = useKept("theme")
  const isDark = (chosen ?? document.documentElement.dataset["theme"]) === "dark"
  return (
    <div className={css["foot"]}>
      <span className={css[connection]} title={connection === "lost" ? "What is shown may be old" : undefined}>
        {CONNECTIONS[connection]}
      </span>
      <span className="faint">{data?.version}</span>
      {who.data?.name != null && (
        <IconButton label={`Sign out (${who.data.name}, ${who.data.scope})`} onClick={() => signOut.mutate()}>
          <LogOut size={14} aria-hidden />
        </IconButton>
      )}
      <IconButton label={isDark ? "Light theme" : "Dark theme"} onClick={() => chooseTheme(isDark ? "light" : "dark")}>
        {isDark ? <Sun size={14} aria-hidden /> : <Moon size={14} aria-hidden />}
      </IconButton>
    </div>
  )
}
