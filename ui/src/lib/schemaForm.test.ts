import { describe, expect, it } from "vitest"
import { fieldsOf, read } from "./schemaForm"

const SCHEMA = {
  type: "object",
  required: ["bucket_path"],
  $defs: { Level: { enum: ["low", "high"], type: "string" } },
  properties: {
    timeout_seconds: { type: "number", default: 60, exclusiveMinimum: 0, title: "Timeout Seconds" },
    attempts: { type: "integer", minimum: 1, title: "Attempts", description: "How often." },
    bucket_path: { type: "string", title: "Bucket Path" },
    secret_key: { anyOf: [{ type: "string", format: "password" }, { type: "null" }], default: null },
    level: { $ref: "#/$defs/Level", default: "low" },
    settings: { type: "object", additionalProperties: true },
    anonymous: { type: "boolean", default: false },
  },
}

describe("the fields of a form", () => {
  const fields = fieldsOf(SCHEMA, { bucket_path: "a/b", secret_key: "********", settings: { a: 1 } })
  const by = Object.fromEntries(fields.map(each => [each.name, each]))

  it("are in the order of the schema, whether they must be given or not", () => {
    expect(fields.map(each => each.name)).toEqual(Object.keys(SCHEMA.properties))
  })

  it("follow from types, also where null is one of them, and behind references", () => {
    expect(fields.map(each => [each.name, each.kind])).toEqual([
      ["timeout_seconds", "number"],
      ["attempts", "integer"],
      ["bucket_path", "text"],
      ["secret_key", "secret"],
      ["level", "choice"],
      ["settings", "json"],
      ["anonymous", "boolean"],
    ])
    expect(by["level"]?.choices).toEqual(["low", "high"])
  })

  it("are filled with what is known, never with asterisks of a secret", () => {
    expect(by["bucket_path"]?.initial).toBe("a/b")
    expect(by["secret_key"]?.initial).toBe("")
    expect(by["timeout_seconds"]?.initial).toBe("60")
    expect(JSON.parse(by["settings"]?.initial ?? "")).toEqual({ a: 1 })
  })

  it("say what they are for and may be", () => {
    expect(by["attempts"]?.hint).toBe("How often. At least 1.")
    expect(by["timeout_seconds"]?.hint).toBe("More than 0.")
    expect(by["timeout_seconds"]?.title).toBe("Timeout seconds")
  })
})

describe("what a form makes", () => {
  const fields = fieldsOf(SCHEMA)
  const filled = (texts: Record<string, string>) => read(fields, new Map(Object.entries(texts)))

  it("leaves out what is empty, and asks for what is needed", () => {
    const { values, errors } = filled({})
    expect(values).toEqual({ timeout_seconds: 60, level: "low", anonymous: false })
    expect([...errors.keys()]).toEqual(["bucket_path"])
  })

  it("has no yes or no that nobody chose", () => {
    const asked = fieldsOf({
      required: ["approve"],
      properties: { approve: { type: "boolean" }, notify: { anyOf: [{ type: "boolean" }, { type: "null" }] } },
    })
    const { values, errors } = read(asked, new Map())
    expect(values).toEqual({})
    expect([...errors]).toEqual([["approve", "Choose yes or no."]])
    expect(read(asked, new Map([["approve", "false"]])).values).toEqual({ approve: false })
  })

  it("has the types of the schema", () => {
    const { values, errors } = filled({ bucket_path: "b", attempts: "3", settings: '{"a": [1]}', anonymous: "true" })
    expect(errors.size).toBe(0)
    expect(values).toMatchObject({ bucket_path: "b", attempts: 3, settings: { a: [1] }, anonymous: true })
  })

  it("names what cannot be read", () => {
    const { errors } = filled({ bucket_path: "b", attempts: "1.5", timeout_seconds: "soon", settings: "{" })
    expect([...errors.keys()].sort()).toEqual(["attempts", "settings", "timeout_seconds"])
  })

  it("keeps a field called __proto__ a field", () => {
    const properties = JSON.parse('{"__proto__": {"type": "string"}, "constructor": {"type": "string"}}') as object
    const odd = fieldsOf({ properties })
    expect(odd.map(each => each.name)).toEqual(["__proto__", "constructor"])
    const { values } = read(odd, new Map([["__proto__", "x"]]))
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype)
    expect(Object.entries(values)).toEqual([["__proto__", "x"]])
  })
})
