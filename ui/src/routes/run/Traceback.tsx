import { useState } from "react"
import { Button } from "~/components/Button"
import { CopyButton } from "~/components/Copyable"
import { parseTraceback, type Frame, type Part } from "./traceback"
import css from "./Traceback.module.css"

/** A traceback as people look for it: what went wrong first, their own frames open, a library's folded. */
export function Traceback({ text }: { text: string }) {
  const parts = parseTraceback(text)
  const last = parts.at(-1)
  if (last === undefined) return <pre className={css["plain"]}>{text}</pre>
  return (
    <section className={css["traceback"]} aria-label="The exception">
      <header className={css["head"]}>
        <strong className={css["error"]}>{last.error}</strong>
        <CopyButton text={text} label="Copy the traceback" />
      </header>
      {[...parts].reverse().map((part, index) => (
        <PartOf key={index} part={part} isFirst={index === 0} />
      ))}
    </section>
  )
}

function PartOf({ part, isFirst }: { part: Part; isFirst: boolean }) {
  const [all, setAll] = useState(false)
  const hidden = part.frames.filter(frame => frame.isLibrary).length
  const shown = all ? part.frames : part.frames.filter(frame => !frame.isLibrary)
  const frames = shown.length > 0 ? shown : part.frames.slice(-1)
  return (
    <div className={css["part"]}>
      {!isFirst && <p className={css["cause"]}>Before it: {part.error}</p>}
      <ol className={css["frames"]}>
        {[...frames].reverse().map((frame, index) => (
          <FrameLine key={index} frame={frame} />
        ))}
      </ol>
      {!all && hidden > 0 && (
        <Button look="quiet" onClick={() => setAll(true)}>
          {hidden} frames of libraries
        </Button>
      )}
    </div>
  )
}

function FrameLine({ frame }: { frame: Frame }) {
  return (
    <li className={frame.isLibrary ? css["library"] : undefined}>
      <code className={css["code"]}>{frame.code || "…"}</code>
      <span className={css["place"]}>
        <span className="mono cut" title={frame.file}>
          {frame.file.split(/[\\/]/).slice(-2).join("/")}:{frame.line}
        </span>
        {frame.in && <span className="faint">in {frame.in}</span>}
      </span>
    </li>
  )
}
