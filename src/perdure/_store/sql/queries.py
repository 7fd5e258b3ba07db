"""The reading queries of the command line and the API, in SQLAlchemy Core; those of long lists are in `lists`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Delete, Select, delete, exists, func, select, union_all

from perdure._model.records import ArtifactRecord, BlockRecord, DecisionRecord, InputRecord, LogRecord
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure._rooms.logs.records import LogFilter, LogLine
from perdure._store.sql.filtered_lists import Ask, begins_with_any, holds, is_few
from perdure._store.sql.tables import (
    artifact,
    block,
    cache_entry,
    decision,
    flow_run,
    log,
    result,
    run_input,
    state,
    task_run,
)

_ID_LENGTH = 36
_Conditions = list[ColumnElement[bool]]


def inputs(run_ids: Sequence[str], of: str) -> Select[Any]:
    """Rows of `InputRecord` whose column `of` is one of the ids."""
    columns = run_input.c
    chosen = select(*(columns[field] for field in InputRecord._fields)).where(columns[of].in_(run_ids))
    return chosen.order_by(columns.run_id, columns.name, columns.source_id)


def decisions(run_ids: Sequence[str]) -> Select[Any]:
    """Rows of `DecisionRecord`, newest first."""
    columns = decision.c
    chosen = select(*(columns[field] for field in DecisionRecord._fields)).where(columns.run_id.in_(run_ids))
    return chosen.order_by(columns.run_id.desc())


def run_counts(run_ids: Sequence[str]) -> tuple[Select[Any], Select[Any]]:
    """Of the runs: how many states each has, and how many log lines, where it has any."""

    def counted(id: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[Any]:
        return select(id.label("id"), func.count().label("lines")).where(id.in_(run_ids), *where).group_by(id)

    own = counted(log.c.task_run_id, log.c.flow_run_id.is_(None))
    lines = union_all(counted(log.c.flow_run_id), own).subquery()
    return counted(state.c.run_id), select(lines.c.id, lines.c.lines)


def logs(flow_run_id: str | None, task_run_id: str | None) -> Select[Any]:
    """Rows of `LogRecord`, oldest first."""
    conditions: _Conditions = []
    if flow_run_id is not None:
        conditions.append(log.c.flow_run_id == flow_run_id)
    if task_run_id is not None:
        conditions.append(log.c.task_run_id == task_run_id)
    return select(*(log.c[field] for field in LogRecord._fields)).where(*conditions).order_by(log.c.time, log.c.id)


def log_lines(filter: LogFilter) -> Select[Any]:
    """Rows of `LogLine`, the highest number first, or the lowest after one."""
    columns = log.c
    conditions: _Conditions = []
    if filter.flow_run_ids:
        conditions.append(columns.flow_run_id.in_(filter.flow_run_ids))
    if filter.task_run_ids:
        conditions.append(columns.task_run_id.in_(filter.task_run_ids))
    if filter.flow is not None:
        conditions.append(columns.flow_run_id.in_(select(flow_run.c.id).where(flow_run.c.flow_name == filter.flow)))
    if filter.min_level is not None:
        conditions.append(columns.level >= filter.min_level)
    if filter.part is not None:
        conditions.append(holds(columns.message, filter.part))
    if filter.since is not None:
        conditions.append(columns.time >= filter.since)
    if filter.after is not None:
        conditions.append(columns.id > filter.after)
    if filter.before is not None:
        conditions.append(columns.id < filter.before)
    order = columns.id.desc() if filter.after is None else columns.id
    return select(*(columns[field] for field in LogLine._fields)).where(*conditions).order_by(order).limit(filter.limit)


def artifacts(filter: ArtifactFilter) -> Select[Any]:
    """Rows of `ArtifactRecord`, newest first."""
    columns, newer = artifact.c, artifact.alias()
    conditions: _Conditions = []
    if filter.ids:
        conditions.append(begins_with_any(columns.id, filter.ids))
    if filter.key is not None:
        conditions.append(columns.key == filter.key)
    if filter.kinds:
        conditions.append(columns.kind.in_(filter.kinds))
    if filter.flow_run_ids:
        conditions.append(columns.flow_run_id.in_(filter.flow_run_ids))
    if filter.task_run_ids:
        conditions.append(columns.task_run_id.in_(filter.task_run_ids))
    if filter.latest:
        conditions.append(~select(newer.c.id).where(newer.c.key == columns.key, newer.c.id > columns.id).exists())
    if filter.older_than is not None:
        conditions.append(columns.id < filter.older_than)
    chosen = select(*(columns[field] for field in ArtifactRecord._fields)).where(*conditions)
    return chosen.order_by(columns.id.desc()).limit(filter.limit)


def cache_entries(filter: CacheFilter, ask: Ask) -> Select[Any]:
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
        if is_few(ask, is_task):  # told one by one, so that PostgreSQL knows how few
            conditions.append(columns.run_id.in_([id for (id,) in ask(select(maker.c.id).where(is_task))]))
        else:
            conditions.append(exists().where(maker.c.id == columns.run_id, is_task))
    if filter.before is not None:
        conditions.append(columns.created < filter.before)
    return conditions


def blocks(type: str | None, name: str | None) -> Select[Any]:
    """Rows of `BlockRecord` that have a name, sorted by type and name."""
    conditions: _Conditions = [block.c.name.is_not(None)]
    if type is not None:
        conditions.append(block.c.type == type)
    if name is not None:
        conditions.append(block.c.name == name)
    return (
        select(*(block.c[field] for field in BlockRecord._fields))
        .where(*conditions)
        .order_by(block.c.type, block.c.name)
    )
