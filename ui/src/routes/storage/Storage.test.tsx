import { asked, show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { expect, it, vi } from "vitest"
import { Page } from "./Storage"

it("what is stored is summed by flow, and by what is chosen; each sum leads to its results", async () => {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600) // only rows in sight are in the page
  const sums = (name: string) => ({
    sums: [{ name, results: 3, size: 2_048, largest: 1_024 }],
    size: 4_096,
    is_complete: false,
  })
  const router = await show(Page, {
    at: "/storage",
    api: ({ path, query }) =>
      path === "/api/overview/storage/by" ? { body: sums(`one ${query.get("of") ?? ""}`) } : undefined,
  })
  const link = await screen.findByRole("link", { name: "one flow" })
  expect(link.getAttribute("href")).toBe("/results?flow=one+flow&kind=persisted")
  screen.getByText("50%")
  screen.getByText("The newest 30,000 results were looked at.")
  fireEvent.click(screen.getByRole("radio", { name: "By type" }))
  await screen.findByRole("link", { name: "one type" })
  expect(router.state.location.searchStr).toBe("?by=type")
  await waitFor(() => expect(asked.filter(({ path }) => path.endsWith("/by"))).toHaveLength(2))
})
