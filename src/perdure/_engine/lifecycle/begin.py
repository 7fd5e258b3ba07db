"""Beginning a run: its id, its name, its place under the run that calls it."""

import functools
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perdure._engine.coordination.lineage import inputs_of, note_maker
from perdure._engine.identity.identity import Identity, identify, identity_of
from perdure._engine.lifecycle.flow_run import FlowCall
from perdure._engine.lifecycle.runs import enter, enter_first, persists
from perdure._engine.lifecycle.task_run import TaskCall
from perdure._engine.port import Runtime
from perdure._engine.recovery.resumption import Resumable
from perdure._engine.recovery.start_record import reuse_of
from perdure._model.argument_binding import Passed
from perdure._model.colour import on_event_loop
from perdure._model.errors import ResultError, StorageError
from perdure._model.options import FlowOptions, TaskOptions
from perdure._model.records import NOBODY, FlowRunRecord, Record, TaskRunRecord
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.ids import new_id
from perdure._platform.lazy_import import LazyModule
from perdure._platform.stack import check_room
from perdure._results.store import result_from_record
from perdure._results.types import UnpersistedResult
from perdure._run.arguments import Upstream, WaitedFor, only_atoms
from perdure._run.child_states import VALUES_KEPT
from perdure._run.context import (
    FlowRunContext,
    Reuse,
    RunContext,
    TaskRunContext,
    current_run,
    current_tags,
    transaction_above,
)

if TYPE_CHECKING:
    from perdure._engine.lifecycle import shown_parameters as shown
else:  # few programs need it; the others start faster
    shown = LazyModule("perdure._engine.lifecycle.shown_parameters")


def may_begin(flow: FlowRunContext | None) -> bool:
    """Whether anything of a flow run may still begin: not once it is being cancelled, or is another process's.

    Then a call raises (`RunController.check`), and what was submitted ends as Cancelled (`_execution.submission`).
    """
    return flow is None or (flow.controller.request is None and flow.controller.lost is None)


def begin_task(
    owner: object,
    options: TaskOptions,
    parameters: dict[str, object],
    wait_for: Sequence[WaitedFor],
    runtime: Runtime,
    passed: Passed | None,
    blocks: bool = False,
) -> TaskCall | State[object]:
    """A call of a task, created and pending; or the state that it came to in an earlier attempt of its flow.

    With `blocks`, the caller waits for the call anyhow: then a result from before a crash is read at once, unless that
    would keep an event loop from going on.
    """
    check_room()
    parent = current_run.get()
    flow = None if parent is None else parent.flow
    if flow is not None and flow.controller.request is not None:  # as `may_begin`, without a call more
        flow.controller.check()
    transaction = transaction_above(parent)
    persisted = persists(options, parent, transaction)
    identity = identity_of(options, parameters, parent, transaction) if persisted else None
    if identity is not None and flow is not None:
        if _is_at_hand(flow, identity):
            return _reused(flow, identity.id)
        if blocks and identity.id in flow.earlier and not on_event_loop():
            state = _finished_before_crash(flow, identity, options)
            if state is not None:
                return state
    earlier_id = None
    if identity is not None and flow is not None and not blocks:
        earlier_id = _earlier_id(flow, identity)
    number = 0
    if flow is not None:  # as `flow.occurrence` counts, without a call more
        number = flow.occurrences.get(options.key, 0)
        flow.occurrences[options.key] = number + 1
    # By position: arguments by name make such a call take half as long again.
    run = TaskRunContext(
        earlier_id or new_id(),
        f"{options.name}-{number}",
        owner,
        options,
        parameters,
        _tags(options, flow),
        parent,
        runtime.clock(),
        persisted,
    )
    run.flow, run.passed, run.transaction = flow, passed, transaction
    if parent is flow and flow is not None:
        run.place = flow.add_child()
        if identity is not None:
            identify(run, flow, identity, runtime)
        above: str | None = flow.id
        task_above: str | None = None
    else:
        above, task_above = _above(parent)
    created = (run.id, run.name, options.name, options.key, above, task_above, _tags_json(run.tags), run.created)
    first: list[Record] = [tuple.__new__(TaskRunRecord, created)]
    upstreams: Sequence[Upstream] | None = None
    if wait_for or not only_atoms(parameters.values()):
        upstreams, inputs = inputs_of(run.id, parameters, wait_for, flow)
        first += inputs
    first.append(enter_first(run))
    return TaskCall(run, upstreams, wait_for, first, None, earlier_id)


