"""The reading queries of the command line and the API, in SQLAlchemy Core.

Run ids sort by age, so that "newest first" is their order.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Delete, Select, and_, delete, func, or_, select, union_all

from perdure.core.records import (
    BlockRecord,
    CacheEntry,
    CacheFilter,
    DecisionRecord,
    FlowRun,
    InputRecord,
    LogRecord,
    ResultFilter,
    ResultRecord,
    RunFilter,
    TaskRun,
)
from perdure.core.states import FINAL
from perdure.orchestrator.sql.tables import block, cache_entry, decision, flow_run, log, result, run_input, task_run

_ID_LENGTH = 36
_Conditions = list[ColumnElement[bool]]


def flow_runs(filter: RunFilter) -> Select[Any]:
    """Rows of `FlowRun`, newest first."""
    return _runs(filter, flow_run, FlowRun._fields, of=flow_run.c.flow_name, parent=flow_run.c.parent_flow_run_id)


def task_runs(filter: RunFilter) -> Select[Any]:
    """Rows of `TaskRun`, newest first."""
    return _runs(filter, task_run, TaskRun._fields, of=task_run.c.task_name, parent=task_run.c.flow_run_id)


def _runs(filter: RunFilter, table: Any, fields: tuple[str, ...], of: Any, parent: Any) -> Select[Any]:
    columns = table.c
    conditions: _Conditions = [_has_tag(columns.tags, tag) for tag in filter.tags]
    if filter.ids:
        conditions.append(_begins_with_any(columns.id, filter.ids))
    if filter.name is not None:
        conditions.append(columns.name == filter.name)
    if filter.of is not None:
        conditions.append(of == filter.of)
    if filter.states:
        conditions.append(columns.state_type.in_([str(kind) for kind in filter.states]))
    if filter.ended is not None:
        has_ended = func.coalesce(columns.state_type, "").in_([str(kind) for kind in FINAL])
        conditions.append(has_ended if filter.ended else ~has_ended)
    if filter.flow_run_ids:
        conditions.append(parent.in_(filter.flow_run_ids))
    if filter.after is not None:
        conditions.append(columns.created >= filter.after)
    if filter.before is not None:
        conditions.append(columns.created < filter.before)
    if filter.older_than is not None:
        conditions.append(columns.id < filter.older_than)
    chosen = select(*(columns[field] for field in fields)).where(*conditions)
    return chosen.order_by(columns.id.desc()).limit(filter.limit)


def _begins_with_any(column: Any, beginnings: tuple[str, ...]) -> ColumnElement[bool]:
    whole = [text for text in beginnings if len(text) >= _ID_LENGTH]
    conditions: _Conditions = [column.in_(whole)] if whole else []
    for text in beginnings:
        if len(text) < _ID_LENGTH:
            # Ids are hexadecimal digits and hyphens, which all sort below "g": a range can use the index.
            conditions.append(and_(column >= text.lower(), column < text.lower() + "g"))
    return or_(*conditions)


def _has_tag(column: Any, tag: str) -> ColumnElement[bool]:
    # Not LIKE: it ignores case in SQLite and gives % and _ a meaning.
    spellings = {json.dumps(tag), json.dumps(tag, ensure_ascii=False)}
    return or_(*(func.replace(column, spelling, "") != column for spelling in sorted(spellings)))


def results(filter: ResultFilter) -> Select[Any]:
    """Rows of `ResultRecord`, newest first."""
    conditions = [*_runs_of_results(filter), *_values_of_results(filter)]
    chosen = select(*(result.c[field] for field in ResultRecord._fields)).where(*conditions)
    return chosen.order_by(result.c.run_id.desc()).limit(filter.limit)


def _runs_of_results(filter: ResultFilter) -> _Conditions:
    conditions: _Conditions = []
    if filter.run_ids:
        conditions.append(result.c.run_id.in_(filter.run_ids))
    if filter.flow_run_ids:
        of_tasks = select(task_run.c.id).where(task_run.c.flow_run_id.in_(filter.flow_run_ids))
        conditions.append(or_(result.c.run_id.in_(filter.flow_run_ids), result.c.run_id.in_(of_tasks)))
    if filter.flow is not None:
        of_flow = select(flow_run.c.id).where(flow_run.c.flow_name == filter.flow)
        of_tasks = select(task_run.c.id).where(task_run.c.flow_run_id.in_(of_flow))
        conditions.append(result.c.run_id.in_(union_all(of_flow, of_tasks)))
    if filter.task is not None:
        conditions.append(result.c.run_id.in_(select(task_run.c.id).where(task_run.c.task_name == filter.task)))
    if filter.older_than is not None:
        conditions.append(result.c.run_id < filter.older_than)
    return conditions


def _values_of_results(filter: ResultFilter) -> _Conditions:
    columns = result.c
    conditions: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "kinds": columns.kind.in_,
        "storage_ids": columns.storage_id.in_,
        "storage_keys": columns.storage_key.in_,
        "after": columns.created.__ge__,
        "before": columns.created.__lt__,
        "min_size": columns.size.__ge__,
        "max_size": columns.size.__le__,
        "is_exception": columns.is_exception.__eq__,
        "doomed": lambda wanted: columns.doomed.is_not(None) if wanted else columns.doomed.is_(None),
        "removed": lambda wanted: columns.removed.is_not(None) if wanted else columns.removed.is_(None),
        "items": lambda wanted: columns.item_of.is_not(None) if wanted else columns.item_of.is_(None),
        "type": lambda pattern: _matches(columns.type, pattern),
    }
    told = {name: getattr(filter, name) for name in conditions}
    return [conditions[name](value) for name, value in told.items() if value is not None and value != ()]


def _matches(column: Any, pattern: str) -> ColumnElement[bool]:
    """Whether text is the pattern, or begins or ends as it does where the pattern has a `*` at an end."""
    # Not LIKE: it ignores case in SQLite and gives % and _ a meaning.
    text = pattern.strip("*")
    if pattern.endswith("*"):
        return func.substr(column, 1, len(text)) == text
    if pattern.startswith("*"):
        return func.substr(column, func.length(column) - len(text) + 1) == text
    return column == pattern  # type: ignore[no-any-return]


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


def logs(flow_run_id: str | None, task_run_id: str | None) -> Select[Any]:
    """Rows of `LogRecord`, oldest first."""
    conditions: _Conditions = []
    if flow_run_id is not None:
        conditions.append(log.c.flow_run_id == flow_run_id)
    if task_run_id is not None:
        conditions.append(log.c.task_run_id == task_run_id)
    return select(*(log.c[field] for field in LogRecord._fields)).where(*conditions).order_by(log.c.time, log.c.id)


def cache_entries(filter: CacheFilter) -> Select[Any]:
    """Rows of `CacheEntry`, newest first."""
    of_entry = [cache_entry.c[field] for field in CacheEntry._fields if field in cache_entry.c]
    of_result = [result.c[field] for field in CacheEntry._fields if field not in cache_entry.c and field in result.c]
    joined = cache_entry.outerjoin(task_run, task_run.c.id == cache_entry.c.run_id)
    joined = joined.outerjoin(result, result.c.run_id == cache_entry.c.run_id)
    chosen = select(*of_entry, task_run.c.task_name, *of_result).select_from(joined).where(*_of_cache(filter))
    return chosen.order_by(cache_entry.c.created.desc(), cache_entry.c.key).limit(filter.limit)


def forget_cache(filter: CacheFilter) -> Delete:
    """Delete what `cache_entries` would give; there is no limit."""
    return delete(cache_entry).where(*_of_cache(filter))


def _of_cache(filter: CacheFilter) -> _Conditions:
    columns = cache_entry.c
    conditions: _Conditions = []
    if filter.keys:
        conditions.append(columns.key.in_(filter.keys))
    if filter.beginning is not None:
        conditions.append(func.substr(columns.key, 1, len(filter.beginning)) == filter.beginning)
    if filter.task is not None:
        of_task = select(task_run.c.id).where(task_run.c.task_name == filter.task)
        conditions.append(columns.run_id.in_(of_task))
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
