import { expect, it } from "vitest"
import { answerOf, questionsOf } from "./questions"

const SCHEMA = {
  type: "object",
  required: ["approve", "why"],
  properties: {
    approve: { type: "boolean", title: "Approve" },
    why: { type: "string", description: "For the record." },
    share: { type: "number", default: 0.5 },
    kind: { $ref: "#/$defs/Kind" },
    more: { type: "array", items: {} },
  },
  $defs: { Kind: { type: "string", enum: ["small", "large"] } },
}

it("each property of an object is a question of its kind", () => {
  const questions = questionsOf(SCHEMA) ?? []
  expect(questions.map(each => [each.title, each.kind, each.required])).toEqual([
    ["Approve", "boolean", true],
    ["why", "string", true],
    ["share", "number", false],
    ["kind", "string", false],
    ["more", "json", false],
  ])
  expect(questions[3]?.choices).toEqual(["small", "large"])
})

it("answers have the types that are asked for, and what was left empty is left out", () => {
  const questions = questionsOf(SCHEMA) ?? []
  expect(answerOf(questions, { approve: "true", why: "fine", more: "[1]" })).toEqual({
    approve: true,
    why: "fine",
    share: 0.5,
    more: [1],
  })
})

it("a schema that is no object is one question", () => {
  const questions = questionsOf({ type: "integer" }) ?? []
  expect(answerOf(questions, { "": "3" })).toBe(3)
  expect(questionsOf(null)).toBeNull()
})

it("what is no number says which field it is", () => {
  const questions = questionsOf(SCHEMA) ?? []
  expect(() => answerOf(questions, { share: "much" })).toThrow("“share” must be a number.")
})
