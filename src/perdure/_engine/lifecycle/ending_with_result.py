"""Ending a run with a result that is there already: from the cache, or from before its flow run was retried."""

import logging
from collections.abc import Sequence
from typing import Any

from perdure._engine.coordination.staging import staged
from perdure._engine.lifecycle.items import hand_on, hand_on_earlier
from perdure._engine.lifecycle.runs import enter, note_cache_key, text_of
from perdure._engine.port import Runtime
from perdure._model.errors import ResultError, ResultNotKept, StorageError
from perdure._model.records import DecisionRecord, FlowRunRecord, Record, ResultRecord, StateRecord, TaskRunRecord, Why
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.ids import new_id
from perdure._results.inline import held_by
from perdure._results.retention_limits import retention_of
from perdure._results.store import result_from_record, result_record
from perdure._results.types import BaseResult
from perdure._run.context import FlowRunContext, RunContext
from perdure._run.effects import Blocking, Report, Steps


def finished_before(run: RunContext, records: list[Record], runtime: Runtime) -> Steps[State[object] | None]:
    """The final state of a run that was finished before its flow run was retried; None if it has to run.

    If it has not been reported yet by `records`, it becomes the run that it was before: nothing is reported at all.
    """
    flow = run.parent
    if run.identity is None or not isinstance(flow, FlowRunContext):
        return None
    known = flow.finished.get(run.identity)
    if known is not None:
        record = result_record(known.run_id or run.id, not run.is_flow, known.data, known.time)
        return (yield from end_with_result_of(run, records, runtime, known.data, record, "reused", bool(records)))
    found = flow.earlier.get(run.identity)
    if found is None or (run.options.is_generator and found.kind == "unpersisted"):  # one that was left half-way
        return None
    result = result_from_record(found, keep=run.options.cache_result_in_memory)
    stays = bool(records) and not found.is_exception and flow.is_own(run.identity)
    return (yield from end_with_result_of(run, records, runtime, result, found, "reused", stays))


def become_new(run: RunContext, records: list[Record]) -> None:
    """Make a new run of one that was to be the run from before a crash. Its future keeps the earlier id."""
    flow, before = run.parent, run.id
    run.id = new_id()
    if isinstance(flow, FlowRunContext):
        flow.identities[run.id] = flow.identities[before]
    records[:] = [
        each._replace(id=run.id) if isinstance(each, TaskRunRecord | FlowRunRecord) else each._replace(run_id=run.id)  # type: ignore[call-arg]
        for each in records
    ]


def end_with_result_of(
    run: RunContext,
    records: list[Record],
    runtime: Runtime,
    result: BaseResult[object],
    found: ResultRecord,
    why: Why,
    stays: bool = False,
) -> Steps[State[Any] | None]:
    """End the run with another one's result; None if that cannot be read. `records` are those of the run's creation.

    With `stays`, the run becomes that other one.
    """
    try:
        value = yield Blocking(result.get_own)
    except (ResultNotKept, ResultError, StorageError) as error:  # the first: an exception that could not be kept
        what = "result from before" if why == "reused" else "cached result"
        kind = "flow" if run.is_flow else "task"
        if run.id == found.run_id:
            become_new(run, records)
        runtime.log(run, logging.WARNING, "The %s cannot be used, so the %s runs again. %s", what, kind, error)
        yield Report((DecisionRecord(run.id, "lost", detail=text_of(error), other_id=found.run_id),))
        return None
    name = "Reused" if why == "reused" else "Cached"
    if stays and isinstance(run.parent, FlowRunContext):
        run.parent.identities[found.run_id] = run.parent.identities.pop(run.id)
        run.id = found.run_id
        records.clear()
    if found.is_exception:
        described = f"{type(value).__name__}: {text_of(value)}" if isinstance(value, BaseException) else str(value)
        message = f"It failed before its flow run was resumed: {described}".rstrip(": ")
        state = enter(run, runtime, StateType.FAILED, message, result, name)
    else:
        state = enter(run, runtime, StateType.COMPLETED, data=result, name=name)
        if name == "Cached":
            note_cache_key(run, found.cache_key, found.expires)
    if not stays:
        yield Report((*records, *_reuse_records(run, found, why, state)))
    runtime.log(run, logging.DEBUG, "%s: the result is that of the run %s.", name, found.run_id)
    if run.options.is_generator:
        yield from hand_on_earlier(run, runtime) if found.is_exception else hand_on(run, value, why != "reused")
    return run.state


def _reuse_records(run: RunContext, found: ResultRecord, why: Why, state: StateRecord) -> Sequence[Record]:
    record = held_by(found, run.id)._replace(
        of_task=not run.is_flow,
        created=state.time,
        step=run.step,
        retention=retention_of(run),
        doomed=None,
        removed=None,
    )
    decision = DecisionRecord(run.id, why, other_id=found.run_id)
    return staged(run, (record, decision, state), is_new=False)
