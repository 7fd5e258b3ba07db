import { asked, show } from "~/testing/served"
import { fireEvent, render, screen, waitFor } from "@testing-library/react"
import { expect, it, vi } from "vitest"
import { ChoiceFilter, TagFilter } from "./Filters"

const CHOICES = ["a", "b", "c", "d", "e", "f", "g", "outer-join", "router", "outer"].map(value => ({
  value,
  label: value,
}))

it("Enter chooses what matches best of what was typed, and not the first of all", () => {
  const choose = vi.fn()
  render(<ChoiceFilter label="Flow" choices={CHOICES} value={[]} onChange={choose} />)
  fireEvent.click(screen.getByRole("button", { name: "Flow" }))
  const find = screen.getByLabelText("Find flow")
  fireEvent.submit(find)
  expect(choose).not.toHaveBeenCalled()
  fireEvent.change(find, { target: { value: "outer" } })
  fireEvent.submit(find)
  expect(choose).toHaveBeenCalledWith(["outer"])
})

async function openTags(value: readonly string[] = []) {
  const choose = vi.fn()
  const known = ["daily", "production", "team-data"]
  await show(() => <TagFilter value={value} onChange={choose} />, {
    api: ({ query }) => ({ body: known.filter(tag => tag.includes(query.get("q") ?? "")) }),
  })
  fireEvent.click(screen.getByRole("button", { name: /^Tags/ }))
  return choose
}

it("tags that runs have are offered, but for those that are chosen; choosing one closes the list", async () => {
  const choose = await openTags(["daily"])
  fireEvent.click(await screen.findByRole("button", { name: "production" }))
  expect(choose).toHaveBeenCalledWith(["daily", "production"])
  await waitFor(() => expect(screen.queryByLabelText("A tag")).toBeNull())
})

it("Enter adds the tag that matches best of what is typed, and else what is typed", async () => {
  const choose = await openTags()
  const typed = (text: string) => fireEvent.change(screen.getByLabelText("A tag"), { target: { value: text } })
  typed("team")
  await waitFor(() => expect(asked.at(-1)?.query.get("q")).toBe("team"))
  await waitFor(() => expect(screen.queryByRole("button", { name: "production" })).toBeNull())
  fireEvent.submit(screen.getByLabelText("A tag"))
  expect(choose).toHaveBeenCalledWith(["team-data"])
  await waitFor(() => expect(screen.queryByLabelText("A tag")).toBeNull())
  fireEvent.click(screen.getByRole("button", { name: /^Tags/ }))
  typed("nowhere")
  await waitFor(() => expect(screen.queryByRole("button", { name: "team-data" })).toBeNull())
  fireEvent.submit(screen.getByLabelText("A tag"))
  expect(choose).toHaveBeenLastCalledWith(["nowhere"])
})

it("arrows go through the choices, and a letter to the next one that begins with it", () => {
  const choices = ["Running", "Completed", "Failed", "Crashed"].map(value => ({ value, label: value }))
  render(<ChoiceFilter label="State" choices={choices} value={[]} onChange={vi.fn()} />)
  fireEvent.click(screen.getByRole("button", { name: "State" }))
  const focused = (key: string) => {
    fireEvent.keyDown(document.activeElement ?? document.body, { key })
    return document.activeElement?.textContent
  }
  screen.getByRole("button", { name: "Running" }).focus()
  expect(["ArrowDown", "ArrowUp", "ArrowUp", "c", "c", "c", "f", "z"].map(focused)).toEqual([
    "Completed",
    "Running",
    "Running",
    "Completed",
    "Crashed",
    "Completed",
    "Failed",
    "Failed",
  ])
})
