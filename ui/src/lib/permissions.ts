import { useQuery } from "@tanstack/react-query"
import { session } from "~/api/queries"

const ORDER = ["read", "write", "admin"]

/** Why whoever looks may not do what needs a scope; undefined if they may. For `Button.because`. */
export function useBecause(scope: "write" | "admin"): string | undefined {
  const { data } = useQuery(session())
  if (data === undefined || ORDER.indexOf(data.scope) >= ORDER.indexOf(scope)) return undefined
  return `This needs a token with the scope “${scope}”; yours has “${data.scope}”.`
}
