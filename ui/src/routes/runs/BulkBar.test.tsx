import { show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { path } from "~/components/Link"
import { RERUN, RESUME } from "./bulk"
import { BulkBar } from "./BulkBar"

const [ONE, OTHER, THIRD] = ["1", "2", "3"].map(digit => `00000000-0000-7000-8000-00000000000${digit}`) as [
  string,
  string,
  string,
]
const PLAN: Schemas["ResumePlan"] = { reused: 3, cached: 0, runs_again: [], unknown: [] }

const open = (...ids: string[]) =>
  show(
    () => (
      <BulkBar
        actions={[RESUME, RERUN]}
        ids={new Set(ids)}
        everything={null}
        onClear={() => {}}
        compare={(one, other) => path("flow-runs", one, "compare", other)}
      />
    ),
    { api: ({ path: asked }) => (asked.endsWith("-plan") ? { body: PLAN } : undefined) },
  )

describe("what can be done with selected runs", () => {
  it("compares two of them, the older one first", async () => {
    const router = await open(OTHER, ONE)
    fireEvent.click(await screen.findByRole("button", { name: "Compare" }))
    await waitFor(() => expect(router.state.location.pathname).toBe(`/flow-runs/${ONE}/compare/${OTHER}`))
  })

  it("compares neither one nor three", async () => {
    await open(ONE, OTHER, THIRD)
    await screen.findByText("3 runs selected")
    expect(screen.queryByRole("button", { name: "Compare" })).toBeNull()
  })

  it("says of one of them what resuming it will do", async () => {
    await open(ONE)
    fireEvent.click(await screen.findByRole("button", { name: "Resume" }))
    await screen.findByText("3 calls do not run again: persisted results are reused.")
  })

  it("says of one of them what running it again will do", async () => {
    await open(ONE)
    fireEvent.click(await screen.findByRole("button", { name: "Rerun" }))
    await screen.findByText(/The flow runs from its start/)
  })
})
