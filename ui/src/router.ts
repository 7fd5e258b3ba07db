import { createRouter } from "@tanstack/react-router"
import { parseSearch, stringifySearch } from "~/lib/address"
import { pages } from "~/routes/pages"
import { root } from "~/routes/root"

export const router = createRouter({
  routeTree: root.addChildren(pages),
  parseSearch,
  stringifySearch: search => stringifySearch(search as ReturnType<typeof parseSearch>),
  scrollRestoration: true,
  scrollToTopSelectors: ["#main"],
})
