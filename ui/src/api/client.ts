import createClient, { type Middleware } from "openapi-fetch"
import type { components, paths } from "./schema"

/** What the API answers, by its name in the schema. */
export type Schemas = components["schemas"]

/** An answer that is not a success, or none at all: `status` is 0 then. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    /** The whole error, with what a route adds to kind and message. */
    readonly details: Record<string, unknown> = {},
  ) {
    super(message)
    this.name = "ApiError"
  }
}

let csrf: string | null = null

/** What changing requests of a session say, once it is known. */
export function rememberCsrf(value: string | null): void {
  csrf = value
}

const saying: Middleware = {
  onRequest({ request }) {
    if (csrf !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", csrf)
    return request
  },
}

export const client = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
  credentials: "same-origin",
  querySerializer: { array: { style: "form", explode: true } },
})
client.use(saying)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of an answer; throws an `ApiError` for all that is not a success. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await asked
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error
    throw new ApiError(0, "Unreachable", "The server does not answer. Is it running, and is there a network?")
  }
  if (answer.response.ok) return answer.data as T
  throw errorOf(answer.response.status, answer.error)
}

function errorOf(status: number, body: unknown): ApiError {
  const error = isObject(body) && isObject(body["error"]) ? body["error"] : {}
  const kind = typeof error["kind"] === "string" ? error["kind"] : "Error"
  const message = typeof error["message"] === "string" ? error["message"] : `The server answered with status ${status}.`
  return new ApiError(status, kind, message, error)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
