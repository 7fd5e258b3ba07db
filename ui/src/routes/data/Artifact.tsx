import { useQuery } from "@tanstack/react-query"
import { client, unwrap } from "~/api/client"
import { ArtifactView } from "~/components/ArtifactView"
import { Card, Facts } from "~/components/Card"
import { Copyable } from "~/components/Copyable"
import { Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { PageHead } from "~/layout/PageHead"
import { useParam } from "~/lib/address"

/** One artifact. */
export function Page() {
  const id = useParam("id")
  const { data, error, refetch } = useQuery({
    queryKey: ["artifact", id],
    queryFn: () => unwrap(client.GET("/api/artifacts/{id}", { params: { path: { id } } })),
    refetchInterval: query => (query.state.data?.kind === "progress" ? 1_500 : false),
  })
  if (data === undefined && error) return <Failure what="The artifact" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={6} />
  const run = data.task_run_id ?? data.flow_run_id
  const facts: (readonly [string, React.ReactNode])[] = [
    ["Kind", data.kind],
    ["Made", <Timestamp key="made" time={data.created} />],
    ["Changed", <Timestamp key="changed" time={data.updated} />],
    ["Id", <Copyable key="id" text={data.id} />],
  ]
  if (run !== null) {
    const kind = data.task_run_id === null ? "flow-runs" : "task-runs"
    facts.push([
      "Run",
      <Link key="run" to={path(kind, run)}>
        {kind === "flow-runs" ? "The flow run" : "The task run"}
      </Link>,
    ])
  }
  return (
    <>
      <PageHead title={data.key ?? `A ${data.kind} artifact`} crumbs={[{ label: "Artifacts", to: "/artifacts" }]} />
      <Card>
        <ArtifactView artifact={data} />
      </Card>
      <div style={{ height: 14 }} />
      <Card title="Facts">
        <Facts facts={facts} />
      </Card>
    </>
  )
}
