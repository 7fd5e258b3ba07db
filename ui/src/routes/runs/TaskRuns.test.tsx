import { asked, show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { expect, it } from "vitest"
import { Page } from "./TaskRuns"

it("task runs are asked for in the order that is chosen, which the address has", async () => {
  const router = await show(Page, {
    at: "/task-runs",
    api: ({ path }) => ({
      body: path.endsWith("/count") ? { count: 0, is_complete: true } : { items: [], next: null },
    }),
  })
  fireEvent.click(await screen.findByRole("button", { name: "Order" }))
  fireEvent.click(await screen.findByRole("button", { name: "Longest first" }))
  await waitFor(() => expect(router.state.location.searchStr).toBe("?sort=-duration"))
  await waitFor(() =>
    expect(
      asked
        .filter(({ path }) => path === "/api/task-runs")
        .at(-1)
        ?.query.get("sort"),
    ).toBe("-duration"),
  )
})
