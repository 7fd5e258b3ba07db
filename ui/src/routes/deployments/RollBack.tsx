import { useQuery, useQueryClient } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { ConfirmDialog } from "~/components/Dialog"
import { Failure, Skeleton } from "~/components/Feedback"
import { done } from "~/components/Toast"
import css from "./Deployments.module.css"
import { fullName, rollback, type Change, type Details } from "./queries"

interface Props {
  of: Details
  version: number
  onClose: () => void
}

/** Asks before an earlier version is the newest one again, with what that changes. */
export function RollBack({ of, version, onClose }: Props) {
  const query = useQuery(rollback(of, version))
  const queries = useQueryClient()
  const confirm = async () => {
    const at = { params: { path: { id: of.id } }, body: { version } }
    const after = await unwrap(client.POST("/api/deployments/{id}/rollback", at))
    done(`${fullName(of)} is as in version ${version} again: that is version ${after.version}`)
    await Promise.all([
      queries.invalidateQueries({ queryKey: ["deployments"] }),
      queries.invalidateQueries({ queryKey: ["deployment", of.id] }),
    ])
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Roll back to version ${version}?`}
      action={`Roll back to version ${version}`}
      onConfirm={confirm}
    >
      {query.data === undefined && query.error ? (
        <Failure what="What would change" error={query.error} retry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Skeleton lines={4} />
      ) : (
        <Changes changes={query.data.changes} current={of.version} />
      )}
      <p>
        It becomes the newest version, of which runs are created from then on. Runs that wait keep theirs. Schedules,
        limits, the work pool and a pause stay as they are.
      </p>
      <p className={css["aside"]}>
        The server does not look whether workers still have its code: <code>perdure deployment rollback</code> does.
      </p>
    </ConfirmDialog>
  )
}

function Changes({ changes, current }: { changes: Change[]; current: number }) {
  if (changes.length === 0) return <p>Nothing changes: it is what version {current} is.</p>
  return (
    <table className={css["changes"]}>
      <thead>
        <tr>
          <th scope="col">What changes</th>
          <th scope="col">Now</th>
          <th scope="col">Then</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ name, before, after }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shown(before)}</td>
            <td>{shown(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "–"
  return typeof value === "string" ? value : JSON.stringify(value)
}
