import { useMutation, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { client, rememberCsrf, unwrap } from "~/api/client"
import { Button } from "~/components/Button"
import { CodeBlock } from "~/components/Code"
import { messageOf } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { useTitle } from "~/lib/title"
import css from "./SignIn.module.css"

/** Asks for a token; a cookie that no script reads stands for it afterwards. */
export function SignIn() {
  const [token, setToken] = useState("")
  const queries = useQueryClient()
  useTitle("Sign in")
  const login = useMutation({
    mutationFn: () => unwrap(client.POST("/api/session", { body: { token: token.trim() } })),
    onSuccess: found => {
      rememberCsrf(found.csrf)
      queries.clear()
      queries.setQueryData(["session"], found)
    },
  })
  return (
    <main className={css["page"]}>
      <form
        className={css["card"]}
        onSubmit={event => {
          event.preventDefault()
          login.mutate()
        }}
      >
        <img src="/icon.svg" width={32} height={32} alt="" />
        <h1>Sign in to Perdure</h1>
        <Field label="Token" error={login.error ? messageOf(login.error) : undefined} hint="It begins with “perdure_”.">
          <input
            type="password"
            autoComplete="current-password"
            value={token}
            onChange={event => setToken(event.target.value)}
          />
        </Field>
        <Button look="primary" type="submit" disabled={login.isPending || token.trim() === ""}>
          Sign in
        </Button>
        <p className="faint">An administrator makes one on the server’s machine:</p>
        <CodeBlock code="perdure token create NAME --scope write" label="Command" />
      </form>
    </main>
  )
}
