"""The lists of runs and results, newest first, as queries that an index answers whatever the filter.

Run ids sort by age, so that "newest first" is their order, and that of each index within what it is of. Where a filter
names several states, storages or the like, the newest of each are asked for by themselves and put together.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import product
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    FromClause,
    Select,
    Table,
    TextClause,
    and_,
    asc,
    desc,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from perdure._model.filters import conditions as conditions_of
from perdure._model.flow_names import spellings
from perdure._model.records import ResultRecord
from perdure._model.state_types import StateType
from perdure._platform.named import NamedTuple
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.results.tables import CHOSEN_KEY, LARGE, LARGE_SIZE, NOT_UNPERSISTED, OWN_KEY_LENGTH
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._store.sql import tags
from perdure._store.sql.clock_skew import ids_since, ids_until
from perdure._store.sql.database import Row
from perdure._store.sql.tables import flow_run, result, run_tag, task_run

Ask = Callable[[Executable], Sequence[Row]]  # runs a small query on which the plan of another one depends
Condition = ColumnElement[bool] | TextClause
Conditions = list[Condition]
Columns = ReadOnlyColumnCollection[str, Column[Any]]

_BRANCHES = 16  # parts of a query that are asked for by themselves
_FEW = 2_000  # rows that may be sorted; of more than that, the newest are met soon when all are gone through
# Each value of a column once: as many steps in an index of it as there are values.
_VALUES = """
WITH RECURSIVE found (last) AS (
    SELECT min({0}) FROM result WHERE {1}
    UNION ALL SELECT (SELECT min({0}) FROM result WHERE {1} AND {0} > found.last) FROM found WHERE last IS NOT NULL
) SELECT last FROM found WHERE last IS NOT NULL
"""
_ALL_TYPES = _VALUES.format("type", "1 = 1")
_ALL_STORAGES = _VALUES.format("storage_id", f"kind = 'persisted' AND {NOT_UNPERSISTED}")


class _Branch(NamedTuple):
    """A part of a list: rows of a table, or of two, in the order of an id."""

    source: FromClause
    id: ColumnElement[str]
    conditions: Conditions


def flow_runs(filter: RunFilter, ask: Ask) -> Select[object]:
    """Rows of `FlowRun`, newest first."""
    of, parent = flow_run.c.flow_name, flow_run.c.parent_flow_run_id
    return _newest(_runs(filter, flow_run, of, parent, ask), [flow_run.c[each] for each in FlowRun._fields], filter)


def task_runs(filter: RunFilter, ask: Ask, fields: Sequence[str] = TaskRun._fields) -> Select[object]:
    """Rows of `TaskRun`, newest first; with `fields`, only those, the id first."""
    of, parent = task_run.c.task_name, task_run.c.flow_run_id
    return _newest(_runs(filter, task_run, of, parent, ask), [task_run.c[each] for each in fields], filter)


def results(filter: ResultFilter, ask: Ask) -> Select[object]:
    """Rows of `ResultRecord`, newest first."""
    choices = [_types(filter.type, ask), _places(filter, ask), _times(filter)]
    parts = [
        _Branch(source, id, [*conditions, *chosen])
        for source, id, conditions in _sources(filter)
        for chosen in _alternatives(*choices)
    ]
    of_flow = [] if _is_of_flows(filter) else _of_flow(filter.flow, ask)
    shared = [*_values(filter, ask), *_sizes(filter, ask), *of_flow]
    branches = [part._replace(conditions=[*part.conditions, *shared]) for part in parts]
    return _newest(branches, [result.c[each] for each in ResultRecord._fields], filter)


def _newest(
    branches: Sequence[_Branch], columns: Sequence[Column[Any]], filter: RunFilter | ResultFilter
) -> Select[object]:
    """The newest rows of all branches together, or the oldest."""
    parts = []
    order = asc if isinstance(filter, RunFilter) and filter.oldest_first else desc
    for source, id, conditions in branches:
        older: Conditions = [] if filter.older_than is None else [id < filter.older_than]
        if isinstance(filter, RunFilter):
            older += _bounds(id, filter)
        chosen = select(*columns).select_from(source).where(*conditions, *older)
        parts.append(chosen.order_by(order(id)).limit(filter.limit))
    if len(parts) == 1:
        return parts[0]
    together = union_all(*(select(each.subquery()) for each in parts)).subquery()
    named = [together.c[each.name] for each in columns]
    return select(*named).order_by(order(named[0])).limit(filter.limit)


def _bounds(id: ColumnElement[str], filter: RunFilter) -> Conditions:
    bounds: Conditions = [] if filter.newer_than is None else [id > filter.newer_than]
    if filter.until is not None:
        bounds.append(id <= filter.until if filter.oldest_first else id >= filter.until)
    return bounds


def _declared(filter: NamedTuple) -> Conditions:
    """What the filter's own fields declare."""
    (_, *found), values = conditions_of(filter, "\0")
    names = [f"given_{place}" for place in range(len(values))]
    left = iter(names)
    statement = re.sub("\0", lambda _: f":{next(left)}", " AND ".join(found))
    return [text(statement).bindparams(**dict(zip(names, values, strict=True)))] if found else []


