/** The fields of a form, from the JSON schema of what it makes. */

export type Kind =
  "text" | "lines" | "integer" | "number" | "boolean" | "choice" | "date" | "moment" | "secret" | "json"

export interface FormField {
  name: string
  title: string
  kind: Kind
  required: boolean
  /** What it is for, what it may be, and what it is by default. */
  hint: string | undefined
  choices: readonly string[]
  initial: string
  /** What its JSON schema says of a value that is not null: one of them, or nothing where several are possible. */
  schema: Json
  /** Whether null is a value of it. */
  nullable: boolean
}

type Json = Record<string, unknown>

const DEEPEST = 8 // references that lead to references

/** The fields that a schema of an object has, in its order: that of the signature. */
export function fieldsOf(schema: Json, values: Json = {}): FormField[] {
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : [])
  const properties = Object.entries(objectOf(schema["properties"]))
  return properties.map(([name, given]) => field(name, objectOf(given), schema, values, required.has(name)))
}

function field(name: string, given: Json, whole: Json, values: Json, required: boolean): FormField {
  const all = options(given, whole)
  const kinds = all.filter(each => each["type"] !== "null")
  const only = kinds.length === 1 ? (kinds[0] ?? {}) : {}
  const kind = kindOf(only)
  const value = Object.hasOwn(values, name) ? values[name] : given["default"]
  return {
    name,
    title: typeof given["title"] === "string" && given["title"] !== name ? sentence(given["title"]) : name,
    kind,
    required,
    hint: hintOf(given, only, kind),
    choices: kind === "choice" ? choicesOf(only).map(each => written(each, kind)) : [],
    initial: kind === "secret" || value === undefined || value === null ? "" : written(value, kind),
    schema: only,
    nullable: all.length > kinds.length || all.some(each => Object.keys(each).length === 0),
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

const FORMATS: Record<string, Kind> = { password: "secret", "multi-line": "lines", date: "date", "date-time": "moment" }

/** The values that are allowed, where they are listed. */
function choicesOf(schema: Json): unknown[] {
  return Array.isArray(schema["enum"]) ? schema["enum"] : "const" in schema ? [schema["const"]] : []
}

function kindOf(schema: Json): Kind {
  if (choicesOf(schema).length > 0) return "choice"
  const format = schema["format"]
  if (typeof format === "string" && Object.hasOwn(FORMATS, format)) return FORMATS[format] ?? "text"
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

const JSONS: Record<string, string> = {
  array: "a list as JSON",
  object: "an object as JSON",
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
  if (kind === "json") rules.push(JSONS[String(only["type"])] ?? "JSON")
  if (kind === "moment") rules.push("a time such as 2026-05-01T06:00+02:00")
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
    const value = valueOf(each, text)
    const wrong = value === undefined ? (WRONG[each.kind] ?? "This cannot be read.") : wrongWith(value, each.schema)
    if (wrong !== undefined) errors.set(each.name, wrong)
    else values.push([each.name, value])
  }
  return { values: Object.fromEntries(values), errors }
}

/** What a schema has against a value, as far as it is checked here; the server checks all of it. */
function wrongWith(value: unknown, schema: Json): string | undefined {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, type } = schema
  if (typeof value === "number") {
    if (typeof minimum === "number" && value < minimum) return `At least ${minimum} is needed.`
    if (typeof maximum === "number" && value > maximum) return `At most ${maximum} is allowed.`
    if (typeof above === "number" && value <= above) return `More than ${above} is needed.`
    if (typeof below === "number" && value >= below) return `Less than ${below} is needed.`
  }
  if (type === "array" && !Array.isArray(value)) return "A list is needed, as in [1, 2]."
  if (type === "object" && (typeof value !== "object" || value === null || Array.isArray(value))) {
    return 'An object is needed, as in {"key": "value"}.'
  }
  return undefined
}

const WRONG: Partial<Record<Kind, string>> = {
  integer: "A whole number is needed.",
  number: "A number is needed.",
  date: "A date is needed, as in 2026-05-01.",
  moment: "A time is needed, as in 2026-05-01T06:00+02:00.",
  choice: "Choose one of them.",
  json: 'This is not JSON: text is in quotes, as in {"key": "value"}.',
}

function valueOf({ kind, schema }: FormField, text: string): unknown {
  if (kind === "choice") return choicesOf(schema).find(each => written(each, kind) === text)
  if (kind === "date") return isDate(text) ? text : undefined
  if (kind === "moment") return Number.isNaN(Date.parse(text)) ? undefined : text.trim()
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

/** Whether a text is a day of the calendar: "2026-05-01". */
export function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00Z`)
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
