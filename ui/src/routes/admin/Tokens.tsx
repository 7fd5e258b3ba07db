import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { KeyRound, Plus } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { session } from "~/api/queries"
import { Button } from "~/components/Button"
import { Tag } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { DataTable, type Column } from "~/components/DataTable"
import { ConfirmDialog, Dialog } from "~/components/Dialog"
import { Empty, Failure, messageOf, Skeleton } from "~/components/Feedback"
import { Field } from "~/components/Field"
import { FormDialog } from "~/components/FormDialog"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useBecause } from "~/lib/permissions"
import css from "./Admin.module.css"
import { tokens } from "./queries"

type Token = Schemas["TokenModel"]
type Scope = Token["scope"]

/** Tokens: who may ask the server, and for what. */
export function Page() {
  const because = useBecause("admin")
  const who = useQuery(session())
  const query = useQuery({ ...tokens(), enabled: because === undefined })
  const [isMaking, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<Token | null>(null)
  return (
    <>
      <PageHead
        title="Tokens"
        about={
          who.data?.name == null
            ? "Who may use this server, and how. It does not require tokens now."
            : `Who may use this server, and how. You are signed in with “${who.data.name}”.`
        }
        actions={
          <Button
            look="primary"
            because={because}
            icon={<Plus size={14} aria-hidden />}
            onClick={() => setMaking(true)}
          >
            New token
          </Button>
        }
      />
      {because !== undefined ? (
        <Empty icon={KeyRound} title="Tokens are for administrators">
          {because}
        </Empty>
      ) : query.data === undefined ? (
        query.isPending ? (
          <Skeleton lines={6} />
        ) : (
          <Failure what="Tokens" error={query.error} retry={query.refetch} />
        )
      ) : (
        <DataTable
          label="Tokens"
          columns={columns(setRevoking)}
          rows={query.data}
          rowId={token => token.shown}
          empty={
            <Empty icon={KeyRound} title="There is no token yet" command="perdure token create ADA --scope write">
              Create one here, or on the server’s machine:
            </Empty>
          }
        />
      )}
      {isMaking && <NewToken onClose={() => setMaking(false)} />}
      <Revoke token={revoking} onClose={() => setRevoking(null)} />
    </>
  )
}

function columns(revoke: (token: Token) => void): Column<Token>[] {
  return [
    { id: "name", header: "Name", width: "minmax(0, 1.4fr)", cell: token => token.name, value: token => token.name },
    {
      id: "shown",
      header: "Begins with",
      width: "minmax(0, 1fr)",
      wide: true,
      cell: token => <span className="mono">{token.shown}</span>,
    },
    {
      id: "scope",
      header: "May",
      width: "84px",
      cell: token => <Tag>{token.scope}</Tag>,
      value: token => token.scope,
    },
    {
      id: "created",
      header: "Made",
      width: "92px",
      wide: true,
      align: "end",
      cell: token => <Timestamp time={token.created} />,
      value: token => token.created,
    },
    {
      id: "used",
      header: "Last used",
      width: "92px",
      wide: true,
      align: "end",
      cell: token => <Timestamp time={token.used} />,
      value: token => token.used,
    },
    {
      id: "expires",
      header: "Expires",
      width: "92px",
      align: "end",
      cell: token =>
        token.expires === null ? <span className="faint">Never</span> : <Timestamp time={token.expires} />,
      value: token => token.expires,
    },
    {
      id: "revoke",
      header: "",
      width: "88px",
      align: "end",
      cell: token =>
        token.revoked === null ? (
          <Button look="quiet" aria-label={`Revoke ${token.name}`} onClick={() => revoke(token)}>
            Revoke
          </Button>
        ) : (
          <span className="faint">Revoked</span>
        ),
    },
  ]
}

const SCOPES: Record<Scope, string> = {
  read: "Read everything",
  write: "And run, cancel, delete, save",
  admin: "And manage tokens, limits, hooks",
}

const LIVES: readonly [label: string, days: number | null][] = [
  ["7 days", 7],
  ["30 days", 30],
  ["90 days", 90],
  ["A year", 365],
  ["For ever", null],
]

function NewToken({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState("")
  const [scope, setScope] = useState<Scope>("read")
  const [life, setLife] = useState(2)
  const make = useMutation({
    mutationFn: () => {
      const days = LIVES[life]?.[1] ?? null
      const expires_seconds = days === null ? null : days * 86_400
      return unwrap(client.POST("/api/tokens", { body: { name: name.trim(), scope, expires_seconds } }))
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  })
  if (make.data !== undefined) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`The token ${make.data.name}`}
        foot={<Button onClick={onClose}>Done</Button>}
      >
        <p>Copy it now: it is shown this once, and kept nowhere.</p>
        <div className={css["space"]}>
          <CodeBlock code={make.data.token} label="Token" />
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title="New token"
      action="Create"
      ready={!make.isPending && name.trim() !== ""}
      onSubmit={() => make.mutate()}
      onClose={onClose}
      problem={make.error ? messageOf(make.error) : undefined}
    >
      <Field label="Name" required hint="Whose it is, or what it is for.">
        <input value={name} maxLength={100} autoComplete="off" onChange={event => setName(event.target.value)} />
      </Field>
      <Field label="May" hint={SCOPES[scope]}>
        <select value={scope} onChange={event => setScope(event.target.value as Scope)}>
          {Object.keys(SCOPES).map(each => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </Field>
      <Field label="Lives">
        <select value={life} onChange={event => setLife(Number(event.target.value))}>
          {LIVES.map(([label], index) => (
            <option key={label} value={index}>
              {label}
            </option>
          ))}
        </select>
      </Field>
    </FormDialog>
  )
}

function Revoke({ token, onClose }: { token: Token | null; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <ConfirmDialog
      open={token !== null}
      onClose={onClose}
      title={`Revoke ${token?.name ?? ""}?`}
      action="Revoke"
      danger
      onConfirm={async () => {
        if (token === null) return
        await unwrap(client.DELETE("/api/tokens/{called}", { params: { path: { called: token.shown } } }))
        done(`Revoked ${token.name}.`)
        await queries.invalidateQueries({ queryKey: ["tokens"] })
      }}
    >
      <p>What is done with it, and sessions that were begun with it, is refused from now on.</p>
    </ConfirmDialog>
  )
}
