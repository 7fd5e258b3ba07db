import { STATE_TYPES, STATES, type StateType } from "~/components/State"
import { duration } from "~/lib/format"
import { ticks, type Bar, type View } from "./timeline"

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
  view: View
  origin: number
  width: number
  height: number
  /** How far it is scrolled down, in px. */
  top: number
  under: Bar | null
}

/** Draw what is in sight of a timeline. */
export function draw(canvas: HTMLCanvasElement, scene: Scene, colour: Colours): void {
  const { bars, rows, view, width, height, top, under } = scene
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
  const drawn = new Map<number, number>() // by row: how far it is drawn, so that a thousand bars in a pixel are one
  bars.forEach((bar, index) => {
    const row = rows[index] ?? 0
    const y = HEAD + row * ROW - top + 2
    if (y > height || y < HEAD - ROW || bar.end < view.from || bar.start > view.until) return
    const x = Math.max((bar.start - view.from) * scale, -4)
    const right = Math.min((bar.end - view.from) * scale, width + 4)
    const wide = Math.max(right - x, 2)
    if (wide <= 2 && bar !== under && x + wide <= (drawn.get(row) ?? -1)) return
    drawn.set(row, x + wide)
    drawBar(context, bar, x, y, wide, bar === under, colour)
  })
  context.restore()
}

function drawAxis(context: CanvasRenderingContext2D, scene: Scene, colour: Colours, scale: number): void {
  const { view, origin, width, height } = scene
  for (const tick of ticks(view, origin, width / SPAN_OF_TICK)) {
    const x = Math.round((tick + origin - view.from) * scale) + 0.5
    context.strokeStyle = colour.line
    context.beginPath()
    context.moveTo(x, HEAD - 6)
    context.lineTo(x, height)
    context.stroke()
    context.fillStyle = colour.faint
    if (x < width - 50) context.fillText(tick === 0 ? "0" : `+${duration(tick)}`, x + 4, 11)
  }
}

function drawBar(
  context: CanvasRenderingContext2D,
  bar: Bar,
  x: number,
  y: number,
  wide: number,
  isUnder: boolean,
  colour: Colours,
): void {
  const tall = ROW - 4
  const fill = colour.states[bar.type]
  context.globalAlpha = isUnder ? 1 : 0.88
  context.fillStyle = fill
  context.beginPath()
  context.roundRect(x, y, wide, tall, Math.min(3, wide / 2))
  context.fill()
  if (bar.type === "FAILED" || bar.type === "CRASHED") hatch(context, x, y, wide, tall, colour.surface)
  if (!bar.ofTask) {
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
  if (wide > 46) {
    context.save()
    context.beginPath()
    context.rect(x, y, wide - 5, tall)
    context.clip()
    context.fillStyle = "#ffffff"
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
