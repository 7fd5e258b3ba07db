import { createRootRoute, createRoute } from "@tanstack/react-router"
import { lazy, type ComponentType } from "react"
import { Missing } from "~/layout/Missing"
import { Broken } from "~/layout/Broken"
import { Shell } from "~/layout/Shell"

export const root = createRootRoute({ component: Shell, notFoundComponent: Missing, errorComponent: Broken })

/**
 * A page at a path, whose file exports it as `Page` and is loaded when it is looked at. What fails in it is said within
 * the shell, which stays. (The router's own lazy component reloads the document when a file does not come: with the
 * server away, that loses everything.)
 */
export function page(path: string, load: () => Promise<{ Page: ComponentType }>) {
  const component = lazy(async () => ({ default: (await load()).Page }))
  const preload = async () => {
    await load()
  }
  return createRoute({
    getParentRoute: () => root,
    path,
    component: Object.assign(component, { preload }),
    errorComponent: Broken,
  })
}
