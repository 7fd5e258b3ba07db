import { useQuery } from "@tanstack/react-query"
import { Ban, Pause, Play } from "lucide-react"
import { useState } from "react"
import { Button } from "~/components/Button"
import { Card } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { ConfirmDialog } from "~/components/Dialog"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { STATES, STATE_TYPES } from "~/components/State"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useParam } from "~/lib/address"
import { short } from "~/lib/format"
import { useBecause } from "~/lib/permissions"
import { Paused } from "../deployments/When"
import css from "./Backfills.module.css"
import { backfill, useChange, type Details } from "./queries"
import { Squares } from "./Squares"
import { countsOf, rangeOf } from "./words"

/** One backfill: how far it is, and each of its partitions as a square. */
export function Page() {
  const id = useParam("id")
  const { data, error, refetch } = useQuery(backfill(id))
  if (data === undefined && error) return <Failure what="The backfill" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={8} />
  return (
    <>
      <PageHead
        title={rangeOf(data)}
        crumbs={[
          { label: "Backfills", to: "/backfills" },
          { label: data.deployment, to: path("deployments", data.deployment_id) },
        ]}
        about={<About of={data} />}
        actions={<Actions of={data} />}
      />
      <Card title="Partitions" aside={<Legend of={data} />}>
        <Squares of={data} />
      </Card>
    </>
  )
}

function About({ of }: { of: Details }) {
  return (
    <div className={css["about"]}>
      <span>
        {of.done.toLocaleString()} of {of.total.toLocaleString()} done
      </span>
      {of.paused !== null && <Paused since={of.paused} />}
      {of.max_active !== null && <span>at most {of.max_active} at once</span>}
      <span>
        began <Timestamp time={of.created} />
      </span>
      <Link to={path("deployments", of.deployment_id)}>{of.deployment}</Link>
      <Copyable text={of.id} shown={short(of.id)} />
    </div>
  )
}

function Legend({ of }: { of: Details }) {
  const counts = countsOf(of)
  return (
    <span className={css["legend"]}>
      {STATE_TYPES.filter(type => counts[type] !== undefined).map(type => (
        <span key={type}>
          <i style={{ background: STATES[type].color }} aria-hidden />
          {counts[type]?.toLocaleString()} {STATES[type].word.toLowerCase()}
        </span>
      ))}
    </span>
  )
}

function Actions({ of }: { of: Details }) {
  const [isAsked, setAsked] = useState(false)
  const because = useBecause("write")
  const change = useChange(of)
  const isPaused = of.paused !== null
  if (of.done === of.total) return null
  return (
    <>
      <Button
        icon={isPaused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />}
        because={because}
        disabled={change.isPending}
        onClick={() => change.mutate(isPaused ? "resume" : "pause")}
      >
        {isPaused ? "Resume" : "Pause"}
      </Button>
      <Button look="danger" icon={<Ban size={13} aria-hidden />} because={because} onClick={() => setAsked(true)}>
        Cancel…
      </Button>
      <ConfirmDialog
        open={isAsked}
        onClose={() => setAsked(false)}
        title="Cancel this backfill?"
        action="Cancel the backfill"
        danger
        onConfirm={() => change.mutateAsync("cancel")}
      >
        <p>Its runs that have not begun are cancelled. Those that run continue.</p>
      </ConfirmDialog>
    </>
  )
}
