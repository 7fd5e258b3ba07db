import { fireEvent, render, screen } from "@testing-library/react"
import { expect, it, vi } from "vitest"
import { ChoiceFilter } from "./Filters"

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
