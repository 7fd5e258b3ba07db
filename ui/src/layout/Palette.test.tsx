import { fireEvent, screen, waitFor } from "@testing-library/react"
import { expect, it, vi } from "vitest"
import { show } from "~/testing/served"
import { usePaletteKeys } from "./Palette"

const navigate = vi.hoisted(() => vi.fn())
vi.mock("@tanstack/react-router", async original => ({ ...(await original<object>()), useNavigate: () => navigate }))

function Keys() {
  usePaletteKeys()
  return (
    <div role="menu">
      <button type="button">Choice</button>
    </div>
  )
}

it("a letter leads to a page after g alone, and not in a menu or dialog", async () => {
  await show(() => <Keys />, { api: () => ({ body: {} }) })
  await waitFor(() => expect(screen.getByText("Choice")).toBeTruthy())
  const press = (key: string, where: Element = document.body) => fireEvent.keyDown(where, { key })
  press("f")
  press("g", screen.getByText("Choice"))
  press("f", screen.getByText("Choice"))
  press("g")
  press("Tab")
  press("f")
  expect(navigate).not.toHaveBeenCalled()
  press("g")
  press("f")
  expect(navigate).toHaveBeenCalledWith({ to: "/flows" })
})
