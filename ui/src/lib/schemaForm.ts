/** The fields of a form, from the JSON schema of what it makes. */

export type Kind = "text" | "lines" | "integer" | "number" | "boolean" | "choice" | "secret" | "json"

export interface FormField {
  name: string
  title: string
  kind: Kind
  required: boolean
  /** What it is for, what it may be, and what it is by default. */
  hint: string | undefined
  choices: readonly string[]
  initial: string
}

type Json = Record<string, unknown>

const DEEPEST = 8 // references that lead to references

/** The fields that a schema of an object has, those that must be given first. */
export function fieldsOf(schema: Json, values: Json = {}): FormField[] {
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : [])
  const properties = Object.entries(objectOf(schema["properties"]))
  const fields = properties.map(([name, given]) => field(name, objectOf(given), schema, values, required.has(name)))
  return [...fields.filter(each => each.required), ...fields.filter(each => !each.required)]
}

function field(name: string, given: Json, whole: Json, values: Json, required: boolean): FormField {
  const kinds = options(given, whole).filter(each => each["type"] !== "null")
  const only = kinds.length === 1 ? (kinds[0] ?? {}) : {}
  const kind = kindOf(only)
  const value = Object.hasOwn(values, name) ? values[name] : given["default"]
  return {
    name,
    title: typeof given["title"] === "string" ? sentence(given["title"]) : name,
    kind,
    required,
    hint: hintOf(given, only, kind),
    choices: kind === "choice" ? (only["enum"] as unknown[]).map(String) : [],
    initial: kind === "secret" || value === undefined || value === null ? "" : written(value, kind),
  }
}

/** What a field may be: each with its references followed. */
function options(given: Json, whole: Json, depth = 0): Json[] {
  const reference = given["$ref"]
  if (typeof reference === "string" && depth < DEEPEST) {
    const found = objectOf(objectOf(whole["$defs"])[reference.split("/").at(-1) ?? ""])
    return options(found, whole, depth + 1)
  }
  const any = given["anyOf"] ?? given["oneOf"]
  if (Array.isArray(any)) return any.flatMap(each => options(objectOf(each), whole, depth + 1))
  return [given]
}

function kindOf(schema: Json): Kind {
  if (Array.isArray(schema["enum"])) return "choice"
  if (schema["format"] === "password") return "secret"
  if (schema["format"] === "multi-line") return "lines"
  switch (schema["type"]) {
    case "string":
      return "text"
    case "integer":
    case "number":
    case "boolean":
      return schema["type"]
    default:
      return "json"
  }
}

function hintOf(given: Json, only: Json, kind: Kind): string | undefined {
  const bounds: [string, string][] = [
    ["minimum", "at least"],
    ["exclusiveMinimum", "more than"],
    ["maximum", "at most"],
    ["exclusiveMaximum", "less than"],
  ]
  const rules = bounds
    .filter(([rule]) => only[rule] !== undefined)
    .map(([rule, words]) => `${words} ${String(only[rule])}`)
  if (kind === "json") rules.push("JSON")
  const about = [given["description"], rules.length > 0 ? `${sentence(rules.join(", "))}.` : undefined]
  const text = about.filter(each => typeof each === "string").join(" ")
  return text === "" ? undefined : text
}

function written(value: unknown, kind: Kind): string {
  if (kind === "json") return JSON.stringify(value, null, 2)
  return typeof value === "string" ? value : JSON.stringify(value)
}

/** "Secret Access Key" as "Secret access key". Words in capitals stay. */
function sentence(title: string): string {
  const words = title.split(" ")
  const rest = words.slice(1).map(word => (/^[A-Z][a-z]/.test(word) ? word.toLowerCase() : word))
  const first = words[0] ?? ""
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(" ")
}

export interface Filled {
  values: Json
  /** What is wrong, by the field's name. */
  errors: Map<string, string>
}

/** What a form makes of its texts: fields that are left empty are not said. */
export function read(fields: readonly FormField[], texts: ReadonlyMap<string, string>): Filled {
  const values: [string, unknown][] = []
  const errors = new Map<string, string>()
  for (const each of fields) {
    const text = texts.get(each.name) ?? each.initial
    if (text === "") {
      if (each.required) errors.set(each.name, each.kind === "boolean" ? "Choose yes or no." : "This is needed.")
      continue
    }
    const value = valueOf(each.kind, text)
    if (value === undefined) errors.set(each.name, WRONG[each.kind] ?? "This cannot be read.")
    else values.push([each.name, value])
  }
  return { values: Object.fromEntries(values), errors }
}

const WRONG: Partial<Record<Kind, string>> = {
  integer: "A whole number is needed.",
  number: "A number is needed.",
  json: 'This is not JSON: text is in quotes, as in {"key": "value"}.',
}

function valueOf(kind: Kind, text: string): unknown {
  if (kind === "integer") return /^\s*-?\d+\s*$/.test(text) ? Number(text) : undefined
  if (kind === "number") return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined
  if (kind === "boolean") return text === "true"
  if (kind !== "json") return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