def _alternatives(*choices: Sequence[Conditions]) -> list[Conditions]:
    """Each way to choose one of each of the choices; a choice of nothing counts as none."""
    there = [choice for choice in choices if choice]
    ways = [[each for chosen in way for each in chosen] for way in product(*there)]
    return ways if len(ways) <= _BRANCHES else [[or_(*(and_(*each) for each in choice)) for choice in there]]


def _each(column: ColumnElement[str], values: Iterable[str]) -> list[Conditions]:
    return [[column == value] for value in dict.fromkeys(values)]


def is_few(ask: Ask, *conditions: Condition) -> bool:
    """Whether so few rows are of a kind that all of them may be looked at."""
    limited = select(literal_column("1").label("one")).where(*conditions).limit(_FEW + 1).subquery()
    count: int = ask(select(func.count()).select_from(limited))[0][0]
    return count <= _FEW


def _unindexed(column: ColumnElement[int]) -> ColumnElement[int]:
    """The column's value, by which no index is looked at."""
    return column + literal_column("0")


# Runs


def _runs(
    filter: RunFilter, table: Table, of: ColumnElement[str], parent: ColumnElement[str], ask: Ask
) -> list[_Branch]:
    columns = table.c
    conditions = _declared(filter._replace(older_than=None))  # of which each branch knows
    names = () if filter.of is None else (filter.of,) if table is task_run else spellings(filter.of)
    # Without this, SQLite looks through all runs of a task for those of a flow run.
    called = _each(of.concat("") if filter.flow_run_ids else of, names)
    if len(called) == 1:
        conditions += called.pop()
    ways = _alternatives(called, _states(columns.state_type, filter.states), _each(parent, filter.flow_run_ids))
    is_open = not conditions and ways == [[]]
    conditions += [*_of_time(columns, filter), *_looked_at(columns, filter)]
    source, id, tagged = _by_tags(table, filter.tags, is_open, ask)
    return [_Branch(source, id, [*conditions, *tagged, *way]) for way in ways]


def _states(column: ColumnElement[str], states: Iterable[StateType]) -> list[Conditions]:
    return [
        [column == str(state), *([] if state is StateType.COMPLETED else [text(NOT_COMPLETED)])]
        for state in dict.fromkeys(states)
    ]


def _of_time(columns: Columns, filter: RunFilter) -> Conditions:
    """By the time of creation, and by the ids that were made about then: those are what the indices are sorted by."""
    conditions: Conditions = []
    if filter.after is not None:
        conditions += [columns.created >= filter.after, columns.id >= ids_since(filter.after)]
    if filter.before is not None:
        conditions += [columns.created < filter.before, columns.id < ids_until(filter.before)]
    return conditions


def _looked_at(columns: Columns, filter: RunFilter) -> Conditions:
    """What no index serves: `reads` has few rows looked at together."""
    conditions: dict[str, Callable[[Any], Condition]] = {
        "name_part": lambda part: holds(columns.name, part),
        "text": lambda text: holds(func.lower(_readable(columns)), text.lower()),
        "parameters_part": lambda part: holds(columns.parameters, part),
        "outermost": lambda wanted: _is_outermost(columns) if wanted else not_(_is_outermost(columns)),
        "started_after": columns.started.__ge__,
        "started_before": columns.started.__lt__,
        "ended_after": columns.ended.__ge__,
        "ended_before": columns.ended.__lt__,
    }
    given = {name: getattr(filter, name) for name in conditions}
    return [conditions[name](value) for name, value in given.items() if value is not None]


