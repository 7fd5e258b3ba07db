import { Link as RouterLink } from "@tanstack/react-router"
import type { ComponentProps } from "react"
import { parseSearch } from "~/lib/address"

interface Props extends Omit<ComponentProps<"a">, "href"> {
  /** A path of the page, with its search: "/flow-runs?state=FAILED". Parts that others chose are encoded by `path`. */
  to: string
  /** Without a step back to where one was. */
  replace?: boolean
}

/** A link within the page. */
export function Link({ to, ...rest }: Props) {
  const [pathname = "", search = ""] = to.split("?", 2)
  // With its search, since views of one list are places of their own.
  const active = { exact: true, includeSearch: true }
  return <RouterLink to={pathname} search={parseSearch(search)} preload="intent" activeOptions={active} {...rest} />
}

/** A path whose parts may be any text: path("flows", name). */
export function path(...parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`
}
