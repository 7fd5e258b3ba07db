import { useQuery } from "@tanstack/react-query"
import { ChartGantt } from "lucide-react"
import { useMemo } from "react"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { flowRunStates } from "../queries"
import { barsOf } from "./bars"
import { Chart } from "./Chart"
import { attemptsOf, saved } from "./attempts"
import { timeline } from "./queries"

interface Props {
  flowRunId: string
  live: boolean
  /** Whether it began to run more than once. */
  isRepeated?: boolean
}

/** The timeline of a flow run: all that it called, over time, and live while it runs. `Chart` draws it. */
export function Timeline({ flowRunId, live, isRepeated = false }: Props) {
  const { data, dataUpdatedAt, error, refetch } = useQuery(timeline(flowRunId, live))
  const { data: states } = useQuery({ ...flowRunStates(flowRunId), enabled: isRepeated })
  const bars = useMemo(() => {
    if (data === undefined) return []
    const attempts = attemptsOf(states ?? [], dataUpdatedAt)
    return [...attempts, ...barsOf(data, dataUpdatedAt)].sort((one, other) => one.start - other.start)
  }, [data, dataUpdatedAt, states])
  if (data === undefined && error) return <Failure what="The timeline" error={error} retry={refetch} />
  if (data === undefined) return <Skeleton lines={6} />
  if (data.id.length === 0) {
    return (
      <Empty icon={ChartGantt} title={live ? "This run has called nothing yet" : "This run called no task or flow"}>
        {live && "Tasks and subflows appear here as they begin."}
      </Empty>
    )
  }
  return <Chart bars={bars} calls={data.id.length} isCut={data.next !== null} spared={saved(bars, states ?? [])} />
}
