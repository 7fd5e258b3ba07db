/**
 * Frame times of a flow run's timeline while it is panned, zoomed, scrolled and pointed at:
 * `node e2e/timeline.mjs http://127.0.0.1:4400 FLOW_RUN_ID` prints a line of JSON for each, in milliseconds.
 */

import { launch, visit, watched } from "./browser.mjs"

const [origin, id] = process.argv.slice(2)
if (!origin || !id) throw new Error("Call it with the address of a server and the id of a flow run.")

const browser = await launch()
const { page, wrong } = await watched(browser, origin)
await page.addInitScript(() => {
  window.long = []
  window.frames = []
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) window.long.push(Math.round(entry.duration))
  }).observe({ type: "longtask", buffered: true })
  let last = performance.now()
  const frame = now => {
    window.frames.push(now - last)
    last = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})
await visit(page, `${origin}/flow-runs/${id}`)
const chart = page.getByRole("group", { name: /^Timeline of/ })
await chart.waitFor()
const { x, y, width, height } = await chart.boundingBox()
const at = (share, down) => page.mouse.move(x + width * share, y + 30 + (Math.min(height, 400) - 40) * down)

/** What the frames and long tasks were while something was done. */
async function measured(what, doing) {
  await page.waitForTimeout(300)
  await page.evaluate(() => {
    window.long = []
    window.frames = []
  })
  await doing()
  await page.waitForTimeout(200)
  const { long, frames } = await page.evaluate(() => ({ long: window.long, frames: window.frames }))
  frames.sort((one, other) => one - other)
  const p = share => Math.round(frames[Math.min(frames.length - 1, Math.floor(frames.length * share))] ?? 0)
  console.log(JSON.stringify({ what, p50: p(0.5), p95: p(0.95), longest: Math.max(0, ...long) }))
}

console.log(
  JSON.stringify({ what: "until it stands", longest: Math.max(0, ...(await page.evaluate(() => window.long))) }),
)
await measured("hovering", async () => {
  for (let step = 0; step < 60; step += 1) await at(0.1 + step / 75, (step % 20) / 20)
})
await measured("zooming", async () => {
  await chart.focus()
  for (let step = 0; step < 8; step += 1) await page.keyboard.press("+")
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("-")
})
await measured("panning", async () => {
  await at(0.8, 0.5)
  await page.mouse.down()
  for (let step = 0; step < 120; step += 1) await at(0.8 - 0.6 * Math.abs(Math.sin(step / 20)), 0.5)
  await page.mouse.up()
})
await measured("scrolling", async () => {
  for (let step = 0; step < 30; step += 1) await page.mouse.wheel(0, step < 15 ? 60 : -60)
})
await browser.close()
for (const each of wrong) console.error(each)
process.exitCode = wrong.length > 0 ? 1 : 0
