/** The content of a result's preview, by its kind. Nothing in it is trusted to be as it should. */
export type Preview =
  | { kind: "json"; value: unknown; length: number | null; isCut: boolean }
  | { kind: "text"; text: string; length: number | null }
  | { kind: "bytes"; hex: string; length: number | null }
  | {
      kind: "table"
      rows: number | null
      columns: { name: string; dtype: string }[]
      head: string[][]
      memory: number | null
    }
  | { kind: "array"; shape: number[]; dtype: string; bytes: number | null; head: unknown; stats: Statistics | null }
  | { kind: "image"; width: number; height: number; source: string | null }
  | { kind: "exception"; type: string; message: string; frames: { file: string; line: number; in: string }[] }
  | { kind: "object"; text: string | null; fields: unknown }

export interface Statistics {
  sampled: number | null
  nan: number
  min: number | null
  max: number | null
  mean: number | null
  histogram: number[]
}

type Json = Record<string, unknown>

const IMAGE = /^[A-Za-z0-9+/=\s]+$/

/** The preview of a result; null where there is none, or one that cannot be read. */
export function previewOf(given: unknown): Preview | null {
  if (!isJson(given)) return null
  const number = (name: string) => (typeof given[name] === "number" ? given[name] : null)
  const text = (name: string) => (typeof given[name] === "string" ? given[name] : null)
  switch (given["kind"]) {
    case "json":
      return { kind: "json", value: given["value"], length: number("length"), isCut: given["value"] === undefined }
    case "text":
      return { kind: "text", text: text("value") ?? "", length: number("length") }
    case "bytes":
      return { kind: "bytes", hex: text("hex") ?? "", length: number("length") }
    case "table":
      return {
        kind: "table",
        rows: number("rows"),
        columns: list(given["columns"]).map(each => ({
          name: isJson(each) ? asText(each["name"]) : asText(each),
          dtype: isJson(each) ? asText(each["dtype"]) : "",
        })),
        head: list(given["head"]).map(row => list(row).map(asText)),
        memory: number("memory"),
      }
    case "array":
      return {
        kind: "array",
        shape: list(given["shape"]).filter(each => typeof each === "number"),
        dtype: text("dtype") ?? "",
        bytes: number("bytes"),
        head: given["head"],
        stats: statisticsOf(given["stats"]),
      }
    case "image": {
      const png = text("png") ?? text("thumbnail")
      const source = png !== null && IMAGE.test(png) ? `data:image/png;base64,${png}` : null
      return { kind: "image", width: number("width") ?? 0, height: number("height") ?? 0, source }
    }
    case "exception":
      return {
        kind: "exception",
        type: text("type") ?? "",
        message: text("message") ?? "",
        frames: list(given["frames"])
          .filter(isJson)
          .map(each => ({
            file: asText(each["file"]),
            line: Number(each["line"] ?? 0),
            in: asText(each["function"]),
          })),
      }
    case "object":
      return { kind: "object", text: text("text"), fields: given["fields"] ?? null }
    default:
      return null
  }
}

function statisticsOf(given: unknown): Statistics | null {
  if (!isJson(given)) return null
  const number = (name: string) => (typeof given[name] === "number" ? given[name] : null)
  return {
    sampled: number("sampled"),
    nan: number("nan") ?? 0,
    min: number("min"),
    max: number("max"),
    mean: number("mean"),
    histogram: list(given["histogram"]).filter(each => typeof each === "number"),
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value)
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

const LINE = 160 // characters

/** A preview as a few words, for a line of a list. */
export function inWords(preview: Preview | null, value: unknown): string {
  if (preview === null) return value === null || value === undefined ? "" : cut(JSON.stringify(value))
  switch (preview.kind) {
    case "json":
      return cut(asText(preview.value))
    case "text":
      return cut(preview.text)
    case "bytes":
      return `${(preview.length ?? 0).toLocaleString()} bytes`
    case "table":
      return `${(preview.rows ?? 0).toLocaleString()} rows: ${cut(preview.columns.map(each => each.name).join(", "))}`
    case "array":
      return `${preview.shape.map(each => each.toLocaleString()).join(" × ") || "one"} ${preview.dtype}`
    case "image":
      return `${preview.width} × ${preview.height}`
    case "exception":
      return cut(preview.message)
    case "object":
      return cut(preview.text ?? "")
  }
}

function cut(text: string): string {
  return text.length > LINE ? `${text.slice(0, LINE)}…` : text
}

/** A number as people read it: no more digits than matter. */
export function readable(number: number | null): string {
  if (number === null) return "–"
  const size = Math.abs(number)
  if (number === 0 || (size >= 1e-4 && size < 1e9))
    return Number(number.toPrecision(6)).toLocaleString(undefined, { maximumFractionDigits: 8 })
  return number.toExponential(4)
}
