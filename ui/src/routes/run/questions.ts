/** What a JSON schema asks for, as a form's fields. */
export interface Question {
  name: string
  title: string
  hint: string | undefined
  kind: "string" | "integer" | "number" | "boolean" | "json"
  choices: string[] | null
  required: boolean
  initial: string
}

type Schema = Record<string, unknown>

const WHOLE = "" // the name of the only question of a schema that is no object

/** The questions of a schema; null if nothing is asked for. */
export function questionsOf(schema: unknown): Question[] | null {
  if (!isSchema(schema)) return null
  if (schema["type"] === "null") return null
  const properties = schema["properties"]
  if (schema["type"] !== "object" || !isSchema(properties)) return [question(WHOLE, "Answer", schema, schema, true)]
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  return Object.entries(properties).map(([name, of]) =>
    question(name, name, isSchema(of) ? of : {}, schema, required.includes(name)),
  )
}

function question(name: string, title: string, of: Schema, whole: Schema, required: boolean): Question {
  const meant = resolved(of, whole)
  const kind = meant["type"]
  const initial = of["default"] ?? meant["default"]
  return {
    name,
    title: typeof of["title"] === "string" && name !== WHOLE ? of["title"] : title,
    hint: typeof of["description"] === "string" ? of["description"] : undefined,
    kind: kind === "string" || kind === "integer" || kind === "number" || kind === "boolean" ? kind : "json",
    choices: Array.isArray(meant["enum"]) && kind === "string" ? meant["enum"].map(String) : null,
    required,
    initial: initial === undefined ? "" : typeof initial === "string" ? initial : JSON.stringify(initial, null, 2),
  }
}

/** A schema that points elsewhere, there. */
function resolved(of: Schema, whole: Schema): Schema {
  const to = of["$ref"]
  const all = whole["$defs"]
  const name = typeof to === "string" ? to.split("/").at(-1) : undefined
  const found = name !== undefined && isSchema(all) && Object.hasOwn(all, name) ? all[name] : undefined
  return isSchema(found) ? found : of
}

/** What was written, as the value that is asked for. Fields that were left empty are left out. */
export function answerOf(questions: readonly Question[], texts: Readonly<Record<string, string>>): unknown {
  const answered = questions.flatMap(each => {
    const text = texts[each.name] ?? each.initial
    if (text === "" && each.kind !== "boolean" && !(each.kind === "string" && each.required)) return []
    return [[each.name, valueOf(each, text)] as const]
  })
  if (questions.length === 1 && questions[0]?.name === WHOLE) return answered[0]?.[1] ?? null
  return Object.fromEntries(answered)
}

function valueOf(of: Question, text: string): unknown {
  if (of.kind === "string") return text
  if (of.kind === "boolean") return text === "true"
  if (of.kind === "json") {
    try {
      return JSON.parse(text)
    } catch {
      throw new Error(`“${of.title}” must be JSON.`)
    }
  }
  const number = Number(text)
  if (!Number.isFinite(number)) throw new Error(`“${of.title}” must be a number.`)
  return number
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
