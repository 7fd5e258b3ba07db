/**
 * Fifteen jobs by keyboard alone, each from the overview: `node e2e/keyboard.mjs ADDRESS [PART-OF-ONE …]`. Of each it says
 * how many keys were pressed beside what was typed, and how many links, buttons or shortcuts led there. What has the
 * focus has to be seen, and to show that it has it. A flow has to run meanwhile.
 */

import { launch, visit, watched } from "./browser.mjs"

const [origin, ...parts] = process.argv.slice(2)
const browser = await launch()
const { page, wrong } = await watched(browser, origin)
const wait = { timeout: 20_000 }
const MOST_TABS = 40 // to what is looked for: beyond that nobody gets by keyboard

let keys = 0
let steps = 0

async function press(...each) {
  for (const key of each) {
    await page.keyboard.press(key)
    keys++
  }
}

/** What has the focus: its role, its name, and what is wrong with how it shows that. */
const focused = () =>
  page.evaluate(() => {
    const it = document.activeElement
    if (it === null || it === document.body) return { role: "", name: "", fault: "" }
    const labelled = (it.getAttribute("aria-labelledby") ?? "")
      .split(" ")
      .map(id => document.getElementById(id)?.innerText)
    const label = it.labels?.[0]?.innerText ?? it.getAttribute("placeholder")
    const name = it.getAttribute("aria-label") || labelled.join("") || label || it.innerText || ""
    const natural = { A: "link", BUTTON: "button", INPUT: it.type === "checkbox" ? "checkbox" : "textbox" }[it.tagName]
    const [box, style] = [it.getBoundingClientRect(), getComputedStyle(it)]
    const isShown = box.width > 0 && box.height > 0 && style.visibility === "visible"
    const hasRing = style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 1
    const fault = !isShown
      ? "is not to be seen"
      : hasRing || it.tagName === "BODY"
        ? ""
        : "does not show that it has the focus"
    return {
      role: it.getAttribute("role") ?? natural ?? it.tagName.toLowerCase(),
      name: name.replace(/\s+/g, " ").trim(),
      fault,
    }
  })

const isIt = (wanted, name) => (typeof wanted === "string" ? name === wanted : wanted.test(name))

/** Press Tab until something has the focus. */
async function to(role, wanted, key = "Tab") {
  const seen = []
  for (let tab = 0; tab < MOST_TABS; tab++) {
    await press(key)
    const it = await focused()
    if (it.fault) throw new Error(`${it.role} ${JSON.stringify(it.name)} ${it.fault}.`)
    if (it.role === role && isIt(wanted, it.name)) return
    seen.push(`${it.role} ${it.name.slice(0, 20)}`)
  }
  throw new Error(`No ${role} ${wanted} within ${MOST_TABS} keys, but ${seen.join(", ")}.`)
}

/** Choose what has the focus, by Enter or the Space bar. */
async function choose(role, wanted, key = "Enter") {
  await to(role, wanted)
  await press(key)
  steps++
}

/** Past the navigation, by the link that comes first. */
async function intoContent() {
  await to("link", "Skip to the content")
  await press("Enter")
}

/** A button has the focus, in a list that has opened or back out of it. */
const inList = wanted =>
  page.waitForFunction(
    is => {
      const it = document.activeElement
      const list = it?.closest("[data-radix-popper-content-wrapper]") ?? null
      return is ? list !== null : list === null && it?.tagName === "BUTTON"
    },
    wanted,
    wait,
  )

/** Choose a value of a filter, or of another list of choices: by what is typed, or by the arrows. */
async function pick(filter, value, ...moves) {
  await to("button", filter)
  await press("Enter")
  await inList(true)
  if (value !== "") await page.keyboard.type(value)
  await press(...moves, "Enter", "Escape")
  await inList(false)
  steps++
}

/** To a page, by its shortcut. */
async function go(letter) {
  await press("g", letter)
  steps++
}

/** To what the palette finds. */
async function find(text) {
  await press("Control+k")
  await page.keyboard.type(text)
  await page
    .getByRole("option", { name: new RegExp(text, "i") })
    .first()
    .waitFor(wait)
  await press("Enter")
  steps++
}

const shows = (role, name) =>
  page
    .getByRole(role, { name, exact: typeof name === "string" })
    .first()
    .waitFor(wait)
const at = url => page.waitForURL(url, wait)

/** A page with a list that has a row. */
async function lists(title, name) {
  await page.getByRole("heading", { level: 1, name: new RegExp(`^${title}`) }).waitFor(wait)
  await page.getByRole("table").getByRole("link", { name }).first().waitFor(wait)
}

const says = text => page.getByText(text).first().waitFor(wait)
const state = text => page.locator("header").getByText(text).first().waitFor({ timeout: 60_000 })

