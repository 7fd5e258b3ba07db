"""The concurrency limits of a task run's tags: it has a slot of each before it runs, and releases them at its end."""

from functools import partial

from perdure._engine.coordination.waiting_for_slots import occupy_slots, sleep
from perdure._engine.lifecycle.runs import enter
from perdure._engine.port import Runtime
from perdure._model.records import Record
from perdure._model.state_types import StateType
from perdure._rooms.limits.records import Limit
from perdure._run.context import RunContext, TaskRunContext
from perdure._run.effects import Blocking, Report, Steps

AWAITING = "AwaitingConcurrencySlot"  # the name of the state of a task run that waits for a slot


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
                yield from sleep(wait, run)
            continue
        waiting = partial(_report_waiting, run, limit.name, records, runtime)
        slot = yield from occupy_slots(limit.name, 1, run, None, runtime, waiting)
        if slot is not None:
            held.append(slot)


def release_slots_of_tags(run: TaskRunContext, runtime: Runtime) -> Steps[None]:
    """Release what a task run holds."""
    slots = runtime.limiter.held.pop(run.id, None)
    if slots:
        yield Blocking(runtime.limiter.release, (slots,))


def _report_waiting(run: TaskRunContext, name: str, records: list[Record], runtime: Runtime) -> Steps[None]:
    """Say that a task run waits."""
    records.append(
        enter(run, runtime, StateType.SCHEDULED, f"It waits for a slot of the limit {name!r}.", name=AWAITING)
    )
    yield Report(tuple(records))
    records.clear()


def _above(run: RunContext) -> list[RunContext]:
    found = []
    above = run.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found
