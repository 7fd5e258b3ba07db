import { keep, kept } from "./browserStorage"

export type Theme = "light" | "dark" | "system"

const dark = () => window.matchMedia("(prefers-color-scheme: dark)")

export function theme(): Theme {
  const value = kept("theme")
  return value === "light" || value === "dark" ? value : "system"
}

export function applyTheme(): void {
  const chosen = theme()
  document.documentElement.dataset["theme"] = chosen === "system" ? (dark().matches ? "dark" : "light") : chosen
}

export function chooseTheme(chosen: Theme): void {
  keep("theme", chosen === "system" ? null : chosen)
  applyTheme()
}

export function followSystemTheme(): void {
  dark().addEventListener("change", applyTheme)
}
