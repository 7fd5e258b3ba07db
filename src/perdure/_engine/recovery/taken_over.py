"""Losing a flow run to another process: its code is asked to end, and nothing is reported of it any more.

Who calls `lose`: the database notices, as it writes a batch, that another process has claimed the run since
(`_store.sql.fencing.lost_claims`). The writer says so (`_store.sql.writer`, by `hear_of_lost` of `_store.buffer`; where
a server writes, `_store.remote.outbox` hears it in the answer), and the session's `_session.owned_runs` hears it. That
module also calls `lose` if a heartbeat finds the claim gone while nothing is written.
"""

import logging
import threading
import time

from perdure._engine.port import Runtime
from perdure._model.errors import RunTakenOver
from perdure._model.records import CancelRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._model.states import State
from perdure._results.types import UnpersistedResult
from perdure._run.context import FlowRunContext, RunContext

_log = logging.getLogger("perdure")
_GRACE_SECONDS = 10.0  # for code that handles its being stopped
_SOON, _LATER = 0.05, 0.5  # seconds between two rounds, in the first second and then
_LOST = (
    "Another process has taken over the flow run %r (%s). It stops here, and nothing that this process still reports"
    " of it is kept."
)
_STILL_RUNS = (
    "The code of the flow run %r (%s), which another process has now, has not ended here. Nothing of it is kept."
)


def lose(run: FlowRunContext, runtime: Runtime) -> None:
    """End an outermost flow run of this process, since its claim is lost; returns at once."""
    if run.state is not None and run.state.type in FINAL:
        return
    request = CancelRecord(run.id, "another process", runtime.clock(), int(_GRACE_SECONDS * 1_000_000))
    if run.controller.lose(request, _LOST % (run.name, run.id)):
        runtime.log(run, logging.ERROR, _LOST, run.name, run.id)
        threading.Thread(target=_stop, args=(run, runtime), name="perdure-lost", daemon=True).start()


def _stop(run: FlowRunContext, runtime: Runtime) -> None:
    began, is_logged = time.monotonic(), False
    while run.state is None or run.state.type not in FINAL:
        ask_to_end(run, runtime)
        waited = time.monotonic() - began
        if waited > _GRACE_SECONDS and not is_logged:
            runtime.log(run, logging.ERROR, _STILL_RUNS, run.name, run.id)
            is_logged = True
        time.sleep(_SOON if waited < 1 else _LATER)


def ask_to_end(run: FlowRunContext, runtime: Runtime) -> None:
    """Cancel what the run, or one below it, has submitted and has not begun; and interrupt its code."""
    try:
        for flow in tuple(run.controller.flows):
            runtime.cancel_outstanding(flow)
        run.controller.interrupt()
    except Exception:  # what the run does at this moment; without the thread that asks nothing ends it
        _log.exception("The flow run %s could not be interrupted, which is tried again.", run.id)


def lost_state(run: RunContext, runtime: Runtime) -> State[object] | None:
    """The state, in this process alone, of a run that another process now owns; None if this one owns it."""
    controller = None if run.flow is None else run.flow.controller
    if controller is None or controller.lost is None:
        return None
    ids = (run.flow.id if run.flow else None, None if run.is_flow else run.id)
    data = UnpersistedResult(RunTakenOver(controller.lost))
    run.state = State(StateType.CRASHED, "TakenOver", controller.lost, data, runtime.clock(), *ids)
    return run.state


def reclaimed(run: FlowRunContext, runtime: Runtime) -> tuple[StateRecord, ...]:
    """Reports that a run continues which others took for crashed, while they saw no heartbeat of this process."""
    state = run.state
    if state is None or state.type in FINAL:
        return ()
    now = runtime.clock()
    again = StateRecord(run.id, False, StateType.PENDING, "Resuming", "Its process was heard of again.", now)
    return again, StateRecord(run.id, False, state.type, state.name, state.message, now)
