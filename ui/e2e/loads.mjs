/**
 * What a page's first load takes in a browser that runs and has nothing of it, and what it does for some seconds after:
 * `node e2e/loads.mjs ADDRESS SECONDS PATH…` prints a line of JSON for each path.
 */

import { launch, load, watched } from "./browser.mjs"

const [origin, seconds, ...paths] = process.argv.slice(2)
const browser = await launch()
await (await browser.newPage()).goto(`${origin}/api/version`)
for (const path of paths) {
  const { context, page, wrong } = await watched(browser, origin)
  await page.addInitScript(() => {
    window.seen = { paint: 0, shift: 0, long: [] }
    const see = (type, note) => {
      new PerformanceObserver(list => list.getEntries().forEach(note)).observe({ type, buffered: true })
    }
    see("largest-contentful-paint", entry => (window.seen.paint = entry.startTime))
    see("layout-shift", entry => (window.seen.shift += entry.hadRecentInput ? 0 : entry.value))
    see("longtask", entry => window.seen.long.push([entry.startTime, entry.duration]))
  })
  await load(page, origin + path)
  const usable = await page.evaluate(() => performance.now())
  await page.waitForTimeout(Number(seconds) * 1_000)
  const { seen, bytes } = await page.evaluate(() => ({
    seen: window.seen,
    bytes: performance
      .getEntriesByType("resource")
      .filter(entry => entry.name.endsWith(".js"))
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
  }))
  const longest = isIn => Math.max(0, ...seen.long.filter(([start]) => isIn(start)).map(([, duration]) => duration))
  const tasks = { loading: longest(start => start < usable), after: longest(start => start >= usable) }
  console.log(JSON.stringify({ path, bytes, usable, paint: seen.paint, shift: seen.shift, ...tasks, wrong }))
  await context.close()
}
await browser.close()
