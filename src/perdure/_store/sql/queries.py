"""Queries in SQLAlchemy Core of which tables they join, or in which order, depends on what is asked for."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Select,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    select,
    text,
    union_all,
)

from perdure._model.flow_names import spellings
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure._rooms.runs.records import FailureFilter
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._store.sql import tags
from perdure._store.sql.clock_skew import ids_since
from perdure._store.sql.filtered_lists import Ask, is_few
from perdure._store.sql.tables import cache_entry, flow_run, log, result, run_tag, state, task_run

_Conditions = list[ColumnElement[bool]]
_MESSAGE = 500  # characters of a state's message by which failures are distinguished
_COUNTS_STATES = "%/% states %failed."  # the message of a flow whose state is made of its children's


def run_counts(run_ids: Sequence[str]) -> tuple[Select[str, int], Select[str, int]]:
    """Of the runs: how many states each has, and how many log lines, where it has any."""

    def counted(id: ColumnElement[str], *where: ColumnElement[bool]) -> Select[str, int]:
        return select(id.label("id"), func.count().label("lines")).where(id.in_(run_ids), *where).group_by(id)

    own = counted(log.c.task_run_id, log.c.flow_run_id.is_(None))
    lines = union_all(counted(log.c.flow_run_id), own).subquery()
    return counted(state.c.run_id), select(lines.c.id, lines.c.lines)


def failures(filter: FailureFilter) -> Select[object]:
    """Rows of `FailureCount`, most runs first: of the newest runs that an index finds."""
    columns = flow_run.c
    chosen: _Conditions = (
        [columns.flow_name.in_(spellings(filter.of))]
        if filter.of is not None
        else [columns.parent_flow_run_id.is_(None)]
    )
    if filter.after is not None:
        chosen += [columns.id >= ids_since(filter.after), columns.created >= filter.after]
    if filter.before is not None:
        chosen += [columns.created < filter.before]
    of_task = False
    for tag in dict.fromkeys(map(tags.rendered, filter.tags)):
        chosen.append(
            exists().where(run_tag.c.of_task == of_task, run_tag.c.tag == tag, run_tag.c.run_id == columns.id)
        )
    # A flow that only counts its failed states failed of what the first of its failed task runs did.
    of_task_run = columns.state_message.like(_COUNTS_STATES)
    first_failed = select(task_run.c.state_message).where(
        task_run.c.flow_run_id == columns.id, task_run.c.state_type == "FAILED", text(NOT_COMPLETED)
    )
    said = case((of_task_run, first_failed.order_by(task_run.c.id).limit(1).scalar_subquery()))
    message = func.substr(func.coalesce(said, columns.state_message), 1, _MESSAGE).label("message")
    from_task = func.coalesce(of_task_run, False).label("from_task")
    shown = (columns.id, columns.flow_name, columns.state_type, message, columns.state_time, from_task)
    newest = [
        select(*shown).where(columns.state_type == kind, text(NOT_COMPLETED), *chosen).order_by(columns.id.desc())
        for kind in ("FAILED", "CRASHED")
    ]
    found = union_all(*(select(each.limit(filter.limit).subquery()) for each in newest)).subquery()
    runs, times = func.count().label("runs"), found.c.state_time
    counted_apart = []
    step: ColumnElement[int] = literal_column("0")
    if filter.step is not None:
        step = cast(func.floor((times - filter.first_step) * 1.0 / filter.step), BigInteger)
        counted_apart = ["which"]  # not "step": results have a column of that name
    same = (found.c.flow_name, found.c.state_type, result.c.type, found.c.message)
    counted = select(
        *(*same, runs),
        *(
            func.max(found.c.id).label("newest_id"),
            func.min(times).label("first"),
            func.max(times).label("last"),
            step.label("which"),
            found.c.from_task,
        ),
    ).select_from(
        found.outerjoin(result, and_(result.c.run_id == found.c.id, result.c.is_exception, ~found.c.from_task))
    )
    counted = counted.group_by(*same, found.c.from_task, *counted_apart)
    return counted.order_by(runs.desc(), func.max(found.c.id).desc())


def cache_entries(filter: CacheFilter, ask: Ask) -> Select[object]:
    """Rows of `CacheEntry`, newest first."""
    of_entry = [cache_entry.c[field] for field in CacheEntry._fields if field in cache_entry.c]
    of_result = [result.c[field] for field in CacheEntry._fields if field not in cache_entry.c and field in result.c]
    joined = cache_entry.outerjoin(task_run, task_run.c.id == cache_entry.c.run_id)
    joined = joined.outerjoin(result, result.c.run_id == cache_entry.c.run_id)
    chosen = select(*of_entry, task_run.c.task_name, *of_result).select_from(joined).where(*_of_cache(filter, ask))
    return chosen.order_by(cache_entry.c.created.desc(), cache_entry.c.key).limit(filter.limit)


def forget_cache(filter: CacheFilter, ask: Ask) -> Delete:
    """Delete what `cache_entries` would give; there is no limit."""
    return delete(cache_entry).where(*_of_cache(filter, ask))


def _of_cache(filter: CacheFilter, ask: Ask) -> _Conditions:
    columns = cache_entry.c
    conditions: _Conditions = []
    if filter.keys:
        conditions.append(columns.key.in_(filter.keys))
    if filter.beginning is not None:
        # A range, which the index serves, and which ends where no key can be any more.
        conditions.append(columns.key >= filter.beginning)
        conditions.append(columns.key <= filter.beginning + "\U0010ffff" * 4)
    if filter.task is not None:
        maker = task_run.alias()
        is_task = maker.c.task_name == filter.task
        if is_few(ask, is_task):  # named one by one, so that PostgreSQL knows how few
            conditions.append(columns.run_id.in_([id for (id,) in ask(select(maker.c.id).where(is_task))]))
        else:
            conditions.append(exists().where(maker.c.id == columns.run_id, is_task))
    if filter.before is not None:
        conditions.append(columns.created < filter.before)
    return conditions
