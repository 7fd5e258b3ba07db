"""Slots of limits: taken by a task run before it runs, as its tags say, or by code inside a `with` block.

Who has to wait asks again and again: whoever is next often, others the more rarely the longer the line is.
"""

import time

from perdure._engine.lifecycle.runs import enter
from perdure._engine.port import Runtime
from perdure._model.errors import LimitError, LimitTimeout
from perdure._model.records import Limit, Record, Slot
from perdure._model.state_types import StateType
from perdure._run.context import RunContext, TaskRunContext
from perdure._run.effects import Blocking, Report, Sleep, Steps

AWAITING = "AwaitingConcurrencySlot"  # the name of the state of a task run that waits for a slot
_STEP, _LONGEST = 0.01, 0.25  # seconds between two looks, for each slot that is missing


def slots_of_tags(run: TaskRunContext, records: list[Record], runtime: Runtime) -> Steps[None]:
    """Wait until a task run has a slot of each limit of its tags; `records` of the run are reported if it waits."""
    limiter = runtime.limiter
    limits: list[Limit] = yield Blocking(limiter.of_tags, (run.tags,))
    if not limits:
        return
    held = limiter.held.setdefault(run.id, [])
    inside = {slot.name for above in _above(run) for slot in limiter.held.get(above.id, ())}
    for limit in limits:
        if limit.name in inside:  # it would wait for itself
            continue
        if limit.decay is not None:
            wait = yield Blocking(limiter.draw, (limit.name, 1, None))
            if wait:
                yield from _report_waiting(run, limit.name, records, runtime)
                yield from _sleep(wait, run)
            continue
        slot = yield from occupy_slots(limit.name, 1, run, None, runtime, records)
        if slot is not None:
            held.append(slot)


def slots_let_go(run: TaskRunContext, runtime: Runtime) -> Steps[None]:
    """Let go of what a task run holds."""
    slots = runtime.limiter.held.pop(run.id, None)
    if slots:
        yield Blocking(runtime.limiter.release, (slots,))


def occupy_slots(
    name: str,
    occupy: int,
    run: RunContext | None,
    timeout_seconds: float | None,
    runtime: Runtime,
    records: list[Record] | None = None,
) -> Steps[Slot | None]:
    """Slots of a limit, waited for; None if it is gone. A task run that waits says so, where its records are given.

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
            if before is None and records is not None and isinstance(run, TaskRunContext):
                yield from _report_waiting(run, name, records, runtime)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise _late(name, occupy, timeout_seconds)  # noqa: TRY301 - its place in the line is given up
            # Whoever is next looks often; others the more rarely the more come before them, and the longer it lasts.
            delay = min(_LONGEST, missing * _STEP if before is None or missing < before else delay * 1.2)
            before = missing
            yield from _sleep(delay if left is None else min(delay, left), run)
    except BaseException:
        yield Blocking(limiter.give_up, (ticket,))
        raise


def draw_slots(
    name: str, occupy: int, run: RunContext | None, timeout_seconds: float | None, runtime: Runtime
) -> Steps[None]:
    """Draw slots of a limit that come back with time, and wait until they may be used.

    Raises:
        LimitError: there is no such limit.
        LimitTimeout: that takes longer than there is time.
    """
    wait: float | None = yield Blocking(runtime.limiter.draw, (name, occupy, timeout_seconds))
    if wait is None:
        raise limit_deleted(name)
    if timeout_seconds is not None and wait > timeout_seconds:
        raise LimitTimeout(
            f"{occupy} of the limit {name!r} would take {wait:.3g} seconds,"
            f" more than timeout_seconds={timeout_seconds:g}."
        )
    if wait:
        yield from _sleep(wait, run)


def _late(name: str, occupy: int, timeout_seconds: float | None) -> LimitTimeout:
    return LimitTimeout(
        f"{occupy} of the slots of the limit {name!r} were not free within {timeout_seconds:g} seconds."
        f" `perdure limit inspect {name}` shows who holds them."
    )


def limit_deleted(name: str) -> LimitError:
    """The error of a limit that was there a moment ago."""
    return LimitError(f"The limit {name!r} was deleted. `perdure limit create {name} 5` makes it again.")


def _report_waiting(run: TaskRunContext, name: str, records: list[Record], runtime: Runtime) -> Steps[None]:
    """Say that a task run waits."""
    records.append(
        enter(run, runtime, StateType.SCHEDULED, f"It waits for a slot of the limit {name!r}.", name=AWAITING)
    )
    yield Report(tuple(records))
    records.clear()


def _sleep(seconds: float, run: RunContext | None) -> Steps[None]:
    if run is not None and run.flow is not None:
        run.flow.controller.check()
    yield Sleep(seconds)


def _above(run: RunContext) -> list[RunContext]:
    found = []
    above = run.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found
