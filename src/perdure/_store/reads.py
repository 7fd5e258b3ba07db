"""What the API asks beside the orchestrator's protocol: lists that answer soon however many rows there are.

Where no index serves a filter, rows are looked at a window after the other, for a short time. A list may so have
fewer items than were asked for, or none, and still a cursor: the id of the last row that was looked at.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal,
    select,
    text,
    union_all,
)

from perdure._model.flow_names import spellings
from perdure._model.records import InputRecord, ResultRecord
from perdure._platform.clock import Micros, system_clock
from perdure._platform.named import NamedTuple
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure._rooms.events.port import Delivery
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.results.tables import INPUTS_ORDER
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._store import storage_sums
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.paging import Found, paged
from perdure._store.sql import filtered_lists, queries, tags
from perdure._store.sql.clock_skew import ids_since
from perdure._store.sql.filtered_lists import holds
from perdure._store.sql.tables import cache_entry, flow_run, hook_delivery, log, result, run_input, run_tag, task_run
from perdure._store.storage_sums import StoredBy

T = TypeVar("T")
R = TypeVar("R", FlowRun, TaskRun)

WINDOW = 10_000  # rows that are looked at together
_LOOK_SECONDS = 0.02  # after which no other window is begun
_COUNTED = 30_000  # rows at most
_JOINED = 5_000  # cache entries with their runs and results
_SUMMED = 30_000  # results at most
_List = Callable[[RunFilter, filtered_lists.Ask], Select[object]]
# What no index serves.
_LOOKED_AT = (
    *("name_part", "parameters_part", "outermost", "text"),
    *("started_after", "started_before", "ended_after", "ended_before"),
)


class FlowSummary(NamedTuple):
    """A flow, by its runs."""

    name: str
    last: FlowRun
    counts: dict[str, int]  # of its runs since a time, by their states' types


class FlowStatistics(NamedTuple):
    """How the runs of a flow went."""

    flow: str
    runs: int
    failed: int  # or crashed
    mean_seconds: float | None  # of those that ended, and ran only once


class Bar(NamedTuple):
    """A run that another one called, as far as a timeline shows it."""

    id: str
    of_task: bool
    name: str
    of: str  # its flow or task
    state_type: str | None
    state_name: str | None
    created: Micros
    started: Micros | None
    ended: Micros | None
    run_count: int
    changed: Micros  # when it came to its state
    state_message: str | None


class Calls(NamedTuple):
    """The calls of a task or a flow in a flow run."""

    of: str
    of_task: bool
    counts: dict[str, int]  # by their states' types
    longest_seconds: float | None  # of those that have ended


class Reads:
    """Questions to an orchestrator whose database is at hand."""

    def __init__(self, known: EmbeddedOrchestrator) -> None:
        self._known = known

    def flow_runs(self, filter: RunFilter) -> Found[FlowRun]:
        """A page of flow runs; the filter has a limit."""
        return self._runs(filter, filtered_lists.flow_runs, self._known.flow_runs)

    def task_runs(self, filter: RunFilter) -> Found[TaskRun]:
        """A page of task runs; the filter has a limit."""
        return self._runs(filter, filtered_lists.task_runs, self._known.task_runs)

    def _runs(self, filter: RunFilter, listed: _List, ask: Callable[[RunFilter], Sequence[R]]) -> Found[R]:
        limit = filter.limit or 1
        filter = filter._replace(limit=limit + 1)
        if not _is_looked_at(filter):
            return paged(ask(filter), limit, lambda run: run.id)
        items: list[R] = []
        deadline = time.monotonic() + _LOOK_SECONDS
        while True:
            until = self._window_end(filter, listed, WINDOW)
            items += ask(filter._replace(until=until, limit=limit + 1 - len(items)))
            if len(items) > limit or until is None:
                return paged(items, limit, lambda run: run.id)
            filter = filter._replace(newer_than=until) if filter.oldest_first else filter._replace(older_than=until)
            if time.monotonic() > deadline:
                return Found(items, until)

    def _window_end(self, filter: RunFilter, listed: _List, size: int) -> str | None:
        """The id of the last of so many rows that an index finds; None if there are fewer."""
        sought = RunFilter(**filter._asdict() | dict.fromkeys(_LOOKED_AT) | {"limit": size})
        ids = _ids(listed(sought, self._known.select)).subquery().c.id
        last = func.max(ids) if filter.oldest_first else func.min(ids)
        ((count, id),) = self._known.select(select(func.count(), last))
        return id if count == size else None

    def longest_task_runs(self, filter: RunFilter) -> Found[TaskRun]:
        """Of the newest task runs that an index finds, those that took longest; what still runs does so until now.

        There is no further page of them.
        """
        newest = filter._replace(older_than=None, newer_than=None, oldest_first=False)
        until = self._window_end(newest, filtered_lists.task_runs, _COUNTED)
        wanted = newest._replace(until=until, limit=_COUNTED)
        # What an index may have without the rows, which are far apart where few of many runs are wanted.
        rows = filtered_lists.task_runs(wanted, self._known.select, ("id", "started", "ended")).subquery().c
        took = func.coalesce(rows.ended, system_clock()) - rows.started
        chosen = select(rows.id).where(rows.started.is_not(None)).order_by(took.desc(), rows.id).limit(filter.limit)
        ids = [id for (id,) in self._known.select(chosen)]
        found = {run.id: run for run in self._known.task_runs(RunFilter(ids=tuple(ids)))} if ids else {}
        return Found([found[id] for id in ids if id in found], None)

    def tags(self, of_task: bool, part: str | None, limit: int) -> list[str]:
        """The tags that runs have, by name; with `part`, those that have it in them, in whatever case.

        Each by a seek in the index: a million runs may have one.
        """
        tag = run_tag.c.tag
        first = select(func.min(tag).label("tag")).where(run_tag.c.of_task == of_task)
        found = first.cte("found", recursive=True)
        following = select(func.min(tag)).where(run_tag.c.of_task == of_task, tag > found.c.tag).scalar_subquery()
        found = found.union_all(select(following).where(found.c.tag.is_not(None)))
        rows = select(found.c.tag).where(found.c.tag.is_not(None)).limit(limit)
        if part is not None:
            rows = rows.where(holds(func.lower(found.c.tag), tags.rendered(part.lower())))
        return [json.loads(f'"{each}"') for (each,) in self._known.select(rows)]

    def results(self, filter: ResultFilter) -> Found[ResultRecord]:
        """A page of results, newest first; the filter has a limit."""
        limit = filter.limit or 1
        return paged(self._known.results(filter._replace(limit=limit + 1)), limit, lambda record: record.run_id)

    def count_flow_runs(self, filter: RunFilter) -> tuple[int, bool]:
        """How many flow runs there are, and whether all were counted."""
        return self._count(filter, filtered_lists.flow_runs)

    def count_task_runs(self, filter: RunFilter) -> tuple[int, bool]:
        """How many task runs there are, and whether all were counted."""
        return self._count(filter, filtered_lists.task_runs)

    def _count(self, filter: RunFilter, listed: _List) -> tuple[int, bool]:
        """Of the newest rows that an index finds, as many as may be looked at."""
        filter = filter._replace(older_than=None, newer_than=None, oldest_first=False)
        until = self._window_end(filter, listed, _COUNTED)
        rows = listed(filter._replace(until=until, limit=_COUNTED), self._known.select)
        ((count,),) = self._known.select(select(func.count()).select_from(_ids(rows).subquery()))
        return count, until is None

    def flows(self, after: str | None, limit: int, since: Micros, part: str | None = None) -> Found[FlowSummary]:
        """A page of flows by name, with the counts of those of their runs that were made since a time.

        With `part`, those that have it in their names, in whatever case.
        """
        names = self._flow_names(after, limit + 1, part)
        shown = names[:limit]
        items = self._summaries(shown, since)
        return Found(items, shown[-1] if len(names) > limit else None)

    def flow(self, name: str, since: Micros, until: Micros) -> FlowSummary | None:
        """A flow, with the counts of those of its runs that were made in a time, under either of its names."""
        found = self._summaries(list(spellings(name)), since, until)
        if not found:
            return None
        counts = sum((Counter(each.counts) for each in found), Counter[str]())
        return FlowSummary(name, max((each.last for each in found), key=lambda run: run.id), counts)

    def _summaries(self, shown: list[str], since: Micros, until: Micros | None = None) -> list[FlowSummary]:
        columns = flow_run.c
        lasts = select(func.max(columns.id)).where(columns.flow_name.in_(shown)).group_by(columns.flow_name)
        ids = tuple(id for (id,) in self._known.select(lasts))
        last = {run.flow_name: run for run in self._known.flow_runs(RunFilter(ids=ids))} if ids else {}
        counted = select(columns.flow_name, columns.state_type, func.count())
        counted = counted.where(columns.flow_name.in_(shown), columns.id >= ids_since(since), columns.created >= since)
        if until is not None:
            counted = counted.where(columns.created < until)
        counts: dict[str, dict[str, int]] = {}
        for name, kind, count in self._known.select(counted.group_by(columns.flow_name, columns.state_type)):
            counts.setdefault(name, {})[kind or "PENDING"] = count
        return [FlowSummary(name, last[name], counts.get(name, {})) for name in shown if name in last]

    def _flow_names(self, after: str | None, limit: int, part: str | None) -> list[str]:
        """Each name by a seek in the index: there may be a million runs of one."""
        name = flow_run.c.flow_name
        first = select(func.min(name).label("name")).where(name > (after or ""))
        found = first.cte("found", recursive=True)
        following = select(select(func.min(name)).where(name > found.c.name).scalar_subquery())
        found = found.union_all(following.where(found.c.name.is_not(None)))
        rows = select(found.c.name).where(found.c.name.is_not(None)).limit(limit)
        if part is not None:
            rows = rows.where(holds(func.lower(found.c.name), part.lower()))
        return [each for (each,) in self._known.select(rows)]

    def log_lines(self, filter: LogFilter) -> Found[LogLine]:
        """A page of logged lines; the filter has a limit. Of all runs, only the newest are looked through."""
        limit = filter.limit or 1
        if (filter.part or filter.min_level) and not (filter.flow_run_ids or filter.task_run_ids):
            filter = filter._replace(above=self._log_floor())
        lines = self._known.log_lines(filter._replace(limit=limit + 1))
        return paged(lines, limit, lambda line: str(line.id))

    def _log_floor(self) -> int:
        newest = self._known.select(select(func.max(log.c.id)))[0][0]
        return int(newest or 0) - _COUNTED

    def bars(self, flow_run_id: str, after: str | None, limit: int, since: Micros | None = None) -> Found[Bar]:
        """A page of the task runs and flow runs that a flow run called, oldest first. With `since`, what changed."""
        rows = self._known.select(_bars(flow_run_id, after or "", limit + 1, since))
        return paged([Bar(row[0], bool(row[1]), *row[2:]) for row in rows], limit, lambda bar: bar.id)

    def calls_by_task(self, flow_run_id: str) -> tuple[list[Calls], bool]:
        """What a flow run called, in the order of the first calls, and whether all of its calls were looked at."""
        found: dict[tuple[bool, str], tuple[str, Calls]] = {}
        is_complete = True
        for of_task, query in _calls(flow_run_id):
            looked_at = 0
            for of, kind, count, took, first in self._known.select(query):
                looked_at += count
                id, known = found.get((of_task, of), (first, Calls(of, of_task, {}, None)))
                known.counts[kind or "PENDING"] = count
                seconds = None if took is None else max(took / 1_000_000, known.longest_seconds or 0.0)
                longest = known.longest_seconds if seconds is None else seconds
                found[of_task, of] = min(id, first), known._replace(longest_seconds=longest)
            is_complete = is_complete and looked_at < WINDOW
        return [calls for _, calls in sorted(found.values(), key=lambda each: each[0])], is_complete

    def counts_within(self, flow_run_id: str) -> dict[str, int]:
        """How many runs a flow run called, by their states' types.

        Where they are more than 30,000, one that has no state yet counts as completed: no index knows of it.
        """
        counts: Counter[str] = Counter()
        for table, parent in ((task_run, task_run.c.flow_run_id), (flow_run, flow_run.c.parent_flow_run_id)):
            ((all_,),) = self._known.select(select(func.count()).where(parent == flow_run_id))
            kind = table.c.state_type
            query = select(kind, func.count()).where(parent == flow_run_id).group_by(kind)
            if all_ > _COUNTED:
                query = query.where(text(NOT_COMPLETED))
            found = {name or "PENDING": count for name, count in self._known.select(query)}
            if all_ > _COUNTED:
                found["COMPLETED"] = all_ - sum(found.values())
            counts.update(found)
        return dict(counts)

    def inputs(self, run_ids: Sequence[str], of: str, limit: int) -> list[InputRecord]:
        """Which results went into which runs, by the column `of`: "run_id" or "source_id"."""
        columns = run_input.c
        chosen = select(*(columns[name] for name in InputRecord._fields)).where(columns[of].in_(run_ids))
        rows = self._known.select(chosen.order_by(text(INPUTS_ORDER)).limit(limit))
        return [InputRecord(*row) for row in rows]

    def cache_entries(self, beginning: str, task: str | None, after: str, limit: int) -> Found[CacheEntry]:
        """A page of cache entries, by key: those whose keys begin with a text."""
        key = cache_entry.c.key
        within = [key > after, key >= beginning, key < _after_all(beginning)] if beginning else [key > after]
        rows = self._known.select(select(key).where(*within).order_by(key).limit(1).offset(_JOINED - 1))
        end = rows[0][0] if rows else None
        if end is not None:
            within.append(key <= end)
        query = (
            queries.cache_entries(CacheFilter(task=task, limit=limit + 1), self._known.select)
            .where(*within)
            .order_by(None)
        )
        found = paged(
            [CacheEntry(*row) for row in self._known.select(query.order_by(key))], limit, lambda entry: entry.key
        )
        return found if found.next is not None else Found(found.items, end)

    def deliveries(self, hook_id: str | None, state: str | None, after: str | None, limit: int) -> Found[Delivery]:
        """A page of deliveries, newest first."""
        columns = hook_delivery.c
        given = ((columns.hook_id, hook_id), (columns.state, state))
        chosen = [column == value for column, value in given if value is not None]
        chosen += [columns.id < after] if after is not None else []
        rows = self._deliveries(*chosen, limit=limit + 1)
        return paged(rows, limit, lambda each: each.id)

    def delivery(self, id: str) -> Delivery | None:
        """A delivery, by its id."""
        return next(iter(self._deliveries(hook_delivery.c.id == id, limit=1)), None)

    def _deliveries(self, *chosen: ColumnElement[bool], limit: int) -> list[Delivery]:
        columns = hook_delivery.c
        query = select(*(columns[name] for name in Delivery._fields)).where(*chosen)
        return [Delivery(*row) for row in self._known.select(query.order_by(columns.id.desc()).limit(limit))]

    def runs_over_time(
        self, since: Micros, until: Micros, step: Micros, flow: str | None = None
    ) -> list[tuple[int, str, int]]:
        """How many outermost flow runs, or runs of a flow, were made in each step: (step, type of state, count)."""
        columns = flow_run.c
        which = func.floor((columns.created - since) * 1.0 / step)
        kind = func.coalesce(columns.state_type, "PENDING")
        query = select(which.label("which"), kind.label("kind"), func.count()).where(*_made(since, until, flow))
        rows = self._known.select(query.group_by("which", "kind").order_by("which", "kind"))
        return [(int(which), kind, count) for which, kind, count in rows]

    def flow_statistics(self, since: Micros, until: Micros, flow: str | None = None) -> list[FlowStatistics]:
        """How the outermost runs of each flow, or all runs of one, went that were made in a time.

        When a crash was noticed says nothing of how long the run took, so crashed runs do not count for that; nor does
        one that ran more than once: it was paused, suspended, resumed or tried again, and that time is none of its own.
        """
        columns = flow_run.c
        went_at_once = and_(columns.state_type != "CRASHED", columns.run_count <= 1)
        failed = func.sum(case((columns.state_type.in_(["FAILED", "CRASHED"]), 1), else_=0))
        took = func.avg(case((went_at_once, (columns.ended - columns.started) * 1.0)))
        query = select(columns.flow_name, func.count(), failed, took).where(*_made(since, until, flow))
        return [
            FlowStatistics(name, runs, int(wrong), None if mean is None else float(mean) / 1_000_000)
            for name, runs, wrong, mean in self._known.select(query.group_by(columns.flow_name))
        ]

    def stored(self, since: Micros, until: Micros, step: Micros) -> tuple[list[tuple[int, int, int]], bool]:
        """What persisted results made in each step of a time take, (step, results, bytes), and whether all are in it.

        The newest are looked at, as many as may be.
        """
        columns = result.c
        ids = select(columns.run_id).where(columns.run_id >= ids_since(since)).order_by(columns.run_id.desc())
        last = self._known.select(ids.limit(1).offset(_SUMMED - 1))
        which = func.floor((columns.created - since) * 1.0 / step)
        query = select(which.label("which"), func.count(), func.sum(columns.size)).where(
            columns.kind == "persisted",
            columns.removed.is_(None),
            columns.run_id >= (last[0][0] if last else ids_since(since)),
            columns.created >= since,
            columns.created < until,
        )
        rows = self._known.select(query.group_by("which").order_by("which"))
        return [(int(which), count, int(size or 0)) for which, count, size in rows], not last

    def stored_by(self, of: str, limit: int) -> tuple[list[StoredBy], int, bool]:
        """What the newest persisted results take by "flow", "task" or "type": see `storage_sums`."""
        return storage_sums.stored_by(self._known.select, of, limit)


def _calls(flow_run_id: str) -> list[tuple[bool, Select[Any]]]:
    """The queries of a flow run's calls of tasks, and of flows, grouped by what they are of and by their states."""

    def of(table: Table, parent: Column[Any], name: Column[Any]) -> Select[Any]:
        columns = table.c
        calls = select(
            columns.id, name.label("of"), columns.state_type, (columns.ended - columns.started).label("took")
        )
        rows = calls.where(parent == flow_run_id).limit(WINDOW).subquery().c
        shown = (rows.of, rows.state_type, func.count(), func.max(rows.took), func.min(rows.id))
        return select(*shown).group_by(rows.of, rows.state_type)

    return [
        (True, of(task_run, task_run.c.flow_run_id, task_run.c.task_name)),
        (False, of(flow_run, flow_run.c.parent_flow_run_id, flow_run.c.flow_name)),
    ]


