"""A flow run that pauses: it waits in its process, or ends and is resumed later, until somebody continues it."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from perdure._engine.lifecycle.runs import enter
from perdure._engine.port import Runtime
from perdure._engine.recovery.durable_timers import PAUSE, TIME_IS_UP
from perdure._model.errors import PauseTimeout, SuspendRequested
from perdure._model.records import WaitRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import to_datetime
from perdure._platform.named import NamedTuple
from perdure._run.context import FlowRunContext
from perdure._run.effects import Blocking, Report, Sleep, Steps

_LOOK_SECONDS = 0.5


class Pause(NamedTuple):
    """What a flow run waits for."""

    timeout: float  # seconds
    asks: str | None  # a JSON schema of the input; None if it asks for none
    accept: Callable[[str], Any]  # from JSON to the input; raises ValueError for what is none
    key: str | None  # what distinguishes it from other pauses of the flow
    suspends: bool


def paused(run: FlowRunContext, pause: Pause, runtime: Runtime) -> Steps[object]:
    """Wait until somebody continues the flow run; the input that was given.

    Raises:
        PauseTimeout: nobody did in time.
        SuspendRequested: the flow is to end, and to be resumed once it is continued.
    """
    key = f"{PAUSE}{pause.key or f'#{run.occurrence(PAUSE)}'}"
    wait: WaitRecord | None = yield Blocking(_find, (run, key, runtime))
    if wait is None:
        wait = WaitRecord(run.id, key, runtime.clock() + int(pause.timeout * 1_000_000), 0, pause.asks)
    while True:
        if wait.answer is not None:
            try:
                given = _accepted(wait, pause)
            except ValueError as error:
                runtime.log(run, logging.WARNING, "The input that it was continued with is refused: %s", error)
                wait = wait._replace(answer=None)
                yield Blocking(runtime.commit, ((wait,),))
            else:
                break
        yield from _wait(run, wait, pause, runtime)
        wait = yield Blocking(_find, (run, key, runtime))
        assert wait is not None
    if run.state is not None and run.state.type is StateType.PAUSED:
        yield Report((enter(run, runtime, StateType.RUNNING, name="Continued"),))
    return given


def _find(run: FlowRunContext, key: str, runtime: Runtime) -> WaitRecord | None:
    """The wait, as it is now or, of a subflow, as it was before a crash."""
    ids: Sequence[str] = (run.id, *run.resumed_from)
    found = [wait for id in ids for wait in runtime.orchestrator.waits(id) if wait.key == key]
    if run.root.retries_failed:
        found = [wait for wait in found if wait.answer != TIME_IS_UP]
    return next((wait for wait in found if wait.answer is not None), found[0] if found else None)


def _accepted(wait: WaitRecord, pause: Pause) -> object:
    if wait.answer == TIME_IS_UP:
        raise PauseTimeout(f"The flow run was not continued by {to_datetime(wait.until):%Y-%m-%d %H:%M:%S} UTC.")
    return pause.accept(wait.answer or "")


def _wait(run: FlowRunContext, wait: WaitRecord, pause: Pause, runtime: Runtime) -> Steps[None]:
    """Be paused for a moment; when the time is up, the wait is answered with that."""
    assert run.state is not None
    if run.state.type is not StateType.PAUSED:
        message = f"Waits to be continued until {to_datetime(wait.until):%Y-%m-%d %H:%M:%S} UTC."
        wait = wait._replace(flow_run_id=run.id)
        if pause.suspends:
            yield Blocking(runtime.commit, ((wait,),))
            run.interrupt = SuspendRequested(message)
            raise run.interrupt
        runtime.log(run, logging.INFO, "Paused: `perdure flow-run continue %s` continues it", run.id)
        yield Blocking(runtime.commit, ((wait, enter(run, runtime, StateType.PAUSED, message)),))
    left = (wait.until - runtime.clock()) / 1_000_000
    if left > 0:
        yield Sleep(min(_LOOK_SECONDS, left))
    else:
        yield Blocking(runtime.orchestrator.answer, (run.id, wait.key, TIME_IS_UP))
