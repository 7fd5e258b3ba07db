"""What the lifecycles of flow runs and task runs share: entering states, keeping results, ending, naming."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from perdure._engine.coordination.staging import has_hooks, staged
from perdure._engine.identity.cache_key import CacheKey
from perdure._engine.lifecycle.result_keys import storage_key_of
from perdure._engine.lifecycle.run_hooks import HOOKS, call_hooks
from perdure._engine.lifecycle.runtime_views import template_variables
from perdure._engine.port import Runtime
from perdure._engine.recovery.taken_over import lost_state
from perdure._model.errors import CancelledRun, SerializationError, StorageError
from perdure._model.exceptions import stand_in
from perdure._model.options import RunOptions, TaskOptions
from perdure._model.records import CacheRecord, Record, ReleaseRecord, RenameRecord, StateRecord
from perdure._model.state_types import FINAL, UNSUCCESSFUL, StateType
from perdure._model.states import State, is_states
from perdure._model.transitions import TRANSITIONS, check_transition
from perdure._platform.annotations import signature
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.redaction import redact, shortened
from perdure._results.retention_limits import retention_of
from perdure._results.store import KeyOfDigest, record_of_unpersisted, result_record, write_result
from perdure._results.type_names import type_name
from perdure._results.types import BaseResult, PersistedResult, UnpersistedResult, literal_of
from perdure._rooms.cache.expiry import expires_at
from perdure._run.context import FlowRunContext, RunContext, TaskRunContext
from perdure._run.effects import Blocking, Report, Steps
from perdure._run.hook_calls import user_call
from perdure._run.log_reporting import traceback_of
from perdure._settings import settings

S = StateType


def enter(
    run: RunContext,
    runtime: Runtime,
    kind: StateType,
    message: str | None = None,
    data: object = None,
    name: str | None = None,
) -> StateRecord:
    """Bring a run to a state; the record of it still has to be reported."""
    before = None if run.state is None else run.state.type
    if kind not in TRANSITIONS[before]:
        check_transition(before, kind)
    now = runtime.clock()
    of_task, run_id = type(run) is TaskRunContext, run.id
    if of_task:
        flow = run.flow
        state: State[object] = State(kind, name, message, data, now, None if flow is None else flow.id, run_id)
    else:
        state = State(kind, name, message, data, now, run_id)
    run.state = state
    if name is not None or kind in UNSUCCESSFUL:
        state.run_name = run.name  # for what says why a run below it is not run
    if kind is S.RUNNING and run.began is None:
        run.began = now
    # As `StateRecord(...)` is, without a call more: three times a task.
    return tuple.__new__(StateRecord, (run_id, of_task, kind, state.name, message, now))


def enter_first(run: TaskRunContext) -> StateRecord:
    """Bring a task run that was just made to its first state; the record of it still has to be reported."""
    flow, time = run.flow, run.created
    run.state = State(StateType.PENDING, "Pending", None, None, time, None if flow is None else flow.id, run.id)
    return tuple.__new__(StateRecord, (run.id, True, StateType.PENDING, "Pending", None, time))


def persists(options: RunOptions, parent: RunContext | None, transaction: object = None) -> bool:
    """Whether a run's result is to be persisted: as its options say, else as the features in use need it."""
    kept = options.is_kept
    if kept is not None:
        return kept
    if transaction is not None:
        return True
    if isinstance(parent, FlowRunContext) and (parent.options.retries > 0 or parent.is_durable):
        return True
    return settings.current().results_persist_by_default


def _why_persisted(run: RunContext) -> str:
    """What has a run's result be persisted, and what to do where that cannot be."""
    options, parent = run.options, run.parent
    kind, name = "flow" if run.is_flow else "task", options.name
    away = f"With persist_result=False, the {kind} is run again where its value is needed again."
    if isinstance(parent, FlowRunContext) and parent.options.retries > 0:
        because = f"its flow '{parent.options.name}' has retries={parent.options.retries}"
    elif isinstance(parent, FlowRunContext) and parent.is_durable:
        because = "its flow is durable"
    elif isinstance(options, TaskOptions) and options.is_cached:
        return f"The result of the task '{name}' is persisted, since it is cached. Take its caching away."
    elif run.transaction is not None and options.is_kept is None:
        because = "it is called in a transaction"
    else:
        return f"The result of the {kind} '{name}' is persisted, since an option or a setting needs it. {away}"
    return f"The result of the {kind} '{name}' is persisted, since {because}. {away}"