def _readable(columns: Columns) -> ColumnElement[str]:
    """What people look for in a run."""
    of = columns.flow_name if "flow_name" in columns else columns.task_name
    parts = (columns.name, of, func.coalesce(columns.state_message, ""), columns.tags)
    return reduce(lambda before, part: before.concat("\n").concat(part), parts)


def _is_outermost(columns: Columns) -> ColumnElement[bool]:
    return and_(columns.parent_flow_run_id.is_(None), columns.parent_task_run_id.is_(None))


def holds(column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether a text is somewhere in a column."""
    # Not LIKE: it ignores case in SQLite and gives % and _ a meaning.
    return func.replace(column, part, "") != column


def _by_tags(table: Table, wanted: Sequence[str], is_open: bool, ask: Ask) -> _Branch:
    """The runs that have all of the tags: by a rare one, by the first if nothing else is asked for, or one by one."""
    id, of_task = table.c.id, table is task_run
    rendered = [tags.rendered(tag) for tag in dict.fromkeys(wanted)]
    has = {tag: [run_tag.c.of_task == of_task, run_tag.c.tag == tag] for tag in rendered}
    other = run_tag.alias()
    one_by_one: Conditions = [
        exists().where(other.c.of_task == of_task, other.c.tag == tag, other.c.run_id == id) for tag in has
    ]
    for tag in rendered:
        if is_few(ask, *has[tag]):
            return _Branch(table, id, [id.in_(select(run_tag.c.run_id).where(*has[tag])), *one_by_one])
    if not (rendered and is_open):
        return _Branch(table, id, one_by_one)
    joined = run_tag.join(table, id == run_tag.c.run_id)
    return _Branch(joined, run_tag.c.run_id, [*has[rendered[0]], *one_by_one[1:]])


# Results


def _sources(filter: ResultFilter) -> list[_Branch]:
    """By the runs that results are of: each flow run's tasks, and the flow runs themselves."""
    of_tasks, id = task_run.join(result, result.c.run_id == task_run.c.id), result.c.run_id
    given = _declared(filter)
    if _is_of_flows(filter):
        of_flows = flow_run.join(result, id == flow_run.c.id)
        called = _each(flow_run.c.flow_name, spellings(filter.flow or ""))
        return [_Branch(of_flows, flow_run.c.id, [*given, *each]) for each in called]
    if filter.task is not None:
        given.append(task_run.c.task_name == filter.task)
    if filter.flow_run_ids:
        ways = _alternatives(_each(task_run.c.flow_run_id, filter.flow_run_ids))
        branches = [_Branch(of_tasks, task_run.c.id, [*given, *way]) for way in ways]
        own = [_Branch(result, id, [*given, id.in_(filter.flow_run_ids)])]
        return branches + (own if filter.task is None else [])
    return [_Branch(result, id, given) if filter.task is None else _Branch(of_tasks, task_run.c.id, given)]


def _is_of_flows(filter: ResultFilter) -> bool:
    """Whether the runs of a flow alone are looked at, as its index has them."""
    others = filter.task is not None or bool(filter.flow_run_ids)
    return filter.flow is not None and filter.of_task is False and not others


def _places(filter: ResultFilter, ask: Ask) -> list[Conditions]:
    """By kind and, since that is how they are indexed, by storage."""
    kind, storage = result.c.kind, result.c.storage_id
    persisted: Conditions = [kind == "persisted", text(NOT_UNPERSISTED)]
    if filter.storage_ids:
        is_wanted = not filter.kinds or "persisted" in filter.kinds
        return [[*persisted, *each] for each in _each(storage, filter.storage_ids)] if is_wanted else [[text("1 = 0")]]
    ways: list[Conditions] = []
    for name in dict.fromkeys(filter.kinds):
        if name == "persisted":
            storages = [id for (id,) in ask(text(_ALL_STORAGES))]
            few: list[Conditions] = (
                [*_each(storage, storages), [storage.is_(None)]] if len(storages) < _BRANCHES else [[]]
            )
            ways += [[*persisted, *each] for each in few]
        else:
            literal: Conditions = [text(NOT_UNPERSISTED), storage.is_(None)]
            ways.append([kind == name, *(literal if name == "literal" else [])])
    return ways


def _types(pattern: str | None, ask: Ask) -> list[Conditions]:
    """The types that are the pattern, or begin or end as it does where it has a `*` at an end."""
    if pattern is None or not (fixed := pattern.strip("*")):
        return []
    if fixed == pattern:
        return _each(result.c.type, [pattern])
    matches = str.startswith if pattern.endswith("*") else str.endswith
    found = [name for (name,) in ask(text(_ALL_TYPES)) if matches(name, fixed)]
    if len(found) > _BRANCHES:
        return [[result.c.type.concat("").in_(found)]]
    return _each(result.c.type, found) or [[text("1 = 0")]]


def _values(filter: ResultFilter, ask: Ask) -> Conditions:
    columns = result.c
    conditions: Conditions = [columns.storage_key.in_(filter.storage_keys)] if filter.storage_keys else []
    if filter.storage_keys and not any(len(key) == OWN_KEY_LENGTH for key in filter.storage_keys):
        conditions.append(text(CHOSEN_KEY))
    signs: dict[str, Condition] = {  # what few results have
        "is_exception": text("is_exception"),
        "doomed": columns.doomed.is_not(None),
        "removed": and_(columns.doomed.is_not(None), columns.removed.is_not(None)),
    }
    for name, sign in signs.items():
        wanted = getattr(filter, name)
        if wanted:
            conditions.append(_rare(ask, sign))
        elif wanted is not None:
            conditions.append(columns[name].is_(None) if name != "is_exception" else text("NOT is_exception"))
    if filter.items is not None:
        conditions.append(columns.item_of.is_not(None) if filter.items else columns.item_of.is_(None))
    return conditions


def _rare(ask: Ask, sign: Condition) -> Condition:
    """A condition that is looked at first if few results fulfil it."""
    named = [result.c.run_id.is_not(None), sign]
    return result.c.run_id.in_(select(result.c.run_id).where(*named)) if is_few(ask, *named) else sign


def _times(filter: ResultFilter) -> list[Conditions]:
    """By the ids that were made about then; and what is clock-skewed, by itself."""
    columns, after, before = result.c, filter.after, filter.before
    if after is None and before is None:
        return []
    about: Conditions = [columns.askew.is_(None)]
    skewed: Conditions = [columns.askew.is_not(None)]
    if after is not None:
        about += [columns.run_id >= ids_since(after), columns.created >= after]
        skewed.append(columns.askew >= after)
    if before is not None:
        about += [columns.run_id < ids_until(before), columns.created < before]
        skewed.append(columns.askew < before)
    return [about, skewed]


def _sizes(filter: ResultFilter, ask: Ask) -> Conditions:
    size, least, most = result.c.size, filter.min_size, filter.max_size
    if least is not None and least >= LARGE_SIZE:
        span: Conditions = [size >= least, *([] if most is None else [size <= most]), text(LARGE)]
        if is_few(ask, *span):
            return [result.c.run_id.in_(select(result.c.run_id).where(*span))]
    conditions: Conditions = [] if least is None else [_unindexed(size) >= least]
    return conditions if most is None else [*conditions, _unindexed(size) <= most]


def _of_flow(flow: str | None, ask: Ask) -> Conditions:
    if flow is None:
        return []
    is_flow, id = flow_run.c.flow_name.in_(spellings(flow)), result.c.run_id
    of_tasks = task_run.join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    runs = union_all(select(flow_run.c.id).where(is_flow), select(task_run.c.id).select_from(of_tasks).where(is_flow))
    found = runs.subquery()
    if is_few(ask, found.c.id.is_not(None)):
        return [id.in_(select(found.c.id))]
    of_task = exists().select_from(of_tasks).where(task_run.c.id == id, is_flow)
    return [or_(exists().where(flow_run.c.id == id, is_flow), of_task)]