const jobs = {
  async "why a run failed, in what it called"() {
    await intoContent()
    await choose("link", /^\d+ failed$/)
    await lists("Flow runs", /^week until/)
    await choose("link", /^week until/)
    await says(/orders.example.org does not answer/)
    await choose("link", /^1 failed$/)
    await says(/orders.example.org does not answer/)
  },
  async "failed runs of a flow, with a tag, of the last seven days"() {
    await go("r")
    await lists("Flow runs", /./)
    await pick(/^State/, "f")
    await pick(/^Flow/, "close-week")
    await pick(/^Tags/, "finance")
    await pick(/^Created/, "", "ArrowDown", "ArrowDown")
    await at(/(?=.*state=FAILED)(?=.*flow=close-week)(?=.*tag=finance)(?=.*created=7d)/)
    await lists("Flow runs", /^week until/)
  },
  async "the slowest task of a run"() {
    await find("train credit-risk")
    await shows("tab", "Timeline")
    await pick(/^Order/, "Longest")
  },
  async "a run is started from a deployment, with parameters"() {
    await go("d")
    await lists("Deployments", "retrain")
    await press("/")
    await page.keyboard.type("train-model")
    await at(/q=train-model/)
    await choose("button", "Run train-model/retrain now")
    await shows("dialog", "Run train-model/retrain")
    await to("textbox", /epochs/)
    await page.keyboard.type("3")
    await choose("button", "Run now")
    await state("Scheduled")
  },
  async "a paused run is continued, with input"() {
    await intoContent()
    await choose("link", /^release 1/)
    await shows("button", "Continue…")
    await choose("button", "Continue…")
    await page.getByRole("dialog").waitFor(wait)
    await to("select", /^Approved/)
    await page.keyboard.type("yes")
    await choose("button", /^Continue/)
    await state("Completed")
  },
  async "a crashed run is resumed"() {
    await intoContent()
    await choose("link", /^\d+ crashed$/)
    await lists("Flow runs", "reindex-search")
    await to("table", "Flow runs")
    await press("ArrowDown", "Enter")
    await shows("button", "Resume…")
    await choose("button", "Resume…")
    await says(/not run again|can be reused/)
    await choose("button", "Resume the run")
    await state("Completed")
  },
  async "two results are compared"() {
    await go("s")
    await lists("Results", /./)
    await to("table", "Results")
    await press("ArrowDown", "x", "ArrowDown", "x")
    await to("button", "Compare the two", "Shift+Tab")
    await press("Enter")
    steps++
    await says(/They (differ|are equal)|Whether they are equal/)
  },
  async "what a result was made from"() {
    await go("s")
    await lists("Results", /./)
    await to("table", "Results")
    await press("ArrowDown", "Enter")
    await shows("heading", "Lineage")
  },
  async "how storage grows"() {
    await find("storage")
    await shows("table", /^Storage by/)
  },
  async "the log of a run as it runs"() {
    await intoContent()
    await choose("link", /^stream-/)
    await shows("tab", "Timeline")
    await to("tab", "Timeline")
    for (const next of ["Graph", "Task runs", "Log"]) {
      await press("ArrowRight")
      await page.waitForFunction(name => document.activeElement?.innerText === name, next, wait)
    }
    await press("Enter")
    steps++
    await shows("tabpanel", "Log")
  },
  async "a view is shared with everybody"() {
    await intoContent()
    await choose("link", /^\d+ failed$/)
    await lists("Flow runs", /./)
    await choose("button", "Save view")
    await page.keyboard.type("What failed")
    await to("radio", /./)
    await press("ArrowRight")
    await choose("button", "Save")
    await shows("link", /What failed/)
  },
  async "what runs now"() {
    await intoContent()
    await choose("link", /^\d+ running$/)
    await lists("Flow runs", /^stream-/)
  },
  async "a run is cancelled"() {
    await intoContent()
    await choose("link", /^stream-/)
    await shows("button", "Cancel…")
    await choose("button", "Cancel…")
    await choose("button", "Cancel the run")
    await state(/Cancel/)
  },
  async "what is scheduled next"() {
    await go("u")
    await at(/upcoming/)
    await shows("link", "retrain")
  },
  async "who runs what, where"() {
    await go("w")
    await lists("Workers", /^\d+ of \d+$/)
    await choose("link", /^\d+ of \d+$/)
    await page.getByRole("heading", { level: 1, name: /^Flow runs/ }).waitFor(wait)
  },
}

for (const [what, job] of Object.entries(jobs)) {
  if (parts.length > 0 && !parts.some(part => what.includes(part))) continue
  keys = steps = 0
  try {
    await visit(page, origin)
    await job()
    console.log(`ok: ${what}: ${keys} keys, ${steps} steps`)
  } catch (error) {
    const { role, name } = await focused()
    wrong.push(`${what}: ${error.message}; at ${page.url()}, with the focus on ${role || "nothing"} ${name}`)
  }
}
await browser.close()
for (const each of wrong) console.error(each)
process.exitCode = wrong.length === 0 ? 0 : 1
