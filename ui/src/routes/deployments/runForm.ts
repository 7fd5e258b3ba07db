import { read, type Filled, type FormField } from "~/lib/schemaForm"

/** The form that starts a run of a deployment: parameters, a partition and a time. */

type Json = Readonly<Record<string, unknown>>

/**
 * The parameters that somebody changed: all others are the deployment's, or those of an earlier run. A text that was emptied is empty text, and
 * anything else that was is null, where it may be.
 */
export function changed(fields: readonly FormField[], texts: ReadonlyMap<string, string>): Filled {
  const asked = fields.filter(each => (texts.get(each.name) ?? each.initial) !== each.initial || isMissing(each))
  const cleared = asked.filter(each => each.initial !== "" && texts.get(each.name) === "")
  const { values, errors } = read(
    asked.filter(each => !cleared.includes(each)),
    texts,
  )
  for (const each of cleared) {
    if (each.nullable) values[each.name] = null
    else if (each.kind === "text" || each.kind === "lines") values[each.name] = ""
    else errors.set(each.name, `It cannot be empty. It was ${each.initial}.`)
  }
  return { values, errors }
}

function isMissing(field: FormField): boolean {
  return field.required && field.initial === ""
}

/** Fields as a deployment has them: what it sets is not asked for, and what stands for something says so. */
export function withDefaults(fields: readonly FormField[], given: Json): FormField[] {
  return fields.map(each => {
    if (!Object.hasOwn(given, each.name)) return each
    const isFilled = /\{(partition|scheduled_time)/.test(JSON.stringify(given[each.name] ?? null))
    const hint = isFilled ? "What is in braces is filled in for each run." : undefined
    const hints = [each.hint, hint].filter(one => one !== undefined)
    return { ...each, required: false, hint: hints.length === 0 ? undefined : hints.join(" ") }
  })
}

/** Whether any parameter stands for what only a run's partition says. */
export function needsPartition(parameters: unknown): boolean {
  return JSON.stringify(parameters ?? null).includes("{partition")
}

export interface PartitionInput {
  kind: "choice" | "date" | "text"
  choices: readonly string[]
  hint: string
}

const EVERY: Record<string, [PartitionInput["kind"], string]> = {
  hour: ["text", "An hour of UTC, as in 2026-05-01T06"],
  day: ["date", "A day"],
  week: ["date", "A week, by its Monday"],
  month: ["text", "A month, as in 2026-05"],
}

/** How a partition is asked for. */
export function partitionInput(partitions: Json): PartitionInput {
  const { keys, every, start, first, second } = partitions
  if (Array.isArray(keys)) return { kind: "choice", choices: keys.map(String), hint: "The slice of data of the run." }
  if (typeof every === "string" && Object.hasOwn(EVERY, every)) {
    const [kind, hint] = EVERY[every] ?? ["text", ""]
    const since = typeof start === "string" ? `; the first one is ${start.slice(0, every === "month" ? 7 : 10)}` : ""
    return { kind, choices: [], hint: `${hint}${since}.` }
  }
  const parts = [first, second].map(each => exampleOf(each)).join("|")
  return { kind: "text", choices: [], hint: `Both keys with a bar between them, as in ${parts}.` }
}

function exampleOf(partitions: unknown): string {
  if (typeof partitions !== "object" || partitions === null) return "key"
  if ("keys" in partitions && Array.isArray(partitions.keys)) return String(partitions.keys[0] ?? "key")
  if ("start" in partitions && typeof partitions.start === "string") {
    const length = { hour: 13, month: 7 }["every" in partitions ? String(partitions.every) : ""] ?? 10
    return partitions.start.slice(0, length)
  }
  return "key"
}

/** What the server said against parameters, by their names; empty where it said something else. */
export function refusals(message: string, fields: readonly FormField[]): Map<string, string> {
  const [, problems = ""] = /with these parameters: (.*)\. It takes: /s.exec(message) ?? []
  const found = new Map<string, string>()
  for (const problem of problems.split("; ")) {
    const field = fields.find(({ name }) => problem.startsWith(`${name}: `) || problem.startsWith(`${name}.`))
    if (field !== undefined) found.set(field.name, `${problem.slice(problem.indexOf(": ") + 2)}.`)
  }
  return found
}
