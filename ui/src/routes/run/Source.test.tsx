import { show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import { Source } from "./Source"

const ID = "00000000-0000-7000-8000-000000000001"
const RUN = { id: ID, name: "brisk-owl", created: "2026-05-01T06:00:00Z", flow_version: "abc" }
const OWN = {
  run: RUN,
  text: 'def reads():\n    text = """one\ntwo"""\n    return 1\n',
  line: 31,
  is_cut: false,
  digest: "a",
  target: "/code/flights.py:reads",
  directory: "/code",
  code_from: null,
}
const NEWEST = { ...OWN, run: { ...RUN, id: `${ID}2`, name: "calm-heron" }, text: OWN.text.replace("1", "2") }

async function open(body: unknown, at = "/run") {
  await show(() => <Source flowRunId={ID} />, { at, api: () => ({ body }) })
}

describe("the source of a run", () => {
  it("is shown with its place and the numbers of its lines", async () => {
    await open({ own: OWN, newest: OWN })
    await screen.findByText("flights.py:reads")
    expect(screen.getByText("34").parentElement?.textContent).toBe("34    return 1")
    expect(screen.queryByText(/has changed since/)).toBeNull()
  })

  it("that has changed since shows what differs", async () => {
    await open({ own: OWN, newest: NEWEST })
    await screen.findByText(/has changed since/)
    fireEvent.click(screen.getByRole("radio", { name: "Differences" }))
    await screen.findByText("1 line added, 1 removed")
    expect(screen.getByText("Removed:").parentElement?.textContent).toBe("Removed:     return 1")
    expect(screen.getByText("Added:").parentElement?.textContent).toBe("Added:     return 2")
  })

  it("that nobody recorded says so", async () => {
    await open({ own: null, newest: NEWEST })
    await screen.findByText("The source was not recorded")
  })
})
