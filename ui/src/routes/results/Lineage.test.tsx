import { show } from "~/testing/served"
import { screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import { Lineage } from "./Lineage"

describe("the lineage of a result", () => {
  it("is unknown, and not denied, where no link is recorded", async () => {
    await show(() => <Lineage id="00000000-0000-7000-8000-000000000001" />, {
      api: () => ({ body: { sources: [], uses: [], runs: [], is_complete: true, same: [] } }),
    })
    expect(await screen.findByText("None is known.")).toBeTruthy()
    expect(screen.getByText(/are not followed/)).toBeTruthy()
  })

  it("leads to the call whose result the flow returned", async () => {
    const same = [{ id: "00000000-0000-7000-8000-000000000002", name: "train-0", of: "train" }]
    await show(() => <Lineage id="00000000-0000-7000-8000-000000000001" />, {
      api: () => ({ body: { sources: [], uses: [], runs: [], is_complete: true, same } }),
    })
    const link = await screen.findByRole("link", { name: "train-0" })
    expect(link.getAttribute("href")).toBe("/results/00000000-0000-7000-8000-000000000002")
    expect(screen.queryByText("None is known.")).toBeNull()
  })
})
