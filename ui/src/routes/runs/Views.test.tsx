import { asked, show } from "~/testing/served"
import { fireEvent, screen, within } from "@testing-library/react"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { Views } from "./Views"

const SHARED = {
  id: "00000000-0000-7000-8000-000000000001",
  name: "Broken",
  page: "/flow-runs",
  search: "?state=FAILED",
  owner: "ci",
  created: "2026-05-01T06:00:00Z",
  updated: "2026-05-01T06:00:00Z",
}

async function open({ scope = "write", status = 201 } = {}) {
  await show(() => <Views of="/flow-runs" given={[{ name: "All", search: "" }]} search="?q=x" />, {
    api: ({ method, path }) => {
      if (path === "/api/session") return { body: { scope } }
      if (method !== "GET") return { status, body: status < 300 ? SHARED : { error: { kind: "x", message: "taken" } } }
      return { body: { items: [SHARED], next: null } }
    },
  })
  await screen.findByRole("link", { name: /Broken/ })
}

async function name(text: string, whose: string) {
  fireEvent.click(screen.getByRole("button", { name: "Save view" }))
  const dialog = within(await screen.findByRole("dialog"))
  fireEvent.change(dialog.getByLabelText("Name"), { target: { value: text } })
  fireEvent.click(dialog.getByRole("radio", { name: whose }))
  fireEvent.click(dialog.getByRole("button", { name: "Save" }))
  return dialog
}

const changes = () => asked.filter(({ method }) => method !== "GET")

beforeEach(() => localStorage.clear())

describe("views", () => {
  it("that are shared say by whom, and lead to what they show", async () => {
    await open()
    const link = screen.getByRole("link", { name: "Broken, shared with everybody by ci" })
    expect(link.getAttribute("href")).toBe("/flow-runs?state=FAILED")
  })

  it("are saved for everybody", async () => {
    await open()
    await name("Mine", "Everybody")
    await vi.waitFor(() => expect(changes()).toHaveLength(1))
    expect(changes()[0]?.body).toEqual({ name: "Mine", page: "/flow-runs", search: "?q=x" })
    expect(localStorage.getItem("perdure.views./flow-runs")).toBeNull()
  })

  it("are saved in this browser alone", async () => {
    await open()
    await name("Mine", "Only here")
    await screen.findByRole("link", { name: "Mine" })
    expect(changes()).toEqual([])
  })

  it("that somebody may not share stay in this browser", async () => {
    await open({ scope: "read" })
    const dialog = await name("Mine", "Everybody")
    expect(changes()).toEqual([])
    expect(dialog.queryByText(/taken/)).toBeNull()
    await screen.findByRole("link", { name: "Mine" })
  })

  it("whose name is taken say so", async () => {
    await open({ status: 409 })
    const dialog = await name("Broken", "Everybody")
    await dialog.findByText(/taken/)
  })
})
