/**
 * What people do, done by Chromium over a real server: `node e2e/journeys.mjs ADDRESS [PART-OF-ONE …]`. The database has
 * a flow run of each end; each journey says what it sees, and fails if it is something else.
 */

import { ask, launch, visit, watched } from "./browser.mjs"

const [origin, ...parts] = process.argv.slice(2)
const browser = await launch()
const { page, wrong } = await watched(browser, origin)
const wait = { timeout: 20_000 }

async function run(filter) {
  const { items } = await ask(origin, `/api/flow-runs?limit=1&${filter}`)
  if (items.length === 0) throw new Error(`No flow run is like ${filter}.`)
  return items[0]
}

const button = name => page.getByRole("button", { name, exact: typeof name === "string" })

const journeys = {
  async "a run is found by its name, and opened"() {
    const { id, name } = await run("state=COMPLETED")
    await visit(page, `${origin}/flow-runs`)
    await page.locator("[data-main-search]").fill(name)
    await page.waitForURL(/[?]q=/, wait)
    await page.getByRole("link", { name, exact: true }).first().click()
    await page.waitForURL(/\/flow-runs\/[0-9a-f-]{36}/, wait)
    await page.getByRole("heading", { level: 1, name }).waitFor(wait)
    return id
  },
  async "a failed run says what went wrong"() {
    const { items } = await ask(origin, "/api/flow-runs?limit=100&state=FAILED")
    const { id, state } = items.find(each => each.state.message) // a run of a backfill may have none
    await visit(page, `${origin}/flow-runs/${id}`)
    const error = state.message.replace("Flow run encountered an exception. ", "").slice(0, 40)
    await page.getByText(error).first().waitFor(wait)
  },
  async "a crashed run is resumed, and completes"() {
    const { id } = await run("state=CRASHED")
    await visit(page, `${origin}/flow-runs/${id}`)
    await button("Resume…").click()
    await page.getByText(/not run again|can be reused/).waitFor(wait) // what will happen is said first
    await button("Resume the run").click()
    await page.locator("header").getByText("Completed").waitFor({ timeout: 60_000 })
  },
  async "a flow is run again from one of its steps"() {
    const { items } = await ask(origin, "/api/task-runs?limit=1&state=COMPLETED&task=chart")
    const { id, name, flow_run_id } = items[0]
    await visit(page, `${origin}/task-runs/${id}`)
    await button("Run again from here…").click()
    const dialog = page.getByRole("dialog", { name: new RegExp(`again from ${name}`) })
    await dialog.getByText("3 calls do not run again").waitFor(wait)
    await dialog.getByText("from here on").waitFor(wait)
    await dialog.getByRole("button", { name: "Run again" }).click()
    await page.waitForURL(url => /\/flow-runs\/[0-9a-f-]{36}/.test(url) && !url.href.includes(flow_run_id), wait)
    await page.locator("header").getByText("Completed").waitFor({ timeout: 60_000 })
  },
  async "a flow is rerun with another parameter, and the two runs are compared"() {
    const { items } = await ask(origin, "/api/flow-runs?limit=1&state=COMPLETED&flow=sales-report")
    const { id, name, parameters } = items[0]
    await visit(page, `${origin}/flow-runs/${id}`)
    await button("Rerun…").click()
    const dialog = page.getByRole("dialog", { name: `Rerun ${name}?` })
    await dialog.getByText("The flow runs from its start").waitFor(wait)
    await dialog.getByLabel("day").fill("2024-02-29")
    await dialog.getByText("another day").waitFor(wait)
    await dialog.getByRole("button", { name: "Rerun", exact: true }).click()
    await page.waitForURL(url => /\/flow-runs\/[0-9a-f-]{36}/.test(url) && !url.href.includes(id), wait)
    await page.locator("header").getByText("Completed").waitFor({ timeout: 60_000 })
    await page.getByRole("link", { name: "Compare with the earlier run" }).click()
    await page.getByRole("heading", { level: 1, name: "A run and its rerun" }).waitFor(wait)
    const day = page.getByRole("table", { name: "Parameters" }).getByRole("row", { name: /day/ })
    await day.getByText(parameters.day).waitFor(wait)
    await day.getByText("2024-02-29").waitFor(wait)
    await button(/totals_by_product-0/).click()
    await page.getByText("Their values were compared").waitFor(wait)
  },
  async "a run shows the source with which it began"() {
    const { id } = await run("state=FAILED&flow=train-model")
    await visit(page, `${origin}/flow-runs/${id}`)
    await page.getByRole("tab", { name: "Source" }).click()
    await page.getByRole("region", { name: "Code" }).getByText("train_model").first().waitFor(wait)
  },
  async "a view is saved for everybody, renamed and deleted"() {
    await visit(page, `${origin}/flow-runs?state=FAILED&flow=train-model`)
    await button("Save view").click()
    await page.getByRole("textbox", { name: "Name" }).fill("Broken models")
    await page.getByRole("radio", { name: "Everybody" }).click()
    await button("Save").click()
    const views = page.getByRole("navigation", { name: "Views" })
    await visit(page, `${origin}/flow-runs`)
    await views.getByRole("link", { name: /Broken models/ }).click()
    await page.waitForURL(/state=FAILED/, wait)
    await button("Change the view Broken models").click()
    await page.getByRole("menuitem", { name: "Rename…" }).click()
    await page.getByRole("textbox", { name: "Name" }).fill("Models that fail")
    await button("Rename").click()
    await button("Change the view Models that fail").click()
    await page.getByRole("menuitem", { name: "Delete…" }).click()
    await button("Delete the view").click()
    await button("Save view").waitFor(wait)
    const { items } = await ask(origin, "/api/views")
    if (items.length > 0) throw new Error(`Views are left: ${items.map(each => each.name).join(", ")}.`)
  },
  async "the number of failed calls leads to them"() {
    const { items } = await ask(origin, "/api/task-runs?limit=1&state=FAILED")
    const { id, name, flow_run_id } = items[0]
    await visit(page, `${origin}/flow-runs/${flow_run_id}`)
    await page
      .getByRole("list", { name: "Runs that it called" })
      .getByRole("link", { name: /failed/i })
      .click()
    const table = page.getByRole("table", { name: "Task runs" })
    await table.locator(`a[href="/task-runs/${id}"]`).waitFor(wait)
    if ((await table.getByText("Completed").count()) > 0) throw new Error(`The list beside ${name} is not filtered.`)
  },
  async "a paused run is asked about, and cancelled"() {
    const { id } = await run("state=PAUSED")
    await visit(page, `${origin}/flow-runs/${id}`)
    await button("Continue…").click()
    await page.getByRole("dialog").waitFor(wait)
    await page.keyboard.press("Escape")
    await button("Cancel…").click()
    await button("Cancel the run").click()
    await page.locator("header").getByText("Cancelled").waitFor(wait)
  },
  async "a run is deleted"() {
    const { id } = await run("state=CANCELLED")
    await visit(page, `${origin}/flow-runs/${id}`)
    await button("Delete…").click()
    await button("Delete the run").click()
    await page.waitForURL(`${origin}/flow-runs`, wait)
    const answer = await fetch(`${origin}/api/flow-runs/${id}`)
    if (answer.status !== 404) throw new Error(`It is still there: ${answer.status}.`)
  },
  async "a result is looked at and verified"() {
    const { items } = await ask(origin, "/api/results?limit=1&kind=persisted&type=pandas.DataFrame")
    await visit(page, `${origin}/results/${items[0].run_id}`)
    await page.getByRole("table", { name: "The first rows" }).waitFor(wait)
    await button("Verify").click()
    await page.getByText("It exists and is whole.").waitFor(wait)
  },
  async "two results are compared"() {
    await visit(page, `${origin}/results?kind=persisted&type=builtins.dict`)
    await page.getByRole("checkbox", { name: "Select row 1", exact: true }).check()
    await page.getByRole("checkbox", { name: "Select row 2", exact: true }).check()
    await button("Compare the two").click()
    await page.waitForURL(/\/compare\//, wait)
    await page.getByText(/They (differ|are equal)|Whether they are equal/).waitFor(wait)
    const times = await page.locator("main time").evaluateAll(all => all.map(each => each.getAttribute("datetime")))
    if (times.length < 2 || times[0] > times[1]) throw new Error(`They are not in order: ${times.join(", ")}`)
  },
  async "a run is started from a deployment, with parameters"() {
    await visit(page, `${origin}/deployments`)
    await button("Run train-model/retrain now").click()
    const dialog = page.getByRole("dialog", { name: "Run train-model/retrain" })
    await dialog.getByLabel("epochs").fill("many")
    await dialog.getByRole("button", { name: "Run now" }).click()
    await dialog.getByText("A whole number is needed.").waitFor(wait)
    await dialog.getByLabel("epochs").fill("3")
    await dialog.getByRole("button", { name: "Run now" }).click()
    await page.waitForURL(/\/flow-runs\/[0-9a-f-]{36}/, wait)
    await page.locator("header").getByText("Scheduled").waitFor(wait)
    await page.getByRole("link", { name: "train-model/retrain" }).waitFor(wait)
    const run = await ask(origin, `/api${new URL(page.url()).pathname}`)
    if (run.parameters.epochs !== 3) throw new Error(`It has ${JSON.stringify(run.parameters)}.`)
  },
  async "a deployment's runs are gone through by the keyboard"() {
    const [shop] = (await ask(origin, "/api/deployments")).filter(each => each.name === "shop")
    const runs = await ask(origin, `/api/deployments/${shop.id}/runs?limit=100`)
    await visit(page, `${origin}/deployments/${shop.id}`)
    const newest = page.locator(`[data-run="${runs[0].run.id}"]`)
    await newest.focus()
    await page.keyboard.press("ArrowLeft")
    const chosen = await page.evaluate(() => document.activeElement?.getAttribute("data-run"))
    if (chosen === null || chosen === runs[0].run.id) throw new Error("The arrow led nowhere.")
    await page.keyboard.press("Enter")
    await page.waitForURL(`${origin}/flow-runs/${chosen}`, wait)
  },
  async "a deployment is paused and resumed"() {
    await visit(page, `${origin}/deployments`)
    await button("Pause ingest-orders/shop").click()
    await button("Resume ingest-orders/shop").click()
    await button("Pause ingest-orders/shop").waitFor(wait)
  },
  async "the palette leads to a page"() {
    await page.keyboard.press("Control+k")
    await page.keyboard.type("health")
    await page.keyboard.press("Enter")
    await page.waitForURL(/\/health/, wait)
  },
}

for (const [what, go] of Object.entries(journeys)) {
  if (parts.length > 0 && !parts.some(part => what.includes(part))) continue
  try {
    await go()
    console.log(`ok: ${what}`)
  } catch (error) {
    wrong.push(`${what}: ${error.message}`)
  }
}
await browser.close()
for (const each of wrong) console.error(each)
process.exitCode = wrong.length === 0 ? 0 : 1
