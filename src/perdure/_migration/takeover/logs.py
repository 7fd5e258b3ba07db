"""Log lines, which have no ids that last: those that the target has are known by what they say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from perdure._migration.takeover.context import Context
from perdure._migration.takeover.source import Row, marks, micros
from perdure._model.records import LogRecord
from perdure._platform.ids import dated_id
from perdure._rooms.logs.records import LogFilter

_PAGE = 2_000  # lines
Of = Literal["flow_run_id", "task_run_id"]
_LINE = 'l.flow_run_id, l.task_run_id, t.created, l."timestamp", l.level, l.name, l.message'


def take_logs(context: Context, of: Of, ids: Mapping[str, str]) -> None:
    """Take the lines of flow runs, or those of task runs outside flows; the new ids are by the old ones."""
    tally = context.tallies["log lines"]
    where = f"l.{of} IN {marks(len(ids))}" + (" AND l.flow_run_id IS NULL" if of == "task_run_id" else "")
    query = f"SELECT l.{of}, count(*) FROM log l WHERE {where} GROUP BY l.{of}"
    counts: dict[str, int] = dict(context.source.select(query, list(ids)))
    if not counts:
        return
    there = _counted(context, [ids[old] for old in counts])
    wanting = [old for old, count in counts.items() if there[ids[old]] < count]
    tally.source += sum(counts.values())
    tally.known += sum(count for old, count in counts.items() if there[ids[old]] >= count)
    if wanting:
        _take(context, of, {old: ids[old] for old in wanting}, there)
    if not context.dry_run:
        found = _counted(context, [ids[old] for old in counts])
        tally.found += sum(min(found[ids[old]], count) for old, count in counts.items())


def _counted(context: Context, ids: Sequence[str]) -> dict[str, int]:
    return {count.run_id: count.logs for count in context.target.run_counts(ids)}


def _take(context: Context, of: Of, ids: Mapping[str, str], there: Mapping[str, int]) -> None:
    tally = context.tallies["log lines"]
    seen = _seen(context, of, [new for new in ids.values() if there[new]])
    where = f"l.{of} IN {marks(len(ids))}" + (" AND l.flow_run_id IS NULL" if of == "task_run_id" else "")
    query = (
        f"SELECT {_LINE} FROM log l LEFT JOIN task_run t ON t.id = l.task_run_id"
        f' WHERE {where} ORDER BY l."timestamp", l.id'
    )
    for page in context.source.stream(query, list(ids), _PAGE):
        lines = [_line(row, ids) for row in page]
        new: list[LogRecord] = []
        for line in lines:
            if seen[hash(line)] > 0:
                seen[hash(line)] -= 1
            else:
                new.append(line)
        tally.new += len(new)
        tally.known += len(lines) - len(new)
        context.commit(new)


def _line(row: Row, ids: Mapping[str, str]) -> LogRecord:
    flow, task, task_created, time, level, logger, message = row
    flow_id = None if flow is None else ids[flow]
    task_id = None if task_created is None else dated_id(task, micros(task_created))
    return LogRecord(flow_id, task_id, micros(time), level, logger, message)


def _seen(context: Context, of: Of, ids: Sequence[str]) -> Counter[int]:
    """How often the target has each line of these runs: their hashes, since they may be many."""
    seen: Counter[int] = Counter()
    for id in ids:
        only: dict[str, Any] = {f"{of}s": (id,)}
        filter = LogFilter(**only, after=0, limit=_PAGE)
        while lines := context.target.log_lines(filter):
            seen.update(hash(LogRecord._make(line[1:])) for line in lines)
            filter = filter._replace(after=lines[-1].id)
    return seen


def keep_orphans(context: Context) -> None:
    """Keep the lines of runs that were deleted, and of none."""
    tally = context.tallies["log lines"]
    query = (
        'SELECT l.id, l.flow_run_id, l.task_run_id, l."timestamp", l.level, l.name, l.message FROM log l'
        " WHERE NOT EXISTS (SELECT 1 FROM flow_run f WHERE f.id = l.flow_run_id)"
        " AND (l.flow_run_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM task_run t WHERE t.id = l.task_run_id))"
    )
    names = ("id", "flow_run_id", "task_run_id", "timestamp", "level", "name", "message")
    for page in context.source.stream(query, (), _PAGE):
        tally.source += len(page)
        tally.kept += len(page)
        for row in page:
            context.kept.add("log", dict(zip(names, row, strict=True)), "its run is not there any more")
