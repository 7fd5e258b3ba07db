"""Requests to a flow run: to cancel it, or to continue it after a pause."""

import json
import os
import signal
import time

from perdure._engine.control.cancellation import MARGIN
from perdure._engine.control.input_check import mismatch
from perdure._engine.port import ProcessRuntime
from perdure._engine.recovery.durable_timers import SUSPENDED, TIME_IS_UP, is_open_pause
from perdure._engine.recovery.run_claims import claim, ends_below, run_of
from perdure._model.errors import SteeringError
from perdure._model.records import CancelRecord, ProcessRecord, StartRecord, WaitRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros, to_datetime
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._run.process_identity import is_here

_LOOK_SECONDS = 0.1
_SLOWEST = 8.0  # seconds until a process has noticed, and has reported the end


def cancel(run_id: str, runtime: ProcessRuntime, *, asked_by: str, grace: Micros, force: bool) -> FlowRun:
    """Have an outermost flow run cancelled, and wait until it is; the run as it is then.

    With `force`, its process is killed if it does not end the run in time.

    Raises:
        RunMissing: there is no such run.
        SteeringError: it has ended, or ends otherwise; it is part of another run; or its code does not end.
    """
    orchestrator = runtime.orchestrator
    run, start = _controllable(run_id, runtime)
    orchestrator.commit((CancelRecord(run_id, asked_by, runtime.clock(), grace),))
    deadline = time.monotonic() + grace / 1_000_000 + MARGIN + _SLOWEST
    while True:
        if run.state_type in FINAL:
            return _cancelled(run, runtime)
        process = orchestrator.process(start.process_id)
        if _is_nobodys(run, process, runtime):
            _end(run, start, runtime, StateType.CANCELLED, f"Cancelled by {asked_by}.")
        elif force and time.monotonic() > deadline - _SLOWEST:
            if run_of(run_id, orchestrator).state_type not in FINAL:  # its process may have another run by now
                _kill(process, run)
        elif time.monotonic() > deadline:
            raise SteeringError(
                f"{_the(run)} does not end: its code has not let the process {process and process.pid} look for"
                f" {grace / 1_000_000 + MARGIN + _SLOWEST:g} seconds. Cancel it with --force to kill that process."
            )
        time.sleep(_LOOK_SECONDS)
        run, start = run_of(run_id, orchestrator), orchestrator.start(run_id) or start


def ask_to_cancel(run_id: str, runtime: ProcessRuntime, *, asked_by: str, grace: Micros) -> FlowRun:
    """Have an outermost flow run cancelled, and do not wait; the run as it is then. One without a process has ended.

    Raises:
        RunMissing: there is no such run.
        SteeringError: it has ended, or it is part of another run.
    """
    orchestrator = runtime.orchestrator
    run, start = _controllable(run_id, runtime)
    orchestrator.commit((CancelRecord(run_id, asked_by, runtime.clock(), grace),))
    if _is_nobodys(run, orchestrator.process(start.process_id), runtime):
        _end(run, start, runtime, StateType.CANCELLED, f"Cancelled by {asked_by}.")
    return run_of(run_id, orchestrator)


def _is_nobodys(run: FlowRun, process: ProcessRecord | None, runtime: ProcessRuntime) -> bool:
    return process is None or not runtime.liveness.is_alive(process.id) or run.state_name == SUSPENDED


def _cancelled(run: FlowRun, runtime: ProcessRuntime) -> FlowRun:
    if run.state_type is not StateType.CANCELLED:
        runtime.orchestrator.withdraw(run.id)
        raise SteeringError(f"{_the(run)} had ended {run.state_name} before it could be cancelled.")
    return run


def _controllable(run_id: str, runtime: ProcessRuntime) -> tuple[FlowRun, StartRecord]:
    run = run_of(run_id, runtime.orchestrator)
    if run.state_type in FINAL:
        raise SteeringError(f"{_the(run)} has ended already: {run.state_name}.")
    if run.parent_flow_run_id is not None:
        raise SteeringError(f"{_the(run)} is part of the flow run {run.parent_flow_run_id}. Cancel that one.")
    start = runtime.orchestrator.start(run_id)
    if start is None:
        raise SteeringError(f"{_the(run)} has no process that can receive the request to cancel it.")
    return run, start


