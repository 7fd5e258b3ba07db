import { show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
import { describe, expect, it } from "vitest"
import type { Schemas } from "~/api/client"
import { Given } from "./Given"

const ID = "00000000-0000-7000-8000-000000000001"
const SOURCE = "00000000-0000-7000-8000-000000000002"
const CALL: Schemas["ReproductionModel"] = {
  python: "from shop import fit\n\nfit.fn(\n    rate=40.0,\n)\n",
  arguments: [
    { name: "rows", shown: '"<numpy.ndarray float32 24>"', code: `get_result("${SOURCE}")`, source_id: SOURCE },
    { name: "rate", shown: "40.0", code: "40.0", source_id: null },
    { name: "model", shown: null, code: null, source_id: null },
  ],
  is_whole: false,
}
const open = (call: Schemas["ReproductionModel"]) =>
  show(() => <Given id={ID} kind="task run" />, {
    api: ({ path }) => (path === `/api/task-runs/${ID}/reproduction` ? { body: call } : undefined),
  })

describe("what a failed run was given", () => {
  it("is each argument; a result of another run leads to it", async () => {
    await open(CALL)
    const link = await screen.findByRole("link", { name: "<numpy.ndarray float32 24>" })
    expect(link.getAttribute("href")).toBe(`/results/${SOURCE}`)
    screen.getByText("40.0")
    screen.getByText("not kept")
  })

  it("is in the Python that calls the function again, which says what it lacks", async () => {
    await open(CALL)
    fireEvent.click(await screen.findByRole("button", { name: "Call it again in Python" }))
    expect(screen.getByRole("region", { name: "Python" }).textContent).toBe(CALL.python)
    screen.getByText(/in place of the dots/)
  })
})
