/** Views of a list that somebody saved: a name, and what stands behind the `?` of the address. */
export interface View {
  name: string
  search: string
}

const MOST = 30

/** What was kept, whatever it is: anything that is no view is left out. */
export function parseViews(text: string | null): View[] {
  let found: unknown
  try {
    found = JSON.parse(text ?? "[]")
  } catch {
    return []
  }
  return Array.isArray(found) ? found.filter(isView).slice(0, MOST) : []
}

/** The views with one more, which takes the place of one with its name. */
export function withView(views: readonly View[], view: View): View[] {
  const others = views.filter(each => each.name !== view.name)
  return [...others, view].slice(-MOST)
}

/** Whether two addresses show the same, in whatever order their filters stand. */
export function sameSearch(one: string, other: string): boolean {
  const sorted = (text: string) => {
    const params = new URLSearchParams(text)
    params.sort()
    return params.toString()
  }
  return sorted(one) === sorted(other)
}

function isView(value: unknown): value is View {
  const view = value as Partial<View> | null
  return typeof view === "object" && typeof view?.name === "string" && typeof view.search === "string"
}
