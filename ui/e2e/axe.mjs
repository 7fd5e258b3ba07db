/** Every page looked at by axe, in both themes: `node e2e/axe.mjs ADDRESS [PART-OF-A-PATH …]`. Says what is not accessible. */

import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { addresses, follow, launch, SIZES, THEMES, visit, watched } from "./browser.mjs"

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

const [origin, ...parts] = process.argv.slice(2)
const wanted = (await addresses(origin)).filter(path => parts.length === 0 || parts.some(part => path.includes(part)))
const browser = await launch()
const found = []
await Promise.all(
  THEMES.map(async (theme, index) => {
    // The narrow page is looked at in the dark. axe needs eval, which the policy forbids.
    const size = Object.values(SIZES)[index]
    const { context, page, wrong } = await watched(browser, origin, { theme, size, bypassCSP: true })
    await visit(page, origin)
    await page.evaluate(axe)
    for (const path of wanted) {
      await follow(page, origin + path)
      const { violations } = await page.evaluate(rules => globalThis.axe.run(document, { runOnly: rules }), RULES)
      for (const { id, help, nodes } of violations) {
        found.push(
          `${path} (${theme}): ${id}: ${help}: ${nodes
            .slice(0, 3)
            .map(node => node.html.slice(0, 200))
            .join(" ")}`,
        )
      }
      found.push(...wrong.splice(0).map(each => `${path} (${theme}): ${each}`))
    }
    await context.close()
  }),
)
await browser.close()
console.log(`${wanted.length} pages were looked at in each theme.`)
for (const each of found) console.error(each)
process.exitCode = found.length === 0 ? 0 : 1
