import { STATE_TYPES, STATES, type StateType } from "~/components/State"
import { duration } from "~/lib/format"
import type { Bar } from "./bars"
import type { Folding } from "./folding"
import { isFailed } from "./groups"
import { ticks, type View } from "./view"

export const ROW = 20
export const HEAD = 26
const SPAN_OF_TICK = 110 // px
const FONT = '11px ui-sans-serif, system-ui, "Segoe UI", sans-serif'

export interface Colours {
  states: Record<StateType, string>
  line: string
  text: string
  faint: string
  surface: string
}

/** The tokens as they are in the theme that is shown. */
export function colours(): Colours {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const states = Object.fromEntries(
    STATE_TYPES.map(type => [type, token(STATES[type].color.slice(4, -1))]),
  ) as Colours["states"]
  return {
    states,
    line: token("--line"),
    text: token("--text"),
    faint: token("--text-faint"),
    surface: token("--surface"),
  }
}

interface Scene {
  bars: readonly Bar[]
  rows: Int32Array
  /** The rows at which groups begin. */
  heads: readonly number[]
  folding: Folding
  view: View
  origin: number
  width: number
  height: number
  /** How far it is scrolled down, in px. */
  top: number
  under: Bar | null
  /** Places of the bars that are to be seen before others, or null. */
  lit: ReadonlySet<number> | null
}

/** Draw what is in sight of a timeline. */
export function draw(canvas: HTMLCanvasElement, scene: Scene, colour: Colours): void {
  const { bars, rows, view, width, height, top, under, lit } = scene
  const dense = window.devicePixelRatio || 1
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense)
    canvas.height = Math.round(height * dense)
    canvas.style.width = `${width}px`
    canvas.style.height = `${height}px`
  }
  const context = canvas.getContext("2d")
  if (context === null) return
  context.setTransform(dense, 0, 0, dense, 0, 0)
  context.clearRect(0, 0, width, height)
  context.font = FONT
  context.textBaseline = "middle"
  const scale = width / (view.until - view.from)
  drawAxis(context, scene, colour, scale)
  context.save()
  context.beginPath()
  context.rect(0, HEAD, width, height - HEAD)
  context.clip()
  drawRows(context, scene, colour)
  drawGaps(context, scene, colour, scale)
  // What failed, and what is to be seen, lies over the rest.
  const layers: ((bar: Bar, index: number) => boolean)[] = [
    (bar, index) => lit?.has(index) !== true && !isFailed(bar),
    (bar, index) => lit?.has(index) !== true && isFailed(bar),
    (_, index) => lit?.has(index) === true,
  ]
  for (const isIn of layers) {
    const drawn = new Map<number, number>() // by row: how far it is drawn, so that a thousand bars in a pixel are one
    bars.forEach((bar, index) => {
      const row = rows[index] ?? 0
      const y = HEAD + row * ROW - top + 2
      if (y > height || y < HEAD - ROW || bar.end < view.from || bar.start > view.until || !isIn(bar, index)) return
      const x = Math.max((bar.start - view.from) * scale, -4)
      const right = Math.min((bar.end - view.from) * scale, width + 4)
      const wide = Math.max(right - x, 2)
      if (wide <= 2 && bar !== under && x + wide <= (drawn.get(row) ?? -1)) return
      drawn.set(row, x + wide)
      const strength = bar === under ? 1 : lit !== null && !lit.has(index) ? 0.22 : bar.isStopped ? 0.5 : 0.88
      drawBar(context, bar, x, y, wide, bar === under, strength, colour)
    })
  }
  sayGaps(context, scene, colour, scale)
  context.restore()
}

/** The bar that is drawn at a place, in px from the left of what is drawn and from below its axis; null where there is none. */
export function barAt(
  { bars, rows, view, width, top, lit }: Pick<Scene, "bars" | "rows" | "view" | "width" | "top" | "lit">,
  x: number,
  y: number,
): Bar | null {
  if (y < 0) return null
  const row = Math.floor((y + top) / ROW)
  const perPixel = (view.until - view.from) / Math.max(1, width)
  const [time, slack] = [view.from + x * perPixel, 3 * perPixel]
  let found: Bar | null = null
  for (let index = bars.length - 1; index >= 0; index -= 1) {
    const bar = bars[index]
    if (bar === undefined || rows[index] !== row || bar.start - slack > time || time > bar.end + slack) continue
    // Of those that lie over each other, the one on top.
    if (found === null || (lit?.has(index) === true && !lit.has(bars.indexOf(found)))) found = bar
    else if (lit === null && bar.type === "FAILED" && found.type !== "FAILED") found = bar
  }
  return found
}

/** A line over each group. */
function drawRows(context: CanvasRenderingContext2D, { heads, top, width }: Scene, colour: Colours): void {
  context.strokeStyle = colour.line
  context.lineWidth = 1
  context.beginPath()
  for (const head of heads) {
    const y = HEAD + head * ROW - top - 0.5
    context.moveTo(0, y)
    context.lineTo(width, y)
  }
  context.stroke()
}

/** Folded times are hatched. */
function drawGaps(context: CanvasRenderingContext2D, scene: Scene, colour: Colours, scale: number): void {
  const { folding, view, height } = scene
  for (const { until, at } of folding.gaps) {
    const x = (at - view.from) * scale
    const wide = (folding.fold(until) - at) * scale
    context.save()
    context.beginPath()
    context.rect(x, HEAD, wide, height - HEAD)
    hatch(context, x, HEAD, wide, height - HEAD, colour.faint)
    context.restore()
  }
}