def end(
    run: RunContext,
    runtime: Runtime,
    kind: StateType,
    message: str | None,
    value: object,
    *,
    name: str | None = None,
    cache_key: CacheKey | None = None,
    checkpoint: bool = False,
) -> Steps[State[object]]:
    """Keep the value, then bring the run to its final state, then call the hooks.

    With a persisted result, or where `checkpoint` asks for it, all is committed before the next step.
    """
    flow = run.flow
    controller = None if flow is None else flow.controller
    if controller is not None and (controller.is_over or (run.parent is None and not controller.take_end())):
        controller.check()
    failed = kind is not S.COMPLETED
    persisted = run.persisted
    result: BaseResult[object] | None = None
    if isinstance(value, BaseResult):  # in a state that was made by hand
        result = value
    elif failed:
        if persisted and (isinstance(value, Exception) or (kind is S.FAILED and _is_data(value))):
            result = yield from _keep_failure(run, runtime, value)
    elif not _is_memory_only(value):
        result = _held(run, value)
        if result is None:
            result = yield Blocking(write_value, (run, runtime, value))
    if result is None:
        result = UnpersistedResult(value)
    of_state = enter(run, runtime, kind, message, result, name)
    records = records_of_end(run, result, of_state, failed, cache_key)
    if run.claim is not None:
        records.append(ReleaseRecord(run.claim, run.id))
    if run.transaction is not None:
        records = staged(run, records)
        checkpoint = checkpoint or has_hooks(run)
    if checkpoint or persisted or run.is_in_fork:
        yield Blocking(runtime.commit, (records,))
        if controller is not None and controller.lost is not None:  # they were refused
            controller.check()
    else:
        yield Report(records)
    if run.claim is not None and isinstance(run, TaskRunContext):
        runtime.claims.land(run)
    if getattr(run.options, HOOKS[kind]):
        yield from call_hooks(run, runtime)
    assert run.state is not None
    return run.state


def records_of_end(
    run: RunContext, result: BaseResult[object], state: StateRecord, failed: bool, cache_key: CacheKey | None
) -> list[Record]:
    """The record of the result, that of the final state, and what the run's cache key stands for now."""
    now, of_task = state.time, state.of_task
    if isinstance(result, UnpersistedResult):
        return [record_of_unpersisted(run.id, of_task, result.python_type, failed, now, run.step), state]
    fields: dict[str, Any] = {"step": run.step}
    if isinstance(result, PersistedResult):
        fields["retention"] = retention_of(run)
    if cache_key is None:
        return [result_record(run.id, of_task, result, now, is_exception=failed, **fields), state]
    expires = expires_at(getattr(run.options, "cache_expiration", None), now)
    if isinstance(result, PersistedResult):
        result.expires = expires
    fields |= {"expires": expires, "cache_key": cache_key.key}
    note_cache_key(run, cache_key.key, expires)
    cached = CacheRecord(cache_key.key, run.id, now, expires, cache_key.components)
    return [result_record(run.id, of_task, result, now, **fields), state, cached]


def note_cache_key(run: RunContext, key: str | None, expires: Micros | None) -> None:
    """Have the state of a cached run say what it was kept or found under."""
    assert run.state is not None
    if expires is not None:
        run.state.note(cache_key=key, cache_expiration=to_datetime(expires))
    elif key is not None:
        run.state.note_cache_key(key)


def _is_memory_only(value: object) -> bool:
    """The states of a flow's children: the orchestrator has them all, and a document of them would say no more."""
    return isinstance(value, State) or (isinstance(value, list) and is_states(value))


def _is_data(value: object) -> bool:
    return not (value is None or isinstance(value, BaseException) or _is_memory_only(value))


def stay(
    run: RunContext, runtime: Runtime, kind: StateType, message: str | None, value: object, name: str | None
) -> Steps[State[object]]:
    """Leave the run in a state that is not final, which its function returned."""
    data = value if value is None or isinstance(value, BaseResult) else UnpersistedResult(value)
    yield Report((enter(run, runtime, kind, message, data, name),))
    if kind is S.CANCELLING:
        return (yield from call_hooks(run, runtime))
    assert run.state is not None
    return run.state


def _held(run: RunContext, value: object) -> BaseResult[object] | None:
    """The result of a value that the database has itself, or that is held in memory; None if it is to be written."""
    options = run.options
    if options.is_generator and not run.collect:
        return UnpersistedResult(python_type="builtins.list")
    if options.persist_result is not False:
        literal = literal_of(value)
        if literal is not None:
            return literal
    if run.persisted:
        return None
    if options.cache_result_in_memory or value is None:
        return UnpersistedResult(value)
    return UnpersistedResult(python_type=type_name(value))


def write_value(run: RunContext, runtime: Runtime, value: object) -> PersistedResult[Any]:
    """Write the value of a run that completed, under the key that its options say.

    Raises:
        SerializationError: it cannot be converted to bytes; says why it was to be, if that was not asked for.
        StorageError: the storage refused.
    """
    try:
        return _write_now(run, runtime, value, storage_key_of(run), run.id)
    except SerializationError as error:
        if run.options.persist_result:
            raise
        raise SerializationError(f"{error} {_why_persisted(run)}") from None


def _keep_failure(run: RunContext, runtime: Runtime, value: object) -> Steps[BaseResult[object] | None]:
    """An exception, or the data of a failed state, has a key of its own: a failure never replaces a good result.

    Of an exception that cannot be written, what can be is: whoever handles it does so after a crash, too.
    """
    try:
        result = yield from write(run, runtime, value, run.id)
    except StorageError as storing:
        _unkept(run, runtime, storing)
        return None
    except Exception as storing:
        try:
            result = yield from _write_stand_in(run, runtime, value, storing)
        except Exception as failure:
            _unkept(run, runtime, failure)
            return None
    result.remember(value)
    return result