def _bars(flow_run_id: str, after: str, limit: int, since: Micros | None) -> Select[Any]:
    def of(table: Table, parent: Column[Any], name: Column[Any], of_task: bool) -> Subquery:
        columns = table.c
        shown = (columns.state_type, columns.state_name, columns.created, columns.started, columns.ended)
        changed = func.coalesce(columns.state_time, columns.created).label("changed")
        last = (columns.run_count, changed, columns.state_message)
        rows = select(columns.id, literal(of_task), columns.name, name.label("of"), *shown, *last)
        which = [parent == flow_run_id, columns.id > after, *([] if since is None else [changed >= since])]
        return rows.where(*which).order_by(columns.id).limit(limit).subquery()

    tasks = of(task_run, task_run.c.flow_run_id, task_run.c.task_name, True)
    flows = of(flow_run, flow_run.c.parent_flow_run_id, flow_run.c.flow_name, False)
    both = union_all(select(tasks), select(flows)).subquery()
    return select(both).order_by(both.c.id).limit(limit)


def _made(since: Micros, until: Micros, flow: str | None) -> list[ColumnElement[bool]]:
    columns = flow_run.c
    made = [columns.id >= ids_since(since), columns.created >= since, columns.created < until]
    return [columns.parent_flow_run_id.is_(None) if flow is None else columns.flow_name.in_(spellings(flow)), *made]


def _ids(query: Select[object]) -> Select[object]:
    """The ids alone, which an index may have without the rows."""
    return query.with_only_columns(query.selected_columns.id)


def _is_looked_at(filter: RunFilter) -> bool:
    return any(getattr(filter, name) is not None for name in _LOOKED_AT)


def _after_all(beginning: str) -> str:
    """A text after all that begin so."""
    return beginning + chr(0x10FFFF)
