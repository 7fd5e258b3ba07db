import { show } from "~/testing/served"
import { fireEvent, screen } from "@testing-library/react"
import { afterEach, expect, it, vi } from "vitest"
import { keep, kept } from "~/lib/browserStorage"
import { Watch } from "./Watch"

afterEach(() => {
  keep("pinned-flows", null)
  keep("announced-flows", null)
  vi.unstubAllGlobals()
})

it("a flow is pinned, and taken off again", async () => {
  await show(() => <Watch flow="billing" />, { api: () => undefined })
  fireEvent.click(await screen.findByRole("button", { name: "Pin it to the menu" }))
  expect(kept("pinned-flows")).toBe('["billing"]')
  fireEvent.click(await screen.findByRole("button", { name: "Take it off the menu" }))
  expect(kept("pinned-flows")).toBeNull()
})

it("failures are announced once the browser is allowed to", async () => {
  const requestPermission = vi.fn().mockResolvedValueOnce("denied").mockResolvedValueOnce("granted")
  vi.stubGlobal("Notification", { permission: "default", requestPermission })
  await show(() => <Watch flow="billing" />, { api: () => undefined })
  const button = await screen.findByRole("button", { name: "Announce its failures in the browser" })
  fireEvent.click(button)
  await vi.waitFor(() => expect(requestPermission).toHaveBeenCalledTimes(1))
  expect(kept("announced-flows")).toBeNull()
  fireEvent.click(button)
  await screen.findByRole("button", { name: "Announce its failures no more" })
  expect(kept("announced-flows")).toBe('["billing"]')
})
