"""Slots of limits: waited for and taken, by code inside a `with` block or for the tags of a task run.

Who has to wait asks again and again: whoever is next often, others the more rarely the longer the line is.
"""

import time
from collections.abc import Callable

from perdure._engine.port import Runtime
from perdure._model.errors import LimitTimeout
from perdure._rooms.limits.records import Slot
from perdure._run.context import RunContext
from perdure._run.effects import Blocking, Sleep, Steps

_STEP, _LONGEST = 0.01, 0.25  # seconds between two looks, for each slot that is missing


def occupy_slots(
    name: str,
    occupy: int,
    run: RunContext | None,
    timeout_seconds: float | None,
    runtime: Runtime,
    report_waiting: Callable[[], Steps[None]] | None = None,
) -> Steps[Slot | None]:
    """Slots of a limit, waited for; None if it is gone. Who has to wait reports it, once.

    Raises:
        LimitTimeout: they were not free in time.
    """
    limiter = runtime.limiter
    ticket = limiter.ticket(name, occupy, run)
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    delay, before = 0.0, None
    try:
        while True:
            missing: int | None = yield Blocking(limiter.ask, (ticket,))
            if not missing:
                return None if missing is None else ticket.slot
            if before is None and report_waiting is not None:
                yield from report_waiting()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise _late(name, occupy, timeout_seconds)  # noqa: TRY301 - its place in the line is given up
            # Whoever is next looks often; others the more rarely the more come before them, and the longer it lasts.
            delay = min(_LONGEST, missing * _STEP if before is None or missing < before else delay * 1.2)
            before = missing
            yield from sleep(delay if left is None else min(delay, left), run)
    except BaseException:
        yield Blocking(limiter.give_up, (ticket,))
        raise


def draw_slots(
    name: str, occupy: int, run: RunContext | None, timeout_seconds: float | None, runtime: Runtime
) -> Steps[bool]:
    """Draw slots of a limit that come back with time, and wait until they may be used; False if it is gone.

    Raises:
        LimitTimeout: that takes longer than there is time.
    """
    wait: float | None = yield Blocking(runtime.limiter.draw, (name, occupy, timeout_seconds))
    if wait is None:
        return False
    if timeout_seconds is not None and wait > timeout_seconds:
        raise LimitTimeout(
            f"{occupy} of the limit {name!r} would take {wait:.3g} seconds,"
            f" more than timeout_seconds={timeout_seconds:g}."
        )
    if wait:
        yield from sleep(wait, run)
    return True


def _late(name: str, occupy: int, timeout_seconds: float | None) -> LimitTimeout:
    return LimitTimeout(
        f"{occupy} of the slots of the limit {name!r} were not free within {timeout_seconds:g} seconds."
        f" `perdure limit inspect {name}` shows who holds them."
    )


def sleep(seconds: float, run: RunContext | None) -> Steps[None]:
    """Wait, unless the flow run was cancelled."""
    if run is not None and run.flow is not None:
        run.flow.controller.check()
    yield Sleep(seconds)
