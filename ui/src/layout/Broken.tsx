import type { ErrorComponentProps } from "@tanstack/react-router"
import { Failure } from "~/components/Feedback"

/** For a page that fails while it is drawn. */
export function Broken({ error, reset }: ErrorComponentProps) {
  return <Failure what="This page" error={error} retry={reset} />
}
