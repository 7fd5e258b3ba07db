"""Durable timers: recorded in the database, so that a flow run that is resumed after a crash waits for the rest only.

Kept under the flow run and a key: which attempt of the flow it is, which step, which attempt of the step, and what.
"""

import time

from perdure._engine.port import Runtime
from perdure._model.records import Record, WaitRecord
from perdure._platform.clock import Micros, to_datetime
from perdure._run.context import FlowRunContext, RunContext
from perdure._run.effects import Report, Sleep, Steps

SUSPENDED = "Suspended"  # the name of the state of a flow run that has no process while it waits
PAUSE = "pause "  # how the keys of pauses begin
TIME_IS_UP = ""  # the answer of a pause that nobody answered
_KEPT = 1_000_000  # microseconds: shorter waits begin anew
_LONGEST = 60.0  # seconds between two looks at the clock, which runs while the machine sleeps


def wait_for_try(run: RunContext, runtime: Runtime, records: list[Record], delay: float) -> Steps[None]:
    """Report the records, and wait `delay` seconds for a run's next try: a run that is resumed waits for the rest."""
    until = runtime.clock() + int(delay * 1_000_000)
    flow = _keeper(run)
    if flow is not None and (run.identity is not None or run.is_flow):
        records.append(WaitRecord(flow.id, _of_tries(run), until, run.run_count))
    if run.state is not None:
        run.state.note(scheduled_time=to_datetime(until))
    yield Report(records)
    yield from wait_until(until, run, runtime)


def resume_retries(run: RunContext, runtime: Runtime) -> Steps[None]:
    """Continue the attempts of a step that failed before a crash: wait for the rest of the time, and count them."""
    flow = _keeper(run)
    if flow is None or not flow.waits or flow.root.retries_failed or (run.identity is None and not run.is_flow):
        return
    before = flow.waits.get(_of_tries(run))
    if before is not None:
        run.run_count = before.attempts
        yield from wait_until(before.until, run, runtime)


def sleep_for(run: RunContext | None, what: str, until: Micros, runtime: Runtime) -> Steps[None]:
    """Wait until a time, or until that of the same wait before a crash. `what` tells it from others of the run."""
    flow = _keeper(run)
    if run is not None and flow is not None and (run.identity is not None or run.is_flow):
        step = "" if run.is_flow else f"{run.identity}/{run.run_count}/"
        key = f"{flow.run_count}/{step}{what}"
        before = flow.waits.get(key)
        if before is not None:
            until = before.until
        elif until - runtime.clock() >= _KEPT:
            yield Report((WaitRecord(flow.id, key, until),))
    yield from wait_until(until, run, runtime)


def wait_until(until: Micros, run: RunContext | None, runtime: Runtime) -> Steps[None]:
    """Wait until a time, however often the machine sleeps meanwhile; less if the flow run is cancelled."""
    end = time.monotonic() + (until - runtime.clock()) / 1_000_000
    while True:
        if run is not None and run.flow is not None:
            run.flow.controller.check()
        left = min(end - time.monotonic(), (until - runtime.clock()) / 1_000_000)
        if left <= 0:
            return
        yield Sleep(min(left, _LONGEST))


def is_open_pause(wait: WaitRecord) -> bool:
    """Whether it is a pause that waits for somebody to continue its flow run."""
    return wait.key.startswith(PAUSE) and wait.answer is None


def _keeper(run: RunContext | None) -> FlowRunContext | None:
    """The flow run that keeps what a run waits for: of a task, the one that called it itself."""
    if run is None or isinstance(run, FlowRunContext):
        return run
    return run.parent if isinstance(run.parent, FlowRunContext) else None


def _of_tries(run: RunContext) -> str:
    if isinstance(run, FlowRunContext):
        return "tries"
    assert run.flow is not None
    return f"{run.flow.run_count}/{run.identity}/tries"
