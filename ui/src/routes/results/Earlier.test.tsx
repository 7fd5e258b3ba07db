import { asked, show } from "~/testing/served"
import { screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Earlier } from "./Earlier"

const ID = "00000000-0000-7000-8000-000000000001"
const OTHER = "00000000-0000-7000-8000-000000000002"
const RUN = { id: ID, kind: "flow run", name: "brisk-owl", of: "orders" } as Schemas["RunName"]

function resultOf(id: string, run: Schemas["RunName"]) {
  return {
    run_id: id,
    run: { ...run, id, name: `run-${id.slice(-1)}` },
    created: "2026-05-01T06:00:00Z",
    preview: null,
    value: 1,
  }
}

describe("other results to compare with", () => {
  it("are those of the flow itself, however many its tasks have made", async () => {
    await show(() => <Earlier id={ID} run={RUN} />, {
      api: ({ query }) => {
        const own = [resultOf(ID, RUN), resultOf(OTHER, RUN)]
        return { body: { items: query.get("of_task") === "false" ? own : [], next: null } }
      },
    })
    const link = await screen.findByRole("link", { name: "run-2" })
    expect(link.getAttribute("href")).toContain(`/results/${OTHER}/compare/${ID}`)
    expect(asked[0]?.query.get("flow")).toBe("orders")
  })
})
