import { createRootRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router"
import type { ComponentType } from "react"
import { Missing } from "~/layout/Missing"
import { Broken } from "~/layout/Broken"
import { Shell } from "~/layout/Shell"

export const root = createRootRoute({ component: Shell, notFoundComponent: Missing, errorComponent: Broken })

/** A page at a path, whose file exports it as `Page` and is loaded when it is looked at. */
export function page(path: string, load: () => Promise<{ Page: ComponentType }>) {
  return createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load, "Page") })
}
