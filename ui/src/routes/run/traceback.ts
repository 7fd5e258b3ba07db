/** A Python traceback, taken apart. */
export interface Frame {
  file: string
  line: number
  in: string
  code: string
  /** Of a library, and not of the user's program. */
  isLibrary: boolean
}

export interface Part {
  /** "During handling of the above exception, another exception occurred:" and its like, before this part. */
  link: string | null
  frames: Frame[]
  /** "ValueError: no such city", and its notes. */
  error: string
}

const FRAME = /^\s*File "(?<file>[^"]+)", line (?<line>\d+)(?:, in (?<where>.+))?$/
const LIBRARY = /site-packages|dist-packages|[\\/]lib[\\/]python3|[\\/]src[\\/]perdure[\\/]|^<frozen/
const HEAD = "Traceback (most recent call last):"

/** The parts of a text's tracebacks, the first cause first; none if there is no traceback in it. */
export function parseTraceback(text: string): Part[] {
  const pieces = text.split(HEAD)
  const parts: Part[] = []
  let link: string | null = null
  for (const piece of pieces.slice(1)) {
    const frames: Frame[] = []
    const rest: string[] = []
    for (const line of piece.split("\n")) {
      const match = FRAME.exec(line)?.groups
      const last = frames.at(-1)
      if (match?.["file"] !== undefined && rest.length === 0) {
        const file = match["file"]
        frames.push({
          file,
          line: Number(match["line"]),
          in: match["where"] ?? "",
          code: "",
          isLibrary: LIBRARY.test(file),
        })
      } else if (last !== undefined && rest.length === 0 && line.startsWith("    ")) {
        if (!/^\s*[\^~]+\s*$/.test(line) && last.code === "") last.code = line.trim()
      } else if (line.trim() !== "" || rest.length > 0) rest.push(line)
    }
    const body = rest.join("\n").trimEnd()
    const joined = /\n\n((?:During handling|The above exception)[^\n]*)\s*$/.exec(body)
    parts.push({ link, frames, error: (joined === null ? body : body.slice(0, joined.index)).trim() })
    link = joined?.[1] ?? null
  }
  return parts
}