/** How long each folded time is. */
function sayGaps(context: CanvasRenderingContext2D, { folding, view }: Scene, colour: Colours, scale: number): void {
  for (const { from, until, at } of folding.gaps) {
    const x = (at - view.from) * scale
    const wide = (folding.fold(until) - at) * scale
    const text = duration(until - from)
    const room = context.measureText(text).width + 12
    const middle = x + wide / 2
    context.fillStyle = colour.surface
    context.beginPath()
    context.roundRect(middle - room / 2, HEAD + 4, room, ROW - 4, 8)
    context.fill()
    context.strokeStyle = colour.line
    context.stroke()
    context.fillStyle = colour.faint
    context.fillText(text, middle - room / 2 + 6, HEAD + ROW / 2 + 2)
  }
}

function drawAxis(context: CanvasRenderingContext2D, scene: Scene, colour: Colours, scale: number): void {
  const { view, origin, width, height, folding } = scene
  for (const tick of ticks(view, origin, width / SPAN_OF_TICK)) {
    const place = tick + origin
    if (folding.gaps.some(({ at, until }) => place > at && place < folding.fold(until))) continue
    const x = Math.round((tick + origin - view.from) * scale) + 0.5
    context.strokeStyle = colour.line
    context.beginPath()
    context.moveTo(x, HEAD - 6)
    context.lineTo(x, height)
    context.stroke()
    context.fillStyle = colour.faint
    if (x < width - 50) context.fillText(tick === 0 ? "0" : `+${duration(folding.unfold(place) - origin)}`, x + 4, 11)
  }
}

function drawBar(
  context: CanvasRenderingContext2D,
  bar: Bar,
  x: number,
  y: number,
  wide: number,
  isUnder: boolean,
  strength: number,
  colour: Colours,
): void {
  const tall = ROW - 4
  const fill = colour.states[bar.type]
  context.globalAlpha = strength
  context.fillStyle = fill
  context.beginPath()
  context.roundRect(x, y, wide, tall, Math.min(3, wide / 2))
  context.fill()
  if (isFailed(bar)) hatch(context, x, y, wide, tall, colour.surface)
  if (bar.kind === "flow") {
    context.strokeStyle = colour.text
    context.lineWidth = 1
    context.strokeRect(x + 0.5, y + 0.5, Math.max(1, wide - 1), tall - 1)
  }
  context.globalAlpha = 1
  if (isUnder) {
    context.strokeStyle = colour.text
    context.lineWidth = 1.5
    context.stroke()
  }
  if (wide > 46 && strength >= 0.5) {
    context.save()
    context.beginPath()
    context.rect(x, y, wide - 5, tall)
    context.clip()
    context.fillStyle = strength > 0.5 ? "#ffffff" : colour.text
    context.fillText(bar.name, x + 6, y + tall / 2 + 0.5)
    context.restore()
  }
}

/** Failed and completed differ without colour, too. */
function hatch(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  wide: number,
  tall: number,
  line: string,
): void {
  context.save()
  context.clip()
  context.strokeStyle = line
  context.globalAlpha = 0.35
  context.lineWidth = 1.5
  for (let at = x - tall; at < x + Math.min(wide, 4_000); at += 7) {
    context.beginPath()
    context.moveTo(at, y + tall)
    context.lineTo(at + tall, y)
    context.stroke()
  }
  context.restore()
}

export const MAP = 30 // px

/** Draw a whole timeline small: how much ran at each time, what failed, and what is in sight of it. */
export function drawMap(
  canvas: HTMLCanvasElement,
  { bars, extent, view, width }: { bars: readonly Bar[]; extent: View; view: View; width: number },
  colour: Colours,
): void {
  const dense = window.devicePixelRatio || 1
  canvas.width = Math.round(width * dense)
  canvas.height = Math.round(MAP * dense)
  canvas.style.width = `${width}px`
  canvas.style.height = `${MAP}px`
  const context = canvas.getContext("2d")
  if (context === null) return
  context.scale(dense, dense)
  const scale = width / (extent.until - extent.from)
  const column = (time: number) => Math.min(Math.max(Math.floor((time - extent.from) * scale), 0), width - 1)
  const changes = new Int32Array(width + 1)
  const failures = new Set<number>()
  for (const bar of bars) {
    if (bar.kind === "attempt") continue
    const [from, until] = [column(bar.start), column(bar.end)]
    changes[from] = (changes[from] ?? 0) + 1
    changes[until + 1] = (changes[until + 1] ?? 0) - 1
    if (isFailed(bar)) failures.add(from)
  }
  const heights = new Int32Array(width)
  let running = 0
  for (let x = 0; x < width; x += 1) heights[x] = running += changes[x] ?? 0
  const most = heights.reduce((one, other) => Math.max(one, other), 1)
  context.fillStyle = colour.faint
  context.globalAlpha = 0.5
  heights.forEach((number, x) => {
    const tall = number === 0 ? 0 : Math.max(2, (number / most) * (MAP - 8))
    context.fillRect(x, MAP - tall, 1, tall)
  })
  context.globalAlpha = 1
  context.fillStyle = colour.states.FAILED
  for (const x of failures) context.fillRect(x, 0, 2, 5)
  const [left, right] = [(view.from - extent.from) * scale, (view.until - extent.from) * scale]
  context.fillStyle = colour.surface
  context.globalAlpha = 0.6
  context.fillRect(0, 0, left, MAP)
  context.fillRect(right, 0, width - right, MAP)
  context.globalAlpha = 1
  context.strokeStyle = colour.text
  context.strokeRect(Math.max(left, 0) + 0.5, 0.5, Math.max(right - left, 3) - 1, MAP - 1)
}
