import { useId, type ReactElement, cloneElement } from "react"
import css from "./Field.module.css"

interface Props {
  label: string
  /** What it is for, and what it may hold. */
  hint?: string | undefined
  error?: string | undefined
  required?: boolean
  /** One input, select or textarea. */
  children: ReactElement<{ id?: string; "aria-describedby"?: string; "aria-invalid"?: boolean }>
}

/** An input with its name, its explanation and what is wrong with it. */
export function Field({ label, hint, error, required = false, children }: Props) {
  const id = useId()
  const said = error ?? hint
  return (
    <div className={css["field"]}>
      <label htmlFor={id}>
        {label}
        {required && <span className="faint"> (required)</span>}
      </label>
      {cloneElement(children, {
        id,
        ...(said === undefined ? {} : { "aria-describedby": `${id}-said` }),
        ...(error === undefined ? {} : { "aria-invalid": true }),
      })}
      {said !== undefined && (
        <p id={`${id}-said`} className={error === undefined ? css["hint"] : css["error"]}>
          {said}
        </p>
      )}
    </div>
  )
}
