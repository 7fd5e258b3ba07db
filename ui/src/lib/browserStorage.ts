import { useSyncExternalStore } from "react"

/** What this browser keeps, by a name: null where nothing may be kept. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`perdure.${name}`)
  } catch {
    return null
  }
}

const listeners = new Set<() => void>()

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`perdure.${name}`)
    else localStorage.setItem(`perdure.${name}`, value)
  } catch {
    // private windows keep nothing: it holds until the page is left
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener("storage", listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener("storage", listener)
  }
}

/** A kept value, for a component: it follows changes in other tabs too. */
export function useKept(name: string): [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(subscribe, () => kept(name))
  return [value, next => keep(name, next)]
}
