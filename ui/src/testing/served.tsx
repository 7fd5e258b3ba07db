/** Components over an API that a test answers: import it before anything that asks the API. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router"
import { cleanup, render } from "@testing-library/react"
import { Tooltip } from "radix-ui"
import type { ReactNode } from "react"
import { afterEach } from "vitest"
import { parseSearch, stringifySearch } from "~/lib/address"

interface Asked {
  method: string
  path: string
  query: URLSearchParams
  body: unknown
}

type Answers = (asked: Asked) => { status?: number; body: unknown } | undefined

/** What was asked since the component was shown. */
export const asked: Asked[] = []
let answers: Answers = () => undefined

// The API's client keeps the `fetch` that is there when it is made.
globalThis.fetch = async input => {
  const request = input instanceof Request ? input : new Request(input)
  const { pathname: path, searchParams: query } = new URL(request.url)
  const text = await request.text()
  const one = { method: request.method, path, query, body: text === "" ? null : (JSON.parse(text) as unknown) }
  asked.push(one)
  const { status = 200, body } = answers(one) ?? { status: 404, body: { error: { kind: "NotFound", message: path } } }
  return Response.json(body, { status })
}

// jsdom lays nothing out, so that nothing is out of sight, and no size changes
Element.prototype.scrollIntoView = () => {}
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
}

afterEach(cleanup)

/** Show a component at an address: `pattern` names the parts of its path, as in "/flow-runs/$id". */
export async function show(
  Page: () => ReactNode,
  { at = "/", pattern = at, api }: { at?: string; pattern?: string; api: Answers },
) {
  asked.length = 0
  answers = api
  const root = createRootRoute()
  const routeTree = root.addChildren([
    createRoute({ getParentRoute: () => root, path: pattern.split("?")[0] ?? "/", component: Page }),
    createRoute({ getParentRoute: () => root, path: "$", component: () => null }),
  ])
  const router = createRouter({
    routeTree,
    history: createMemoryHistory({ initialEntries: [at] }),
    parseSearch,
    stringifySearch: search => stringifySearch(search as ReturnType<typeof parseSearch>),
  })
  await router.load()
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={queries}>
      <Tooltip.Provider>
        <RouterProvider router={router as never} />
      </Tooltip.Provider>
    </QueryClientProvider>,
  )
  return router
}
