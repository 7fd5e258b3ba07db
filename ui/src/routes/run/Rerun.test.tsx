import { asked, show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { describe, expect, it, vi } from "vitest"
import type { Schemas } from "~/api/client"
import { Rerun } from "./Rerun"

const RUN = { id: "00000000-0000-7000-8000-000000000001", name: "brisk-owl" } as Schemas["FlowRunModel"]
const STEP = { id: "00000000-0000-7000-8000-000000000002", name: "train-0" }
const PARAMETERS: Schemas["RunParameters"] = {
  values: { day: "monday", rate: 0.5 },
  parameter_schema: { type: "object", properties: { day: { type: "string" }, rate: { type: "number" } } },
  schema_from: "values",
  deployment: null,
}

/** A plan in which calls are changed where a parameter is. */
function planOf(query: URLSearchParams): Schemas["ResumePlan"] {
  const why = query.has("changed") ? "changed" : "later"
  return { reused: 2, cached: 0, runs_again: [{ of: "train", of_task: true, count: 1, why }], unknown: [] }
}

async function open(rerun: { status: number; body: unknown } = { status: 500, body: {} }) {
  const close = vi.fn()
  await show(() => <Rerun run={RUN} from={STEP} onClose={close} />, {
    api: ({ method, path, query }) =>
      method === "POST" ? rerun : { body: path.endsWith("/parameters") ? PARAMETERS : planOf(query) },
  })
  return close
}

const field = (name: string) => screen.findByLabelText<HTMLInputElement>(name)
const type = async (name: string, value: string) => fireEvent.change(await field(name), { target: { value } })
const confirm = () => fireEvent.click(screen.getByRole("button", { name: "Run again" }))

describe("running a flow again", () => {
  it("begins with the parameters of the run", async () => {
    await open()
    expect((await field("day")).value).toBe("monday")
    expect((await field("rate")).value).toBe("0.5")
  })

  it("has a plan that follows what is changed", async () => {
    await open()
    await screen.findByText("from here on")
    await type("rate", "2")
    await screen.findByText("an argument changes")
    await type("rate", "0.5")
    await screen.findByText("from here on")
  })

  it("sends what was changed, and nothing else", async () => {
    const close = await open({ status: 202, body: { ...RUN, id: "00000000-0000-7000-8000-000000000003" } })
    await type("rate", "2")
    confirm()
    await waitFor(() => expect(close).toHaveBeenCalled())
    expect(asked.find(({ method }) => method === "POST")?.body).toEqual({
      from_step: STEP.id,
      parameters: { rate: 2 },
    })
  })

  it("stays open with the command where the server starts nothing", async () => {
    const error = { kind: "NotStarted", message: "It starts no programs.", command: "perdure flow-run rerun x" }
    const close = await open({ status: 409, body: { error } })
    await field("rate")
    confirm()
    await screen.findByText("perdure flow-run rerun x")
    expect(close).not.toHaveBeenCalled()
  })

  it("does not send what is no number", async () => {
    await open()
    await type("rate", "much")
    confirm()
    await screen.findByText("A number is needed.")
    expect(asked.some(({ method }) => method === "POST")).toBe(false)
  })
})
