import { useQuery } from "@tanstack/react-query"
import { Package } from "lucide-react"
import { client, unwrap } from "~/api/client"
import { Card } from "~/components/Card"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Link, path } from "~/components/Link"
import { Timestamp } from "~/components/Time"
import { ArtifactView } from "~/components/ArtifactView"
import css from "./Run.module.css"

interface Props {
  flowRunId?: string
  taskRunId?: string
}

/** What a run left to look at. */
export function Artifacts({ flowRunId, taskRunId }: Props) {
  const { data, error, refetch } = useQuery({
    queryKey: ["run-artifacts", flowRunId ?? taskRunId],
    queryFn: () =>
      unwrap(
        client.GET("/api/artifacts", {
          params: { query: { flow_run_id: some(flowRunId), task_run_id: some(taskRunId), limit: 100 } },
        }),
      ),
  })
  if (data === undefined && error) return <Failure what="Artifacts" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton />
  if (data.items.length === 0) {
    return (
      <Empty
        icon={Package}
        title="No artifact"
        command={
          'from perdure.artifacts import create_markdown_artifact\n\ncreate_markdown_artifact("# Report", key="report")'
        }
      >
        Reports, tables, images and links that a run leaves for people appear here.
      </Empty>
    )
  }
  return (
    <div className={css["stack"]}>
      {data.items.map(artifact => (
        <Card
          key={artifact.id}
          title={<Link to={path("artifacts", artifact.id)}>{artifact.key ?? artifact.kind}</Link>}
          aside={
            <span className="faint">
              <Timestamp time={artifact.updated} />
            </span>
          }
        >
          <ArtifactView artifact={artifact} />
        </Card>
      ))}
    </div>
  )
}

const some = (id: string | undefined) => (id === undefined ? undefined : [id])
