/** Visits every page of a database full of hostile text: `node e2e/walls.mjs ADDRESS`. Says what any of it did. */

import { addresses, ask, follow, launch, visit, watched } from "./browser.mjs"

const AT_ONCE = 3
const EACH = 200 // of runs, artifacts and results
const TABS = ["logs", "parameters", "artifacts", "results", "states"]

const [origin] = process.argv.slice(2)
const ids = async (kind, query = "") =>
  (await ask(origin, `/api/${kind}?limit=${EACH}${query}`)).items.map(each => each.id)
const runs = await ids("flow-runs")
const tabs = runs.slice(0, 2).flatMap(id => TABS.map(tab => `/flow-runs/${id}?tab=${tab}`))

const wanted = new Set([
  ...(await addresses(origin)),
  ...runs.map(id => `/flow-runs/${id}`),
  ...tabs,
  ...(await ids("artifacts", "&kind=markdown")).map(id => `/artifacts/${id}`),

  ...odd(["flow-runs", "task-runs", "results", "flows", "settings"]),
])

/** Addresses that are hostile themselves. */
function odd(kinds) {
  const texts = ["<script>owned()</script>", "javascript:owned()", "__proto__", "%00", "../../api/tokens", "‮x"]
  return kinds.flatMap(kind =>
    texts.map(text => `/${kind}?q=${encodeURIComponent(text)}&__proto__[polluted]=1&state=__proto__`),
  )
}

const browser = await launch()
const found = []
const waiting = [...wanted]
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    const { context, page, wrong } = await watched(browser, origin)
    await page.addInitScript(() => {
      for (const name of ["owned", "alert", "confirm", "prompt", "open"]) {
        window[name] = () => console.error(`${name} was called`)
      }
    })
    let loaded = false
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      // As by a link, which is a third of the work; an address that is hostile itself is loaded.
      const go = loaded && !path.includes("?q=") ? follow : visit
      await go(page, origin + path).catch(error => wrong.push(`not shown: ${error.message}`))
      loaded = true
      if (new URL(page.url()).origin !== origin) wrong.push(`it left for ${page.url()}`)
      wrong.push(...(await page.evaluate(hostileParts)))
      found.push(...wrong.splice(0).map(each => `${path}: ${each}`))
    }
    await context.close()
  }),
)
await browser.close()
console.log(`${wanted.size} pages were visited.`)
for (const each of found) console.error(each)
process.exitCode = found.length === 0 ? 0 : 1

/** Elements, attributes and properties that no text may have made. In the page. */
function hostileParts() {
  const told = []
  if ({}.polluted !== undefined) told.push("Object.prototype is polluted")
  const banned = "iframe, object, embed, base, form[action], meta[http-equiv=refresh i], math, marquee, video, audio"
  for (const each of document.querySelectorAll(banned)) told.push(`an element ${each.outerHTML.slice(0, 200)}`)
  for (const each of document.querySelectorAll("script")) {
    if (new URL(each.src || "about:blank").origin !== location.origin)
      told.push(`a script ${each.outerHTML.slice(0, 200)}`)
  }
  for (const each of document.querySelectorAll("body *")) {
    for (const { name, value } of each.attributes) {
      if (name.startsWith("on")) told.push(`a handler ${name}=${value.slice(0, 100)}`)
      const leads = ["href", "src", "xlink:href", "action", "formaction", "srcset", "srcdoc"].includes(name)
      if (leads && /^\s*(javascript|vbscript|data:text)/i.test(value)) told.push(`${name}=${value.slice(0, 100)}`)
      if (name === "style" && /url\(|expression|@import/i.test(value)) told.push(`style=${value.slice(0, 100)}`)
    }
  }
  return told
}
