"""Deleting flow runs: every row of them and of all below them. Documents of results stay in their storages."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import delete, select

from perdure._model.errors import SteeringError
from perdure._model.state_types import FINAL
from perdure._rooms.runs.records import FlowRun
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.tables import (
    artifact,
    cache_entry,
    cancellation,
    decision,
    flow_key,
    flow_run,
    flow_start,
    log,
    result,
    run_input,
    run_tag,
    run_wait,
    state,
    task_run,
    txn,
    txn_step,
    txn_value,
)

_GROUP = 500  # runs whose rows one statement deletes


def delete_flow_run(run: FlowRun, known: EmbeddedOrchestrator) -> int:
    """Delete a flow run and all that it called; how many runs. If it is interrupted, doing it again completes it.

    Raises:
        SteeringError: it has not ended, or is part of another one.
    """
    if run.state_type not in FINAL:
        raise SteeringError(f"The flow run {run.name!r} ({run.id}) has not ended: it is {run.state_name}. Cancel it.")
    if run.parent_flow_run_id is not None:
        raise SteeringError(
            f"The flow run {run.name!r} ({run.id}) is part of the flow run {run.parent_flow_run_id}. Delete that one."
        )
    levels = [[run.id]]
    while levels[-1]:
        groups = [flow_run.c.parent_flow_run_id.in_(group) for group in _groups(levels[-1])]
        levels.append([id for called in groups for id in _ids(known, select(flow_run.c.id).where(called))])
    count = 0
    for level in reversed(levels):  # the outermost last: until then all can be found again
        for group in _groups(level):
            tasks = _ids(known, select(task_run.c.id).where(task_run.c.flow_run_id.in_(group)))
            for part in _groups(tasks):
                _delete_rows(part, known)
                known.execute(delete(log).where(log.c.task_run_id.in_(part)))
                known.execute(delete(task_run).where(task_run.c.id.in_(part)))
            _delete_flow_rows(group, known)
            count += len(group) + len(tasks)
    return count


def _delete_flow_rows(ids: Sequence[str], known: EmbeddedOrchestrator) -> None:
    _delete_rows(ids, known)
    transactions = select(txn.c.id).where(txn.c.flow_run_id.in_(ids))
    for table in (txn_step, txn_value):
        known.execute(delete(table).where(table.c.transaction_id.in_(transactions)))
    for table in (txn, log, artifact, flow_start, cancellation, run_wait, flow_key):
        known.execute(delete(table).where(table.c.flow_run_id.in_(ids)))
    known.execute(delete(result).where(result.c.item_of.in_(ids)))
    known.execute(delete(flow_run).where(flow_run.c.id.in_(ids)))


def _delete_rows(ids: Sequence[str], known: EmbeddedOrchestrator) -> None:
    """What there is of a run of either kind."""
    keys = select(result.c.cache_key).where(result.c.run_id.in_(ids), result.c.cache_key.is_not(None))
    known.execute(delete(cache_entry).where(cache_entry.c.key.in_(keys), cache_entry.c.run_id.in_(ids)))
    for table in (state, result, run_input, decision, run_tag):
        known.execute(delete(table).where(table.c.run_id.in_(ids)))


def _ids(known: EmbeddedOrchestrator, query: Any) -> list[str]:
    return [id for (id,) in known.select(query)]


def _groups(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _GROUP):
        yield ids[start : start + _GROUP]