def _write_stand_in(
    run: RunContext, runtime: Runtime, error: object, storing: Exception
) -> Steps[PersistedResult[object]]:
    if not isinstance(error, BaseException):
        raise storing
    kept = stand_in(error, runtime.serializer_for(run).for_exceptions().dumps)
    kept.add_note(redact(traceback_of(error)))
    return (yield from write(run, runtime, kept, run.id))


def _unkept(run: RunContext, runtime: Runtime, storing: Exception) -> None:
    runtime.log(run, logging.DEBUG, "What the run failed with is kept in memory only: %s", storing)


def write(run: RunContext, runtime: Runtime, value: object, record_id: str) -> Steps[PersistedResult[object]]:
    """Write a value as the run's results are written, under a new key; its record will have the id `record_id`."""
    result: PersistedResult[object] = yield Blocking(_write_now, (run, runtime, value, None, record_id))
    return result


def _write_now(
    run: RunContext, runtime: Runtime, value: object, key: str | KeyOfDigest | None, record_id: str
) -> PersistedResult[object]:
    storage = runtime.storage_for(run)
    serializer = runtime.serializer_for(run)
    if isinstance(value, BaseException):
        serializer = serializer.for_exceptions()
    keep = run.options.cache_result_in_memory
    # What is staged is in a record of the transaction, until that is committed.
    inline = runtime.inline_for(storage, record_id) if key is None and run.transaction is None else None
    storage_id = runtime.storage_id(storage)
    result = write_result(value, key, storage, serializer, storage_id, keep, runtime.secure, inline)
    result.run_id = record_id
    return result


def crash(run: RunContext, runtime: Runtime, error: BaseException) -> Steps[State[object]]:
    """End a run that was stopped from outside its own code, as by Ctrl-C or SIGTERM, or whose result cannot be kept."""
    lost = lost_state(run, runtime)
    if lost is not None:
        return lost
    text = text_of(error)
    message = f"Execution was stopped by {type(error).__name__}" + (f": {text}" if text else ".")
    if run.state is not None and run.state.type in FINAL:
        # It may have been stopped on the way to reporting this state. Twice in the history is better than never.
        at = run.state
        yield Report((StateRecord(run.id, not run.is_flow, at.type, at.name, at.message, at.time),))
        return at
    if run.state is None:
        enter(run, runtime, S.PENDING)
    request = None if run.flow is None else run.flow.controller.request
    if request is not None and not isinstance(error, KeyboardInterrupt):
        return (yield from _cancel(run, runtime, f"Cancelled by {request.asked_by}.", error))
    record = enter(run, runtime, S.CRASHED, message, UnpersistedResult(error))
    runtime.log(run, logging.ERROR, "%s", message, error=error)
    result = result_record(run.id, not run.is_flow, UnpersistedResult(error), record.time, is_exception=True)
    if run.is_in_fork:
        yield Blocking(runtime.commit, ((result, record),))
    else:
        yield Report((result, record))
    return (yield from call_hooks(run, runtime))


def _cancel(run: RunContext, runtime: Runtime, message: str, error: BaseException) -> Steps[State[object]]:
    """End a run that was cancelled. Below the outermost one, what stopped it then stops those above it."""
    data = CancelledRun(message) if run.parent is None or isinstance(error, Exception) else error
    assert run.flow is not None
    is_reported = run.flow.controller.is_over if run.parent is not None else not run.flow.controller.take_end()
    record = enter(run, runtime, S.CANCELLED, message, UnpersistedResult(data))
    assert run.state is not None
    if is_reported:
        return run.state
    runtime.log(run, logging.WARNING, "%s", message)
    result = result_record(run.id, not run.is_flow, UnpersistedResult(data), record.time, is_exception=True)
    yield Report((result, record))
    return (yield from call_hooks(run, runtime))


def text_of(error: BaseException) -> str:
    """An exception's text without secrets, whatever its class makes of `str`; a long one is cut."""
    try:
        text = str(error)
        return shortened(text, _TEXT) + "…" * (len(text) > _TEXT)
    except Exception as broken:
        return f"<its text cannot be had: {type(broken).__name__}>"


_TEXT = 20_000  # characters of an exception's text


def name_run(run: RunContext, template: str | Callable[..., str]) -> Steps[Sequence[Record]]:
    """The record of a run's own name, from a template over its parameters or from a function.

    Raises:
        TypeError: what was given, or what it returned, is not text.
        LookupError, ValueError: the template cannot be formatted with these parameters.
    """
    if callable(template):
        takes = len(signature(template).parameters)
        name = yield user_call(run, template, *(run.parameters,)[:takes])
    else:
        name = template.format(**template_variables(run), **_own(run.parameters))
    if not isinstance(name, str):
        raise TypeError(f"A run's name is text, but its template gave {name!r}. Return a str from it.")
    run.name = redact(name)
    return (RenameRecord(run.id, not run.is_flow, run.name),)


def _own(parameters: dict[str, object]) -> dict[str, object]:
    reserved = ("flow_run", "task_run", "deployment", "parameters")
    return {name: value for name, value in parameters.items() if name not in reserved}
