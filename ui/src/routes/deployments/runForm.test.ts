import { describe, expect, it } from "vitest"
import { fieldsOf } from "~/lib/schemaForm"
import { changed, needsPartition, partitionInput, refusals, withDefaults } from "./runForm"

const SCHEMA = {
  type: "object",
  required: ["region", "rows"],
  properties: {
    region: { title: "region", type: "string" },
    rows: { title: "rows", type: "integer", minimum: 1 },
    day: { title: "day", type: "string", default: "today" },
    since: { title: "since", anyOf: [{ type: "string", format: "date" }, { type: "null" }], default: "2026-05-01" },
    level: { title: "level", enum: [1, 2, 3], default: 2 },
    tags: { title: "tags", type: "array", items: { type: "string" }, default: [] },
    dry: { title: "dry", type: "boolean", default: false },
  },
}

const GIVEN = { region: "north", rows: 100, day: "{partition}" }
const fields = withDefaults(fieldsOf(SCHEMA, GIVEN), GIVEN)
const filled = (texts: Record<string, string>) => changed(fields, new Map(Object.entries(texts)))

describe("the parameters of a new run", () => {
  it("are those that somebody changed, with the types of the schema", () => {
    const { values, errors } = filled({ rows: "5", level: "3", tags: '["a"]', dry: "true", region: "north" })
    expect(errors.size).toBe(0)
    expect(values).toEqual({ rows: 5, level: 3, tags: ["a"], dry: true })
  })

  it("are none where nobody changed any, whatever stands for what a run is about", () => {
    expect(filled({})).toEqual({ values: {}, errors: new Map() })
  })

  it("are asked for where neither the flow nor the deployment has a default", () => {
    const asked = withDefaults(fieldsOf(SCHEMA, { rows: 5 }), { rows: 5 })
    expect([...changed(asked, new Map()).errors.keys()]).toEqual(["region"])
    expect(asked.filter(each => each.required).map(each => each.name)).toEqual(["region"])
  })

  it("say at the field what is wrong", () => {
    const { errors } = filled({ rows: "0", since: "soon", tags: '{"a": 1}', level: "9" })
    expect(Object.fromEntries(errors)).toEqual({
      rows: "At least 1 is needed.",
      since: "A date is needed, as in 2026-05-01.",
      tags: "A list is needed, as in [1, 2].",
      level: "Choose one of them.",
    })
  })

  it("are empty text, or null, where a default was removed", () => {
    const { values, errors } = filled({ day: "", since: "", rows: "" })
    expect(values).toEqual({ day: "", since: null })
    expect([...errors.keys()]).toEqual(["rows"])
  })

  it("are called as the code calls them", () => {
    expect(fieldsOf({ properties: { max_rows: { title: "max_rows", type: "integer" } } })[0]?.title).toBe("max_rows")
  })
})

describe("what the server refuses", () => {
  it("is said at the fields that it names", () => {
    const message =
      "The flow 'report' cannot be run with these parameters: rows: 'many' is not of type 'integer'; " +
      "tags.0: 1 is not of type 'string'. It takes: region, rows, tags."
    expect(Object.fromEntries(refusals(message, fields))).toEqual({
      rows: "'many' is not of type 'integer'.",
      tags: "1 is not of type 'string'.",
    })
  })

  it("is nobody's where it is about something else", () => {
    expect(refusals("The database is locked.", fields).size).toBe(0)
  })
})

describe("a partition", () => {
  it("is chosen from a list, or is a day, or is written", () => {
    expect(partitionInput({ keys: ["no", "se"] })).toMatchObject({ kind: "choice", choices: ["no", "se"] })
    expect(partitionInput({ every: "day", start: "2026-05-01T00:00:00", timezone: "UTC" })).toMatchObject({
      kind: "date",
      hint: "A day; the first one is 2026-05-01.",
    })
    const both = { first: { every: "month", start: "2026-05-01T00:00:00" }, second: { keys: ["no"] } }
    expect(partitionInput(both)).toMatchObject({ kind: "text" })
    expect(partitionInput(both).hint).toContain("2026-05|no")
  })

  it("is needed where a parameter is filled from it", () => {
    expect(needsPartition({ a: ["{partition.start}"] })).toBe(true)
    expect(needsPartition({ a: "{scheduled_time}" })).toBe(false)
  })
})
