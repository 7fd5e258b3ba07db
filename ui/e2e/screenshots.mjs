/** Every page in both themes and sizes: `node e2e/screenshots.mjs ADDRESS FOLDER [PATH-OR-PART-OF-ONE …]`. */

import { mkdir } from "node:fs/promises"
import { addresses, launch, SIZES, THEMES, visit, watched } from "./browser.mjs"

const [origin, folder, ...parts] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
const chosen = parts.filter(part => part.startsWith("/"))
const all = chosen.length ? chosen : await addresses(origin)
const wanted = all.filter(path => parts.length === 0 || parts.some(part => path.includes(part)))
const browser = await launch()
for (const theme of THEMES) {
  for (const [name, size] of Object.entries(SIZES)) {
    const { context, page, wrong } = await watched(browser, origin, { theme, size })
    for (const path of wanted) {
      await visit(page, origin + path)
      await page.screenshot({ path: `${folder}/${fileOf(path)}-${name}-${theme}.png` })
      for (const each of wrong.splice(0)) console.log(`${path}: ${each}`)
    }
    await context.close()
  }
}
await browser.close()
console.log(`${wanted.length} pages are in ${folder}`)

function fileOf(path) {
  const [kind = "overview", ...rest] = path.split(/[/?=]/).filter(Boolean)
  return [kind, ...rest.map(each => each.slice(-6))].join("-")
}
