import { asked, show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Timeline } from "./Timeline"

const ID = "00000000-0000-7000-8000-000000000001"

/** Calls of two tasks, 30 of them at one time. */
function columns(): Schemas["Timeline"] {
  const calls = Array.from({ length: 40 }, (_, index) => ({ of: index < 30 ? "load" : "train", index }))
  const column = <T,>(of: (call: (typeof calls)[number]) => T) => calls.map(of)
  return {
    id: column(({ index }) => `${index}`),
    of_task: column(() => true),
    name: column(({ of, index }) => `${of}-${index}`),
    of: column(({ of }) => of),
    state_type: column(({ index }) => (index === 3 ? "FAILED" : "COMPLETED")),
    state_name: column(() => ""),
    created: column(() => 0),
    started: column(({ index }) => index),
    ended: column(({ index }) => 1_000 + index),
    run_count: column(() => 1),
    is_stopped: column(() => false),
    counts: { COMPLETED: 39, FAILED: 1 },
    changed: 2_000,
    next: null,
  }
}

const open = (at: string) =>
  show(() => <Timeline flowRunId={ID} live={false} />, { at, api: () => ({ body: columns() }) })

describe("a timeline", () => {
  it("has a row for each task, which says what failed, and opens", async () => {
    const router = await open("/")
    const load = await screen.findByRole("button", { name: /load/ })
    expect(load.textContent).toContain("×30")
    expect(load.textContent).toContain("1 failed")
    expect(load.getAttribute("aria-expanded")).toBe("false")
    fireEvent.click(load)
    await waitFor(() => expect(router.state.location.searchStr).toBe("?open=task+load"))
    expect(screen.getByRole("button", { name: /load/ }).getAttribute("aria-expanded")).toBe("true")
  })

  it("keeps what is in sight of it in the address", async () => {
    const router = await open("/")
    const chart = await screen.findByRole("group", { name: /^Timeline of 40 runs/ })
    fireEvent.keyDown(chart, { key: "+" })
    await waitFor(() => expect(router.state.location.searchStr).toMatch(/^\?from=\d+(\.\d+)?&until=\d/))
    fireEvent.keyDown(chart, { key: "0" })
    await waitFor(() => expect(router.state.location.searchStr).toBe(""))
  })

  it("says what its critical path is made of", async () => {
    await open("/?path=critical")
    await screen.findByText(/train 100%/)
  })

  it("of a run that still runs asks for what has changed alone", async () => {
    let now = columns()
    await show(() => <Timeline flowRunId={ID} live />, {
      api: ({ query }) => {
        if (!query.has("changed_since")) return { body: now }
        return {
          body: {
            ...now,
            ...Object.fromEntries(
              Object.entries(now).map(([name, of]) => [name, Array.isArray(of) ? of.slice(0, 1) : of]),
            ),
          },
        }
      },
    })
    await screen.findByRole("button", { name: /load/ })
    now = { ...now, counts: now.counts }
    await waitFor(() => expect(asked.some(({ query }) => query.get("changed_since") === "1000")).toBe(true), {
      timeout: 60_000,
    })
    expect(asked.filter(({ query }) => !query.has("changed_since"))).toHaveLength(1)
    screen.getByRole("group", { name: /^Timeline of 40 runs/ })
  })
})