def begin_flow(
    owner: object,
    options: FlowOptions,
    parameters: dict[str, object],
    wait_for: Sequence[WaitedFor],
    runtime: Runtime,
    name: str,
    again: Resumable | None = None,
    passed: Passed | None = None,
    reuses: Reuse | None = None,
) -> FlowCall | State[object]:
    """A call of a flow, created and pending; or the state that it came to in an earlier attempt of its parent flow.

    `again` is the flow run that it resumes, instead of being a new one; `passed` says how the arguments were passed.
    `reuses` says which earlier run it runs again, and which of its steps count, too.
    """
    check_room()
    if again is not None and again.run.flow_name != options.name:  # an earlier version called the flow otherwise
        options = replace(options, name=again.run.flow_name)
    parent = current_run.get()
    flow = None if parent is None else parent.flow
    if flow is not None and flow.controller.request is not None:  # as `may_begin`, without a call more
        flow.controller.check()
    transaction = transaction_above(parent)
    persisted = persists(options, parent, transaction)
    identity = identity_of(options, parameters, parent, transaction) if persisted else None
    if identity is not None and flow is not None and _is_at_hand(flow, identity):
        return _reused(flow, identity.id)
    earlier_id = None if identity is None or flow is None else _earlier_id(flow, identity)
    run = FlowRunContext(
        id=earlier_id or new_id() if again is None else again.run.id,
        name=name if again is None else again.run.name,
        owner=owner,
        options=options,
        parameters=parameters,
        tags=_tags(options, flow),
        parent=parent,
        created=runtime.clock() if again is None else again.run.created,
        persisted=persisted,
    )
    run.passed, run.transaction, run.reuses = passed, transaction, reuses
    _place(run, identity, runtime)
    upstreams, inputs = inputs_of(run.id, parameters, wait_for, flow)
    if again is not None:
        is_first = again.start.process_id == NOBODY  # nothing of it was done before
        run.resumed_from, run.run_count = () if is_first else (run.id,), again.attempts
        run.retries_failed, run.epoch, run.reuses = again.retry_failed, again.epoch, reuse_of(again.start)
        if again.run.flow_version != options.version and not is_first:
            runtime.log(run, logging.WARNING, _CHANGED, options.name, again.run.flow_version, options.version)
        assert again.state is not None  # it was claimed, and the claim has reported its state
        _, _, kind, state_name, _, time = again.state
        run.state = State(kind, state_name, time=time, flow_run_id=run.id)
        return FlowCall(run, upstreams, wait_for, is_claimed=True)
    parameters_shown = shown.shown_parameters(parameters) if parameters else "{}"
    created = FlowRunRecord(
        run.id,
        name,
        options.name,
        options.version,
        *_above(parent),
        _tags_json(run.tags),
        parameters_shown,
        run.created,
    )
    records: list[Record] = [created, *inputs, enter(run, runtime, StateType.PENDING)]
    return FlowCall(run, upstreams, wait_for, records, earlier_id)


_CHANGED = (
    "The code of flow '%s' has changed since this run began: its version was %s and is %s. What is done is not run"
    " again, even if it would come to something else now; `perdure flow-run rerun` starts afresh."
)


def _above(parent: RunContext | None) -> tuple[str | None, str | None]:
    """The ids of the flow run, and of the task run in it, that call."""
    if parent is None:
        return None, None
    if isinstance(parent, FlowRunContext):
        return parent.id, None
    return parent.flow.id if parent.flow else None, parent.id


