import { useVirtualizer } from "@tanstack/react-virtual"
import { ArrowDownToLine, Download, ScrollText } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { Button } from "~/components/Button"
import { CopyButton } from "~/components/Copyable"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { ChoiceFilter, FilterBar, TextFilter } from "~/components/Filters"
import { Link, path } from "~/components/Link"
import { useAddress } from "~/lib/address"
import { clock, count, exact } from "~/lib/format"
import css from "./Logs.module.css"
import { useLog, type Line } from "./useLog"

const LEVELS = [
  { value: "10", label: "Debug and above" },
  { value: "20", label: "Info and above" },
  { value: "30", label: "Warning and above" },
  { value: "40", label: "Error and above" },
]
const NAMES: readonly (readonly [number, string])[] = [
  [50, "CRITICAL"],
  [40, "ERROR"],
  [30, "WARNING"],
  [20, "INFO"],
  [0, "DEBUG"],
]

interface Props {
  flowRunId?: string
  taskRunId?: string
  live: boolean
  /** What task runs are called, by their ids. */
  names?: ReadonlyMap<string, string>
}

/** A run's log: as it is written, by level, searched. */
export function Logs({ flowRunId, taskRunId, live, names }: Props) {
  const address = useAddress()
  const level = address.one("level")
  const text = address.one("text")
  const filter = {
    flow_run: flowRunId,
    subflows: flowRunId !== undefined && address.one("subflows") !== "false",
    task_run: taskRunId,
    level: level === undefined ? undefined : Number(level),
    text,
  }
  const { lines, isWhole, error } = useLog(filter, live)
  const isFiltered = level !== undefined || text !== undefined
  return (
    <>
      <FilterBar>
        <TextFilter label="Search the log" value={text} onChange={next => address.set({ text: next })} />
        <ChoiceFilter
          label="Level"
          single
          choices={LEVELS}
          value={level === undefined ? [] : [level]}
          onChange={next => address.set({ level: next[0] })}
        />
        {flowRunId !== undefined && (
          <ChoiceFilter
            label="Subflows"
            single
            choices={[{ value: "false", label: "Left out" }]}
            value={address.all("subflows")}
            onChange={next => address.set({ subflows: next[0] })}
          />
        )}
        <span className="faint">{count(lines.length, "line")}</span>
        <span className={css["tools"]}>
          <CopyButton text={lines.slice(-5_000).map(asText).join("\n")} label="Copy the log" />
          <Button
            icon={<Download size={13} aria-hidden />}
            onClick={() => download(lines, flowRunId ?? taskRunId ?? "run")}
          >
            Download
          </Button>
        </span>
      </FilterBar>
      {error !== null && <Failure what="The log" error={error} />}
      {lines.length === 0 && !isWhole ? (
        <Skeleton lines={6} />
      ) : lines.length === 0 ? (
        <Empty icon={ScrollText} title={isFiltered ? "No line matches" : "Nothing was logged"}>
          {isFiltered ? "Remove a filter." : "Use perdure.get_run_logger(), or @flow(log_prints=True) to log prints."}
        </Empty>
      ) : (
        <Lines lines={lines} live={live} names={names} flowRunId={flowRunId} taskRunId={taskRunId} />
      )}
    </>
  )
}

type LinesProps = Pick<Props, "live" | "names" | "flowRunId" | "taskRunId"> & { lines: readonly Line[] }

function Lines({ lines, live, names, flowRunId, taskRunId }: LinesProps) {
  const pane = useRef<HTMLDivElement>(null)
  const address = useAddress()
  const marked = address.one("line")
  const [follows, setFollows] = useState(live && marked === undefined)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => pane.current,
    estimateSize: () => 22,
    overscan: 20,
  })
  const total = virtual.getTotalSize()
  useEffect(() => {
    if (follows) pane.current?.scrollTo({ top: pane.current.scrollHeight })
  }, [follows, total])
  const place = marked === undefined ? -1 : lines.findIndex(line => String(line.id) === marked)
  const isThere = place >= 0
  useEffect(() => {
    if (isThere) virtual.scrollToIndex(place, { align: "center" })
  }, [virtual, place, isThere])
  const here = flowRunId === undefined ? path("task-runs", taskRunId ?? "") : path("flow-runs", flowRunId)
  const linkTo = (line: Line) => {
    const search = new URLSearchParams(address.text)
    search.set("view", "log")
    search.set("line", String(line.id))
    return `${here}?${search.toString()}`
  }
  return (
    <div className={css["box"]}>
      <div
        ref={pane}
        role="log"
        aria-label="Log"
        aria-live="off"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls
        tabIndex={0}
        className={css["pane"]}
        onScroll={event => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget
          const isAtEnd = scrollHeight - scrollTop - clientHeight < 30
          if (isAtEnd !== follows && (live || !isAtEnd)) setFollows(isAtEnd)
        }}
      >
        <div style={{ height: total, position: "relative" }}>
          {virtual.getVirtualItems().map(item => {
            const line = lines[item.index]
            if (line === undefined) return null
            const name = levelName(line.level)
            const task = line.task_run_id === null ? undefined : names?.get(line.task_run_id)
            return (
              <div
                key={line.id}
                ref={virtual.measureElement}
                data-index={item.index}
                className={[css["line"], css[name.toLowerCase()], item.index === place && css["marked"]]
                  .filter(Boolean)
                  .join(" ")}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Link
                  to={linkTo(line)}
                  replace
                  className={css["time"]}
                  title={`${exact(new Date(line.time))}: a link to this line`}
                  onClick={() => setFollows(false)}
                >
                  <time dateTime={line.time}>{clock(new Date(line.time))}</time>
                </Link>
                <span className={css["level"]}>{name}</span>
                <span className={css["message"]}>
                  {flowRunId !== undefined && line.flow_run_id !== null && line.flow_run_id !== flowRunId && (
                    <Link to={path("flow-runs", line.flow_run_id)} className={css["task"]}>
                      subflow
                    </Link>
                  )}
                  {task !== undefined && line.task_run_id !== null && (
                    <Link to={path("task-runs", line.task_run_id)} className={css["task"]}>
                      {task}
                    </Link>
                  )}
                  {shown(line.message)}
                </span>
              </div>
            )
          })}
        </div>
      </div>
      {live && !follows && (
        <Button
          className={css["follow"]}
          icon={<ArrowDownToLine size={13} aria-hidden />}
          onClick={() => setFollows(true)}
        >
          Follow
        </Button>
      )}
    </div>
  )
}

const LONGEST = 20_000 // characters of a line

// eslint-disable-next-line no-control-regex -- that is what they begin with
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/g

/** A message without a terminal's colours; a very long one cut. */
function shown(message: string): string {
  const plain = message.replace(ESCAPES, "")
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}… (${plain.length.toLocaleString()} characters)` : plain
}

export function levelName(level: number): string {
  return NAMES.find(([least]) => level >= least)?.[1] ?? "DEBUG"
}

function asText(line: Line): string {
  return `${line.time} ${levelName(line.level).padEnd(8)} ${line.message}`
}

function download(lines: readonly Line[], name: string): void {
  const address = URL.createObjectURL(new Blob([lines.map(asText).join("\n")], { type: "text/plain" }))
  const link = document.createElement("a")
  link.href = address
  link.download = `${name}.log`
  link.click()
  URL.revokeObjectURL(address)
}
