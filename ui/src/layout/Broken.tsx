import type { ErrorComponentProps } from "@tanstack/react-router"
import { useRouter } from "@tanstack/react-router"
import { useEffect } from "react"
import { client, unwrap } from "~/api/client"
import { Failure } from "~/components/Feedback"

const LOOK = 1_000 // ms between two looks for the server
const RELOADED = "perdure.reloaded" // when the document was reloaded, so that a file that never comes reloads it once
const ONCE = 30_000 // ms

/** For a page that fails while it is drawn, or whose files could not be loaded: those are, once the server is back. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const isUnloaded = isOfFiles(error)
  useEffect(() => (isUnloaded ? reloadOnceBack() : undefined), [isUnloaded])
  if (isUnloaded) {
    const what = new Error("The server did not send the page’s files. They are loaded as soon as it answers.")
    return <Failure what="This page" error={what} retry={() => location.reload()} />
  }
  const again = () => {
    reset()
    return router.invalidate()
  }
  return <Failure what="This page" error={error} retry={again} />
}

/** Whether an error says that a file of the page did not come, in the words of browsers and of Vite. */
export function isOfFiles(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|preload CSS|module script failed/i.test(error.message)
}

function reloadOnceBack(): () => void {
  const timer = window.setInterval(() => {
    unwrap(client.GET("/api/version")).then(
      () => {
        if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < ONCE) return
        sessionStorage.setItem(RELOADED, String(Date.now()))
        location.reload()
      },
      () => undefined,
    )
  }, LOOK)
  return () => window.clearInterval(timer)
}
