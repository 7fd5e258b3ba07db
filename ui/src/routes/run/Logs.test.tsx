import { show } from "~/testing/served"
import { fireEvent, screen, waitFor } from "@testing-library/react"
import { beforeEach, expect, it, vi } from "vitest"
import { Logs } from "./Logs"
import css from "./Logs.module.css"

const ID = "00000000-0000-7000-8000-000000000001"
const LINES = [7, 8, 9].map(id => ({
  ...{ id, flow_run_id: ID, task_run_id: null, level: 20, logger: "perdure" },
  ...{ time: `2026-05-01T06:00:0${id}Z`, message: `line ${id}` },
}))

beforeEach(() => {
  // What a browser has, and lays out: without it, no line is in sight.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600)
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(600)
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(22)
})

it("the time of a line is a link, which marks it and stays in the address", async () => {
  const router = await show(() => <Logs flowRunId={ID} live={false} />, {
    ...{ at: `/flow-runs/${ID}?view=log&level=20`, pattern: "/flow-runs/$id" },
    api: () => ({ body: { items: LINES, next: null } }),
  })
  const line = await screen.findByText("line 8")
  const link = line.parentElement?.querySelector("a")
  expect(link?.getAttribute("href")).toBe(`/flow-runs/${ID}?view=log&level=20&line=8`)
  expect(line.parentElement?.className).not.toContain(css["marked"])
  if (link) fireEvent.click(link)
  await waitFor(() => expect(screen.getByText("line 8").parentElement?.className).toContain(css["marked"]))
  expect(router.state.location.searchStr).toContain("line=8")
  expect(screen.getByText("line 9").parentElement?.className).not.toContain(css["marked"])
})
