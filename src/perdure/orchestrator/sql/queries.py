"""The reading queries of the command line and the API, in SQLAlchemy Core.

Run ids sort by age, so that "newest first" is their order.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from perdure.core.records import BlockRecord, FlowRun, LogRecord, ResultFilter, ResultRecord, RunFilter, TaskRun
from perdure.orchestrator.sql.tables import block, flow_run, log, result, task_run

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
    if filter.flow_run_ids:
        conditions.append(parent.in_(filter.flow_run_ids))
    if filter.after is not None:
        conditions.append(columns.created >= filter.after)
    if filter.before is not None:
        conditions.append(columns.created < filter.before)
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
    conditions: _Conditions = []
    if filter.run_ids:
        conditions.append(result.c.run_id.in_(filter.run_ids))
    if filter.flow_run_ids:
        of_tasks = select(task_run.c.id).where(task_run.c.flow_run_id.in_(filter.flow_run_ids))
        conditions.append(or_(result.c.run_id.in_(filter.flow_run_ids), result.c.run_id.in_(of_tasks)))
    if filter.kinds:
        conditions.append(result.c.kind.in_(filter.kinds))
    chosen = select(*(result.c[field] for field in ResultRecord._fields)).where(*conditions)
    return chosen.order_by(result.c.run_id.desc()).limit(filter.limit)


def logs(flow_run_id: str | None, task_run_id: str | None) -> Select[Any]:
    """Rows of `LogRecord`, oldest first."""
    conditions: _Conditions = []
    if flow_run_id is not None:
        conditions.append(log.c.flow_run_id == flow_run_id)
    if task_run_id is not None:
        conditions.append(log.c.task_run_id == task_run_id)
    return select(*(log.c[field] for field in LogRecord._fields)).where(*conditions).order_by(log.c.time, log.c.id)


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
