"""Cancelling, pausing and continuing flow runs, and waits that outlive the process."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perdure._engine.control import requests as asking
from perdure._engine.control.input_check import CUSTOM
from perdure._engine.control.pausing import Pause, paused
from perdure._engine.drivers import adrive, drive
from perdure._engine.recovery.durable_timers import sleep_for
from perdure._model.colour import caller_is_async
from perdure._model.errors import MissingContext, SteeringError
from perdure._platform import providers
from perdure._platform.clock import Micros
from perdure._platform.threads import in_thread
from perdure._run.context import FlowRunContext, current_run
from perdure._run.effects import Steps
from perdure._session import session as sessions
from perdure._settings import settings

if TYPE_CHECKING:
    from uuid import UUID  # which takes a while to import

__all__ = [
    "cancel_flow_run",
    "continue_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "sleep",
    "sleep_until",
    "suspend_flow_run",
]

_MICROS = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cancel_flow_run(flow_run_id: "str | UUID", *, grace: float | None = None, force: bool = False) -> None:
    """Cancel a flow run and all runs below it, wherever it runs, and wait until it has ended.

    Its code gets `grace` seconds to end by itself, or as many as the setting cancel_grace_seconds says: tasks that
    have not begun do not begin, coroutines are cancelled, and `CancelRequested` is raised in plain code. Then nobody
    waits for it any more. With `force`, its process is killed if even that fails, or if it is busy in C code.

    Raises:
        RunMissing: no flow run has the id.
        SteeringError: it has ended, is part of another one, or does not end.
    """
    session = sessions.current()
    chosen = settings.current().cancel_grace_seconds if grace is None else grace
    micros = _micros(chosen, "grace")
    asking.cancel(str(flow_run_id), session, asked_by=_asker(), grace=micros, force=force)


providers.set_cancel(lambda flow_run_id, force: cancel_flow_run(flow_run_id, force=force))


def continue_flow_run(flow_run_id: "str | UUID", *, input: object = None) -> None:
    """Continue a flow run that is paused, with the input that it asks for: JSON, or a pydantic model.

    One that has suspended itself can be resumed from then on: by its flow's `.resume(id)`.

    Raises:
        RunMissing: no flow run has the id.
        SteeringError: it is not paused, somebody else has continued it, or the input is not what it asks for.
    """
    dump: Callable[..., Any] | None = getattr(input, "model_dump", None)
    asking.continue_run(str(flow_run_id), input if dump is None else dump(mode="json"), sessions.current())


def resume_flow_run(flow_run_id: "str | UUID", run_input: object = None) -> Any:
    """`continue_flow_run` by its name in Prefect; in coroutines it is awaited.

    Raises:
        RunMissing: no flow run has the id.
        SteeringError: it is not paused, somebody else has continued it, or the input is not what it asks for.
    """
    if not caller_is_async():
        return continue_flow_run(flow_run_id, input=run_input)
    return in_thread(continue_flow_run, flow_run_id, input=run_input)


def pause_flow_run(
    wait_for_input: object = None,
    flow_run_id: "str | UUID | None" = None,
    *,
    timeout: float | timedelta = 3600,
    key: str | None = None,
    reschedule: bool = False,
    poll_interval: float | None = None,  # noqa: ARG001
) -> Any:
    """Have the flow run that calls this wait, in its process, until somebody continues it; the input that was given.

    `wait_for_input` is a type that the input is validated against, such as a pydantic model; without it, no input is
    taken. A flow that is run again passes a pause that was continued, known by its `key` or by its turn.
    In a coroutine flow it is awaited. With `reschedule` it is `suspend_flow_run`. `poll_interval`, which Prefect has,
    changes nothing: a flow run that is continued runs again within a second. `flow_run_id` is that of the flow run that
    calls it: no other one can be paused from outside, only cancelled.

    Raises:
        PauseTimeout: nobody continued it in `timeout` seconds.
        MissingContext: it was called outside a flow, or in a task.
        SteeringError: `flow_run_id` is another flow run's.
    """
    _check_own(flow_run_id)
    name = "suspend_flow_run" if reschedule else "pause_flow_run"
    return _pause(name, timeout, wait_for_input, key, suspends=reschedule)


def suspend_flow_run(
    wait_for_input: object = None,
    flow_run_id: "str | UUID | None" = None,
    *,
    timeout: float | timedelta = 3600,
    key: str | None = None,
) -> Any:
    """Have the flow run that calls this end, until somebody continues it; the input that was given.

    Its caller gets the state Suspended, or `SuspendedRun` raised. `perdure flow-run continue` resumes it in
    another process: what it has finished, with a persisted result, is not run again. For the rest, as `pause_flow_run`.

    Raises:
        PauseTimeout: nobody continued it in time.
        MissingContext: it was called outside a flow, in a task, or in a subflow.
        SteeringError: `flow_run_id` is another flow run's.
    """
    _check_own(flow_run_id)
    return _pause("suspend_flow_run", timeout, wait_for_input, key, suspends=True)


def sleep(seconds: float | timedelta, *, key: str | None = None) -> Any:
    """Wait, in a flow, in a task or elsewhere; a run that is resumed after a crash waits for the rest only.

    A wait is known by its `key`, or by its length and turn; in tasks, only where results are persisted. One of less
    than a second begins anew. In coroutines it is awaited.

    Raises:
        ValueError: the time is not a number of 0 or more.
    """
    length = _micros(seconds, "seconds")
    return _sleep(key, f"sleep {length}", sessions.current().clock() + length)


def sleep_until(time: datetime, *, key: str | None = None) -> Any:
    """Wait until a time, as `sleep` does; what it was in the first process counts. It needs a time zone.

    Raises:
        ValueError: the time has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone. Write datetime(..., tzinfo=UTC), or time.astimezone().")
    return _sleep(key, "sleep until", (time - _EPOCH) // _MICROS)


def _sleep(key: str | None, kind: str, until: Micros) -> object:
    run = current_run.get()
    what = f"{kind}:{key}"
    if key is None:
        flow = None if run is None else run.flow
        what = f"{kind}:{0 if run is None or flow is None else flow.occurrence(f'{run.id} {kind}')}"
    return _performed(sleep_for(run, what, until, sessions.current()))


def _pause(name: str, timeout: float | timedelta, wait_for_input: object, key: str | None, suspends: bool) -> object:
    run = current_run.get()
    if not isinstance(run, FlowRunContext):
        where = "outside all flows" if run is None else f"in the task {run.options.name!r}"
        raise MissingContext(f"{name} was called {where}. Call it in the code of a flow itself.")
    if suspends and run.parent is not None:
        raise MissingContext(
            f"{name} was called in the subflow {run.options.name!r}, which ends with the flow that called it."
            " Call it in the outermost flow, or pause_flow_run here."
        )
    asks, accept = _input_of(wait_for_input)
    pause = Pause(_micros(timeout, "timeout") / 1_000_000, asks, accept, key, suspends)
    return _performed(paused(run, pause, sessions.current()))


def _check_own(flow_run_id: "str | UUID | None") -> None:
    run = current_run.get()
    own = None if run is None or run.flow is None else run.flow.id
    if flow_run_id is not None and str(flow_run_id) != own:
        raise SteeringError(
            f"The flow run {flow_run_id} cannot be paused from outside: a flow pauses itself, by pause_flow_run() in"
            f" its code. `perdure flow-run cancel {flow_run_id}` ends it."
        )


def _input_of(wanted: Any) -> tuple[str | None, Callable[[str], object]]:
    if wanted is None:
        return None, lambda _: None
    from pydantic import TypeAdapter

    adapter: TypeAdapter[object] = TypeAdapter(wanted)
    schema = adapter.json_schema()
    return json.dumps(schema | {CUSTOM: True} if _is_custom(adapter.core_schema) else schema), adapter.validate_json


_RAW = ("function-before", "function-wrap", "function-plain")  # validators that see what was given
_LAX = ("coerce_numbers_to_str", "populate_by_name", "validate_by_name")  # what a JSON schema does not say


def _is_custom(part: object) -> bool:
    """Whether a type takes more than its JSON schema says: by validators of its own, or other names of fields."""
    if isinstance(part, list | tuple):
        return any(map(_is_custom, part))
    if not isinstance(part, dict):
        return False
    function = part.get("function")
    of = function.get("function") if isinstance(function, dict) else None
    if part.get("type") in _RAW and not str(getattr(of, "__module__", "")).startswith("pydantic"):
        return True
    if isinstance(part.get("validation_alias"), list) or part.get("missing") is not None or part.get("type") == "call":
        return True
    if any(part.get(name) for name in _LAX):
        return True
    return any(_is_custom(value) for key, value in part.items() if key not in ("metadata", "default"))


def _performed(steps: Steps[object]) -> object:
    """What the steps come to; a coroutine of it, where the caller awaits."""
    session = sessions.current()
    return adrive(steps, session) if caller_is_async() else drive(steps, session)


def _micros(given: float | timedelta, name: str) -> Micros:
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise ValueError(f"{name}={given!r} must be a number of 0 or more seconds, or a timedelta.")
    return int(seconds * 1_000_000)


def _asker() -> str:
    import getpass  # few programs cancel flow runs; the others start faster
    import platform

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "somebody"
    return f"{user}@{platform.node()}"
