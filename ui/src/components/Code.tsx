import type { ReactNode } from "react"
import { CopyButton } from "./Copyable"
import css from "./Code.module.css"

/** Some lines of code or text, to read and to copy. */
export function CodeBlock({ code, label }: { code: string; label?: string }) {
  return (
    <div className={css["block"]}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and so must be reachable */}
      <pre className={css["code"]} tabIndex={0} aria-label={label ?? "Code"} role="region">
        <code>{highlighted(code)}</code>
      </pre>
      <div className={css["copy"]}>
        <CopyButton text={code} />
      </div>
    </div>
  )
}

const KINDS = ["comment", "string", "keyword", "number"]
const TOKEN =
  /(?<comment>#[^\n]*)|(?<string>[rbf]?"""[\s\S]*?"""|[rbf]?'''[\s\S]*?'''|[rbf]?"(?:[^"\\\n]|\\.)*"|[rbf]?'(?:[^'\\\n]|\\.)*')|(?<keyword>\b(?:from|import|as|def|return|with|for|while|in|is|if|elif|else|try|except|finally|yield|pass|break|continue|class|async|await|None|True|False|lambda|raise|not|and|or)\b)|(?<number>\b\d[\d_.]*\b)/g

/** Python with its strings, numbers and keywords in their colours. */
function highlighted(code: string): ReactNode[] {
  if (code.length > 20_000) return [code]
  const parts: ReactNode[] = []
  let last = 0
  for (const match of code.matchAll(TOKEN)) {
    const kind = KINDS.find(each => match.groups?.[each] !== undefined) ?? ""
    parts.push(
      code.slice(last, match.index),
      <span key={match.index} className={css[kind]}>
        {match[0]}
      </span>,
    )
    last = match.index + match[0].length
  }
  return [...parts, code.slice(last)]
}

/** The same, line by line; a string of several lines is in its colour in each of them. */
export function highlightedLines(code: string): ReactNode[][] {
  const lines: ReactNode[][] = [[]]
  const add = (text: string, kind?: string) => {
    text.split("\n").forEach((part, index) => {
      if (index > 0) lines.push([])
      const line = lines.at(-1)
      if (part !== "")
        line?.push(
          kind === undefined ? (
            part
          ) : (
            <span key={line.length} className={css[kind]}>
              {part}
            </span>
          ),
        )
    })
  }
  const text = code.replace(/\n$/, "")
  let last = 0
  for (const match of text.matchAll(TOKEN)) {
    add(text.slice(last, match.index))
    add(
      match[0],
      KINDS.find(each => match.groups?.[each] !== undefined),
    )
    last = match.index + match[0].length
  }
  add(text.slice(last))
  return lines
}