def _tags(options: FlowOptions | TaskOptions, flow: FlowRunContext | None) -> frozenset[str]:
    tags = current_tags.get()
    if options.tags:
        tags |= options.tags
    return tags | flow.tags if flow is not None and flow.tags else tags


def _place(run: RunContext, identity: Identity | None, runtime: Runtime) -> None:
    """Give a run that a flow run calls directly its place among that one's children."""
    parent = run.parent
    if isinstance(parent, FlowRunContext):
        run.place = parent.add_child()
        if identity is not None:
            identify(run, parent, identity, runtime)


def finish(run: RunContext, state: State[object]) -> None:
    """Leave a child run's final state with its parent flow run."""
    parent = run.parent
    if run.place is None or parent is None or parent.flow is None:
        return
    flow = parent.flow
    if run.place < len(flow.children):
        _leave(flow, run.place, state)
        if run.place < VALUES_KEPT:
            note_maker(flow, run.id, state)
    if run.identity is not None and state.is_completed() and _is_kept(state):
        flow.finished[run.identity] = state


def _leave(flow: FlowRunContext, place: int, state: State[object]) -> None:
    """Leave a state in its place; late ones without values, or a flow of millions of tasks would hold all of these."""
    if place < VALUES_KEPT or not state.is_completed() or not isinstance(state.data, UnpersistedResult):
        flow.children.put(place, state)
        return
    data = _forgotten(state.data.python_type)
    if not flow.children.put_completed(place, state, data.python_type, data):
        ids = state.flow_run_id, state.task_run_id
        flow.children.put(place, State(state.type, state.name, state.message, data, state.time, *ids))


@functools.lru_cache(maxsize=100)
def _forgotten(python_type: str) -> UnpersistedResult[object]:
    return UnpersistedResult(python_type=python_type)


def _is_kept(state: State[object]) -> bool:
    return state.data is not None and state.data.type != "unpersisted"


def _is_at_hand(flow: FlowRunContext, identity: Identity) -> bool:
    """Whether a step was finished in an earlier attempt, and its value is in memory.

    One that has to be read may be gone, or another run's by now: then the step is a run that takes a closer look.
    """
    state = flow.finished.get(identity.id)
    return state is not None and (state.data is None or state.data.has_cached_object())


def _reused(flow: FlowRunContext, identity: str) -> State[object]:
    state = flow.finished[identity]
    flow.children.put(flow.add_child(), state)
    if state.run_id is not None:
        note_maker(flow, state.run_id, state)
    return state


def _earlier_id(flow: FlowRunContext, identity: Identity) -> str | None:
    """The id of the run that a step was before its flow run crashed or was retried, if it may stay that one."""
    known = flow.finished.get(identity.id)
    if known is not None:
        return known.run_id
    found = flow.earlier.get(identity.id)
    if found is None:
        return None
    may_stay = not found.is_exception and found.kind != "unpersisted" and flow.is_own(identity.id)
    return found.run_id if may_stay else None


def _finished_before_crash(flow: FlowRunContext, identity: Identity, options: TaskOptions) -> State[object] | None:
    """The state of a step that completed before its flow run crashed, and stays the run that it was.

    None if a run has to take a closer look. Of resuming a flow run of many steps, this is nearly all of the work.
    """
    found = flow.earlier[identity.id]
    if options.is_generator or _earlier_id(flow, identity) is None:
        return None
    result = result_from_record(found, keep=options.cache_result_in_memory)
    try:
        result.get_own()
    except (ResultError, StorageError):
        return None
    state: State[Any] = State(
        StateType.COMPLETED, "Reused", None, result, found.created, flow_run_id=flow.id, task_run_id=found.run_id
    )
    flow.occurrence(options.key)  # so that later runs have the names that they would have had
    flow.identities[found.run_id] = identity.id
    flow.finished[identity.id] = state
    del flow.earlier[identity.id]  # its record is not needed any more
    place = flow.add_child()
    _leave(flow, place, state)
    note_maker(flow, found.run_id, state)
    return state


@functools.lru_cache(maxsize=1_000)
def _tags_json(tags: frozenset[str]) -> str:
    return json.dumps(sorted(tags))
