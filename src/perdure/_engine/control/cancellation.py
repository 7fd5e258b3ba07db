"""Cancelling a flow run in the process that runs it: its code is asked to end, then no longer waited for."""

import threading
import time
from contextlib import suppress

from perdure._engine.drivers import drive
from perdure._engine.lifecycle.run_hooks import call_hooks
from perdure._engine.port import Runtime
from perdure._engine.recovery.run_claims import ends_below
from perdure._engine.recovery.taken_over import ask_to_end
from perdure._model.errors import CancelledRun, OrchestratorError
from perdure._model.records import CancelRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._model.states import State
from perdure._platform.clock import Micros
from perdure._results.types import UnpersistedResult
from perdure._rooms.runs.records import RunFilter
from perdure._run.context import FlowRunContext

_SOON, _LATER = 0.05, 0.5  # seconds between two rounds, in the first second and then
_SETTLED = 0.2  # seconds after which code that was asked to end reports nothing else any more
MARGIN = 2.0  # seconds after the grace period in which a flow run that waits for its tasks ends by itself


def stop_from_outside(run: FlowRunContext, request: CancelRecord, runtime: Runtime) -> None:
    """Cancel an outermost flow run of this process; returns at once."""
    run.controller.cancel(request)
    try:
        threading.Thread(target=_stop, args=(run, request, runtime), name="perdure-cancel", daemon=True).start()
    except BaseException:  # the system has no more threads for us: who looks after the run tries again
        run.controller.request = None
        raise


def _stop(run: FlowRunContext, request: CancelRecord, runtime: Runtime) -> None:
    began = time.monotonic()
    while not _has_ended(run):
        ask_to_end(run, runtime)
        waited = time.monotonic() - began
        if waited > request.grace / 1_000_000 + MARGIN:
            with suppress(OrchestratorError):  # it is closed, or the next commit raises it
                _abandon(run, request, runtime)
            return
        if waited > _SETTLED:
            _announce(run, request, runtime)
        time.sleep(_SOON if waited < 1 else _LATER)


def _has_ended(run: FlowRunContext) -> bool:
    return run.state is not None and run.state.type in FINAL


def _announce(run: FlowRunContext, request: CancelRecord, runtime: Runtime) -> None:
    """Report that the flow run is being cancelled, unless it does that itself, or has ended by now."""
    state = run.state
    if state is None or not run.controller.announce():
        return
    seen = StateRecord(run.id, False, state.type, state.name, state.message, state.time)
    recorded = _state(run.id, StateType.CANCELLING, request, runtime.clock())
    is_as_seen = False
    with suppress(OrchestratorError):  # the run is to be interrupted on, whether or not others can see that it is
        is_as_seen = runtime.orchestrator.claim(
            seen, runtime.process_id, runtime.process_id, (recorded,), (run.epoch, run.epoch)
        )
    if not is_as_seen:
        run.controller.take_back()


def _state(run_id: str, kind: StateType, request: CancelRecord, now: Micros) -> StateRecord:
    return StateRecord(run_id, False, kind, kind.capitalize(), f"Cancelled by {request.asked_by}.", now)


def _abandon(run: FlowRunContext, request: CancelRecord, runtime: Runtime) -> None:
    """Wait no longer for code that does not end: report the end of the flow run and of all below it."""
    run.controller.is_over = True
    for flow in tuple(run.controller.flows):
        if flow.task_runner is not None:
            flow.task_runner.cancel()
    time.sleep(_SETTLED)
    if not run.controller.take_end(outside=True):
        return
    orchestrator = runtime.orchestrator
    message = f"Cancelled by {request.asked_by}; its code had not ended after {request.grace / 1_000_000:g} seconds."
    now = runtime.clock()
    run.state = State(StateType.CANCELLED, None, message, UnpersistedResult(CancelledRun(message)), now, run.id)
    (recorded,) = orchestrator.flow_runs(RunFilter(ids=(run.id,)))
    orchestrator.commit(ends_below(recorded, StateType.CANCELLED, lambda _: message, now, orchestrator))
    drive(call_hooks(run, runtime), runtime)
