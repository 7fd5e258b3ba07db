import { asked, show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"

import { describe, expect, it, vi } from "vitest"
import type { Details } from "./queries"
import { RollBack } from "./RollBack"

const OF = { id: "one", flow_name: "report", name: "nightly", version: 3 } as Details

describe("a rollback", () => {
  it("shows what it changes before it is made, and makes the version that was chosen", async () => {
    const onClose = vi.fn()
    await show(() => <RollBack of={OF} version={1} onClose={onClose} />, {
      api: ({ method }) => ({
        body:
          method === "POST"
            ? { ...OF, version: 4 }
            : { version: 1, current: 3, changes: [{ name: "parameter day", before: null, after: { a: 1 } }] },
      }),
    })
    const row = await screen.findByRole("row", { name: 'parameter day – {"a":1}' })
    expect(row).toBeDefined()
    expect(asked.filter(one => one.method === "POST")).toEqual([])
    fireEvent.click(screen.getByRole("button", { name: "Roll back to version 1" }))
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled())
    expect(asked.find(one => one.method === "POST")).toMatchObject({
      path: "/api/deployments/one/rollback",
      body: { version: 1 },
    })
  })
})
