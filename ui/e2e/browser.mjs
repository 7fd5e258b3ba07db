/** What the scripts here share: Chromium, the pages there are, and what no page may do. */

import { chromium } from "playwright-core"

export const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } }
export const THEMES = ["light", "dark"]

const STATIC = [
  "/",
  "/flow-runs",
  "/failures",
  "/task-runs",
  "/flows",
  "/deployments",
  "/upcoming",
  "/automations",
  "/backfills",
  "/workers",
  "/results",
  "/storage",
  "/artifacts",
  "/variables",
  "/cache",
  "/blocks",
  "/limits",
  "/events",
  "/events?tab=hooks",
  "/events?tab=deliveries",
  "/tokens",
  "/settings",
  "/health",
]

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] })
}

/** One request of the API; throws unless it is answered with success. */
export async function ask(origin, path, options = {}) {
  const answer = await fetch(origin + path, options)
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.status === 204 ? undefined : answer.json()
}

/** The addresses of every page: those that are always there, and some of each kind that the database fills. */
export async function addresses(origin) {
  const items = async path => {
    const found = await ask(origin, path)
    return Array.isArray(found) ? found : found.items
  }
  const runs = []
  for (const state of ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED"]) {
    const [run] = await items(`/api/flow-runs?limit=1&state=${state}`)
    if (run) runs.push(`/flow-runs/${run.id}`)
  }
  const [one, other] = runs.map(path => path.split("/").at(-1))
  const compared = other === undefined ? [] : [`/flow-runs/${one}/compare/${other}`]
  const tasks = (await items("/api/task-runs?limit=1")).map(run => `/task-runs/${run.id}`)
  const results = ofEachType(await items("/api/results?limit=100")).map(result => `/results/${result.run_id}`)
  const flows = (await items("/api/flows?limit=1")).map(flow => `/flows/${encodeURIComponent(flow.name)}`)
  const artifacts = (await items("/api/artifacts?limit=1")).map(artifact => `/artifacts/${artifact.id}`)
  const deployed = (await items("/api/deployments")).slice(0, 6)
  const deployments = deployed.map(each => `/deployments/${each.id}`)
  const automations = (await items("/api/automations")).map(each => `/automations/${each.name}`)
  const backfills = (await items("/api/backfills")).map(each => `/backfills/${each.id}`)
  const definition = deployments.slice(0, 1).map(path => `${path}?view=definition`)
  return [
    ...STATIC,
    ...runs,
    ...compared,
    ...tasks,
    ...results,
    ...flows,
    ...artifacts,
    ...deployments,
    ...definition,
    ...automations,
    ...backfills,
  ]
}

function ofEachType(results) {
  const types = new Map(results.map(result => [result.type, result]))
  return [...types.values()].slice(0, 8)
}

/** A page in which whatever goes wrong is written down: errors, dialogs, and requests that leave the server. */
export async function watched(browser, origin, { theme = "light", size = SIZES.wide, ...options } = {}) {
  const context = await browser.newContext({ colorScheme: theme, viewport: size, ...options })
  const page = await context.newPage()
  const wrong = []
  page.on("dialog", async dialog => {
    wrong.push(`a dialog: ${dialog.message()}`)
    await dialog.dismiss()
  })
  page.on("pageerror", error => wrong.push(`an error: ${error.message}`))
  page.on("console", message => {
    if (message.type() === "error") wrong.push(`an error on the console: ${message.text()} ${message.location().url}`)
  })
  context.on("request", request => {
    const { protocol, origin: asked } = new URL(request.url())
    if (asked !== origin && protocol !== "data:" && protocol !== "blob:") wrong.push(`a request to ${request.url()}`)
  })
  return { context, page, wrong }
}

/** Go to a page, and wait until nothing is being loaded. The stream of changes never ends, so it does not count. */
export async function load(page, address) {
  await page.goto(address, { waitUntil: "load" })
  await shown(page)
}

/** Go to a page as by a link, and let it come to rest. */
export async function follow(page, address) {
  await page.evaluate(there => history.pushState({}, "", there), address)
  await page.waitForTimeout(100)
  await shown(page)
}

async function shown(page) {
  await page.waitForSelector("main :is(h1, h2), main form", { timeout: 60_000 }) // a busy machine takes its time
  await page
    .waitForFunction(() => document.querySelector("main [role=status][aria-label=Loading]") === null, undefined, {
      timeout: 10_000,
    })
    .catch(() => undefined)
}

/** The same, and let it come to rest. */
export async function visit(page, address) {
  await load(page, address)
  await page.waitForTimeout(100)
}
