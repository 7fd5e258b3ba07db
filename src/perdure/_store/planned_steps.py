"""What resuming a flow run, or running its flow again, would do with the calls that it had made."""

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, and_, case, exists, false, func, literal, or_, select, text, union_all

from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.cache.expiry import has_not_expired
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.filtered_lists import holds
from perdure._store.sql.tables import cache_entry, flow_run, result, run_input, task_run

_DIRECT, _INDIRECT = 1, 2


class PlannedSteps(NamedTuple):
    """Calls of a flow run that resuming it, or running it again, treats alike."""

    of: str  # their task or flow
    of_task: bool
    state_type: str  # of the runs that they were
    has_result: bool  # one that another run of the flow can reuse
    is_exception: bool  # whether that is an exception
    is_later: bool  # whether it is the run from which the flow is run again, or was made after it
    is_changed: bool  # whether an argument of theirs is marked
    follows_change: bool  # whether they took the result of one that is changed, directly or through others
    calls: int


def planned_steps(
    known: EmbeddedOrchestrator, flow_run_id: str, before: str | None = None, marks: Sequence[str] = ()
) -> list[PlannedSteps]:
    """What a flow run called, by what resuming it would do with it: most calls first.

    Or by what running it again from the run with the id `before` would do with it. `marks` are parts of the text of an
    identity (`ResultRecord.step`), as calls have them that get a changed argument.
    """
    found = []
    changed = or_(*(holds(result.c.step, mark) for mark in marks)) if marks else false()
    follows = _taken(flow_run_id, changed) if marks else None
    for table, parent, name in (
        (task_run, task_run.c.flow_run_id, task_run.c.task_name),
        (flow_run, flow_run.c.parent_flow_run_id, flow_run.c.flow_name),
    ):
        kept = (result.c.run_id == table.c.id, result.c.step.is_not(None), result.c.doomed.is_(None))
        kind = func.coalesce(table.c.state_type, "PENDING").label("kind")
        has_result = result.c.run_id.is_not(None).label("has_result")
        raised = func.coalesce(result.c.is_exception, false()).label("raised")
        is_later = (false() if before is None else table.c.id >= before).label("is_later")
        reach = literal(0) if follows is None else _reach(table.c.id, changed, follows)
        query = select(name, kind, has_result, raised, is_later, reach.label("reach"), func.count()).select_from(
            table.outerjoin(result, and_(*kept, result.c.removed.is_(None)))
        )
        query = query.where(parent == flow_run_id, table.c.parent_task_run_id.is_(None))
        rows = known.select(query.group_by(name, "kind", "has_result", "raised", "is_later", "reach"))
        found += [
            PlannedSteps(
                of,
                table is task_run,
                state,
                has_result=bool(has),
                is_exception=bool(raised),
                is_later=bool(later),
                is_changed=reach == _DIRECT,
                follows_change=reach == _INDIRECT,
                calls=calls,
            )
            for of, state, has, raised, later, reach, calls in rows
        ]
    return sorted(found, key=lambda each: (-each.calls, each.of))


def _reach(id: ColumnElement[str], changed: ColumnElement[bool], follows: CTE) -> ColumnElement[int]:
    took = exists(select(follows.c.id).where(follows.c.id == id))
    return case((and_(result.c.run_id.is_not(None), changed), _DIRECT), (took, _INDIRECT), else_=0)


def _taken(flow_run_id: str, changed: ColumnElement[bool]) -> CTE:
    """The calls of a flow run that are changed, and those that took their results."""
    tasks = select(task_run.c.id).where(task_run.c.flow_run_id == flow_run_id)
    flows = select(flow_run.c.id).where(flow_run.c.parent_flow_run_id == flow_run_id)
    own = union_all(tasks, flows).cte("own")
    first = select(result.c.run_id.label("id")).where(result.c.run_id.in_(select(own.c.id)), changed)
    found = first.cte("found", recursive=True)
    following = select(run_input.c.run_id).join(found, run_input.c.source_id == found.c.id)
    return found.union(following.where(run_input.c.run_id.in_(select(own.c.id))))


def cached_calls(known: EmbeddedOrchestrator, flow_run_id: str, now: Micros) -> int:
    """How many of a flow run's own calls have cache keys for which a value is there now."""
    maker = result.alias("maker")
    query = (
        select(func.count())
        .select_from(task_run)
        .join(result, result.c.run_id == task_run.c.id)
        .join(cache_entry, cache_entry.c.key == result.c.cache_key)
        .join(maker, maker.c.run_id == cache_entry.c.run_id)
        .where(
            task_run.c.flow_run_id == flow_run_id,
            task_run.c.parent_task_run_id.is_(None),
            text(has_not_expired("cache_entry.expires", ":now")).bindparams(now=now),
            maker.c.doomed.is_(None),
            maker.c.removed.is_(None),
        )
    )
    ((count,),) = known.select(query)
    return int(count)