def _end(run: FlowRun, start: StartRecord, runtime: ProcessRuntime, kind: StateType, message: str) -> bool:
    """End a flow run that no process runs, with all below it; whether nobody else was faster."""
    ends = ends_below(run, kind, lambda _: message, runtime.clock(), runtime.orchestrator)
    return claim(run, start, runtime, ends) is not None


def _kill(process: ProcessRecord | None, run: FlowRun) -> None:
    if process is None or not is_here(process):
        raise SteeringError(f"{_the(run)} does not end, and its process is on another machine. Kill it there.")
    try:
        os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows, each of them ends it
    except OSError as error:
        raise SteeringError(f"{_the(run)} does not end, and its process {process.pid} resists: {error}.") from None


def continue_run(run_id: str, answer: object, runtime: ProcessRuntime) -> FlowRun:
    """Answer the pause of a flow run; the run as it was. One that is suspended has then to be resumed.

    Raises:
        RunMissing: there is no such run.
        SteeringError: it does not wait, somebody was faster, the time is up, or the answer is not what it asks for.
    """
    orchestrator = runtime.orchestrator
    run = run_of(run_id, orchestrator)
    wait = next((each for each in orchestrator.waits(run_id) if is_open_pause(each)), None)
    if run.state_type is not StateType.PAUSED:
        raise SteeringError(f"{_the(run)} is not paused: it is {run.state_name}.")
    if wait is None:  # its process has not seen the answer yet, or it waits to be resumed
        raise SteeringError(f"{_the(run)} has been continued already.")
    wrong = mismatch(json.loads(wait.asks) if wait.asks else None, answer)
    if wrong is not None:
        raise SteeringError(f"{_the(run)} asks for other input: {wrong}{'' if wrong.endswith('?') else '.'}")
    if wait.until <= runtime.clock():
        _too_late(run, wait, runtime)
    if not orchestrator.answer(run_id, wait.key, json.dumps(answer)):
        raise SteeringError(f"{_the(run)} has been continued by somebody else.")
    return run


def _too_late(run: FlowRun, wait: WaitRecord, runtime: ProcessRuntime) -> None:
    """One that still has a process notices by itself; one that is suspended has failed."""
    if run.state_name == SUSPENDED:
        _end_unanswered(run, wait, runtime)
    raise SteeringError(f"{_the(run)} could be continued until {_moment(wait.until)}.")


def end_unanswered(runtime: ProcessRuntime) -> list[FlowRun]:
    """Mark suspended flow runs Failed that nobody continued in time; those that we marked."""
    orchestrator = runtime.orchestrator
    paused = orchestrator.flow_runs(RunFilter(states=(StateType.PAUSED,)))
    waits = ((run, each) for run in paused if run.state_name == SUSPENDED for each in orchestrator.waits(run.id))
    overdue = [(run, wait) for run, wait in waits if is_open_pause(wait) and wait.until <= runtime.clock()]
    return [run for run, wait in overdue if _end_unanswered(run, wait, runtime)]


def _end_unanswered(run: FlowRun, wait: WaitRecord, runtime: ProcessRuntime) -> bool:
    """Mark one Failed, unless somebody continues it at this moment: a pause is answered once."""
    start = runtime.orchestrator.start(run.id)
    if start is None or not runtime.orchestrator.answer(run.id, wait.key, TIME_IS_UP):
        return False
    return _end(run, start, runtime, StateType.FAILED, f"It was not continued by {_moment(wait.until)}.")


def _moment(time: Micros) -> str:
    return f"{to_datetime(time):%Y-%m-%d %H:%M:%S} UTC"


def _the(run: FlowRun) -> str:
    return f"The flow run {run.name!r} ({run.id})"
