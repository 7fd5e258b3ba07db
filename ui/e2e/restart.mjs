/**
 * The server is stopped and started again under open pages: `node e2e/restart.mjs ADDRESS`. It prints `stop` and `start`
 * when that is to be done, and reads a line when it is.
 */

import { createInterface } from "node:readline"
import { launch, load } from "./browser.mjs"

const [origin] = process.argv.slice(2)
const OPEN = [
  "/",
  "/flow-runs",
  "/task-runs",
  "/flows",
  "/results",
  "/artifacts",
  "/variables",
  "/cache",
  "/blocks",
  "/events",
]
const RECOVERED = 5_000 // ms after the server is back
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function have(what) {
  console.log(what)
  await lines.next()
}

const browser = await launch()
const context = await browser.newContext()
const pages = []
for (const path of OPEN) {
  const page = await context.newPage()
  await load(page, origin + path)
  pages.push(page)
}
const away = page => page.getByText("The server does not answer. The page may be out of date")
const [first] = pages

await have("stop")
await first.getByRole("link", { name: "Limits", exact: true }).click()
await first.getByText("The server did not send the page’s files").waitFor({ timeout: 10_000 })
await first.getByRole("navigation", { name: "Pages" }).waitFor({ timeout: 1_000 }) // the shell stays
await Promise.all(pages.map(page => away(page).waitFor({ timeout: 10_000 })))

await have("start")
await Promise.all(pages.map(page => away(page).waitFor({ state: "detached", timeout: RECOVERED })))
await first.getByRole("heading", { level: 1, name: "Limits" }).waitFor({ timeout: RECOVERED })
for (const page of pages.slice(1)) await page.getByRole("heading", { level: 1 }).waitFor({ timeout: RECOVERED })
await browser.close()
process.exit(0)
