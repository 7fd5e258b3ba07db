import { useNavigate, useParams, useSearch } from "@tanstack/react-router"
import { useCallback } from "react"

/** What stands behind the `?` of the address: text, or several texts. */
export type Search = Record<string, string | string[] | undefined>

/** `?state=FAILED&state=CRASHED&q=x` as an object; a name that stands there once is text, more often a list. */
export function parseSearch(text: string): Search {
  const found: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const known = Object.hasOwn(found, name) ? found[name] : undefined
    const next = known === undefined ? value : [...(typeof known === "string" ? [known] : known), value]
    Object.defineProperty(found, name, { value: next, enumerable: true, configurable: true, writable: true })
  }
  return found
}

export function stringifySearch(search: Search): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    for (const each of Array.isArray(value) ? value : value === undefined ? [] : [value]) params.append(name, each)
  }
  const text = params.toString()
  return text === "" ? "" : `?${text}`
}

export interface Address {
  /** One value by its name. */
  one: (name: string) => string | undefined
  /** All values of a name. */
  all: (name: string) => string[]
  /** Change some values; undefined and empty lists leave the address. Steps back are not made of it. */
  set: (change: Search) => void
  /** All of it, as text with its `?`: what a saved view keeps. */
  text: string
}

/** The filters and the view of a page, kept in its address so that they can be shared. */
export function useAddress(): Address {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const set = useCallback(
    (change: Search) => {
      void navigate({
        to: ".",
        search: (known: Search) => {
          const next = { ...known, ...change }
          return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value.length > 0))
        },
        replace: true,
      })
    },
    [navigate],
  )
  return {
    one: name => {
      const value = search[name]
      return Array.isArray(value) ? value[0] : value
    },
    all: name => {
      const value = search[name]
      return value === undefined ? [] : Array.isArray(value) ? value : [value]
    },
    set,
    text: stringifySearch(search),
  }
}

/** A part of the path by its name: `id` of "/flow-runs/$id". */
export function useParam(name: string): string {
  const params: Record<string, string | undefined> = useParams({ strict: false })
  return params[name] ?? ""
}
