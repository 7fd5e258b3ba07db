"""Idempotency keys: of all calls of a flow with one key, in whatever process, the first one makes the flow run."""

import logging
from collections.abc import Sequence

from perdure._engine.identity.projects import code_of, is_of, may_be_in_scope, scope_of
from perdure._engine.port import Runtime
from perdure._engine.recovery.resumption import Resumable, claimed, resumable
from perdure._model.errors import ResultNotKept, ResumeError
from perdure._model.options import FlowOptions
from perdure._model.records import FlowKeyRecord, ProcessRecord, Record
from perdure._model.state_types import FINAL, StateType
from perdure._model.states import State
from perdure._results.lookup import state_of_run
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._run.context import FlowRunContext
from perdure._run.effects import Blocking, Report, Sleep, Steps

_SHORTEST, _LONGEST = 0.01, 1.0  # seconds between two looks at a run of another process


def first_run(
    key: str, run: FlowRunContext, creation: Sequence[Record], runtime: Runtime
) -> Steps[State[object] | Resumable | None]:
    """What became of the flow run that was made with the key: None if this one is it, and was created.

    Its final state, once it has ended; or what is needed to resume it, claimed for this process, if it crashed.
    """
    start = runtime.start_of(run)
    # Whoever is first, others are to know that this process lives: it is reported only once.
    yield Report([each for each in start if isinstance(each, ProcessRecord)])
    records = (*creation, *(each for each in start if not isinstance(each, ProcessRecord)))
    run_id: str | None = yield Blocking(_created_before, (run, key, records, runtime))
    if run_id is None:
        return None
    runtime.disown(run)
    delay = _SHORTEST
    while True:
        found = yield Blocking(_found, (run_id, key, runtime))
        if found is not None:
            return found  # type: ignore[no-any-return]
        if delay == _SHORTEST:
            waiting = "Its flow run with the idempotency key %r runs already (%s); waiting for it."
            runtime.log(run, logging.INFO, waiting, key, run_id)
        yield Sleep(delay)
        delay = min(2 * delay, _LONGEST)


def _scoped(name: str, options: FlowOptions) -> str:
    """A flow's name with its project: another project's flow of the same name has keys of its own."""
    scope = scope_of(options.function)
    return f"{name} of {scope}" if scope else name


def _created_before(run: FlowRunContext, key: str, records: Sequence[Record], runtime: Runtime) -> str | None:
    """The id of the flow run that was made with the key before; None if this one is the first, and created now.

    A flow that was given no name has its keys under that of its function, as earlier versions had them: the row is the
    same one in every version, whatever they call the flow.
    """
    known, options = runtime.transactions, run.options
    name = _scoped(options.own_name, options)
    if name != options.own_name:  # earlier versions had nothing but the name
        before = known.run_of_key(options.own_name, key)
        if before is not None and may_be_in_scope(before, options.function, runtime.orchestrator):
            return before
    other = options.other_name
    for each in dict.fromkeys(() if other is None else (_scoped(other, options), other)):
        before = known.run_of_key(each, key)
        code = None if before is None else code_of(runtime.orchestrator.start(before))
        if code is not None and is_of(code, options):  # another flow may have been given that name
            return before
    if known.create_once(FlowKeyRecord(name, key, run.id), records):
        return None
    return known.run_of_key(name, key)


def _found(run_id: str, key: str, runtime: Runtime) -> State[object] | Resumable | None:
    """The run's final state, or what resuming it needs; None while it runs."""
    run: FlowRun = runtime.orchestrator.flow_runs(RunFilter(ids=(run_id,)))[0]
    if run.state_type in FINAL and run.state_type is not StateType.CRASHED:
        return _state(run, key)
    if run.state_type is StateType.PAUSED:
        return None
    try:
        again = resumable(run_id, runtime, retry_failed=False, patiently=False)
    except ResumeError:  # it still runs; or it has come to its end just now
        return None
    return claimed(again, runtime)


def _state(run: FlowRun, key: str) -> State[object]:
    state = state_of_run(run)
    if state.data is None and state.is_completed():
        raise ResultNotKept(
            f"The flow run {run.name!r} ({run.id}) with the idempotency key {key!r} has completed, but its result was"
            f" not kept. Give the flow {run.flow_name!r} persist_result=True, or call it with another key."
        )
    return state
