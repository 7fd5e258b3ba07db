import { expect, test } from "vitest"

const SOURCES = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true })
const IMPORT = /^(?:import|export)\b(?! type\b)[^"']*?from "([^"]+)"|import\("([^"]+)"\)/gm

/** The module that an import names, as `SOURCES` has it; undefined for those of packages. */
function module(from: string, name: string): string | undefined {
  const place = name.startsWith("~/") ? `/${name.slice(2)}` : new URL(name, `file://${from.slice(2)}`).pathname
  return [`${place}.ts`, `${place}.tsx`].map(path => `..${path}`).find(path => path in SOURCES)
}

function imported(path: string): string[] {
  const names = [...(SOURCES[path] ?? "").matchAll(IMPORT)].map(found => found[1] ?? found[2] ?? "")
  return names.flatMap(name => (/^[.~]/.test(name) ? (module(path, name) ?? []) : []))
}

/** Modules that import each other, however far round. */
function circle(path: string, above: readonly string[], seen: Set<string>): readonly string[] {
  if (above.includes(path)) return above.slice(above.indexOf(path))
  if (seen.has(path)) return []
  seen.add(path)
  for (const next of imported(path)) {
    const found = circle(next, [...above, path], seen)
    if (found.length > 0) return found
  }
  return []
}

test("imports are seen", () => {
  expect(imported("../routes/data/Artifact.tsx")).toContain("../components/ArtifactView.tsx")
})

test("no modules import each other, however far round", () => {
  const seen = new Set<string>()
  expect(Object.keys(SOURCES).flatMap(path => circle(path, [], seen))).toEqual([])
})
