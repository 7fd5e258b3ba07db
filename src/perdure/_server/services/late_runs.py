"""Flow runs that have not begun in time, or that make no progress."""

from collections.abc import Iterator

from perdure._model.state_types import StateType
from perdure._rooms.deployments.port import SCHEDULED, QueueFilter
from perdure._rooms.events.port import Event
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._server.services.events import event_of_run, new_deliveries
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime

S = StateType
_MICROS = 1_000_000
_CANCELLING_SECONDS = 60  # after the grace period
_WAITS = ("AwaitingRetry", "Suspended")  # names of states that may last


def find_late(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Make events of flow runs that are late or stuck; one for each state that they are late or stuck in."""
    found = [*_late(runtime), *_stuck(runtime)]
    new = runtime.orchestrator.services.add_events(found, new_deliveries(found, runtime))
    return Outcome(f"{len(found)} late or stuck, {new} of them new")


def _late(runtime: ServiceRuntime) -> Iterator[Event]:
    before = runtime.clock() - int(runtime.settings.late_after_seconds * _MICROS)
    for run in runtime.orchestrator.flow_runs(RunFilter(states=(S.SCHEDULED, S.PENDING))):
        if _due(run, runtime) < before and run.state_name not in _WAITS:
            yield event_of_run("flow-run.late", run, runtime.clock())


def _stuck(runtime: ServiceRuntime) -> Iterator[Event]:
    orchestrator, now = runtime.orchestrator, runtime.clock()
    before = now - int(runtime.settings.stuck_after_seconds * _MICROS)
    for run in orchestrator.flow_runs(RunFilter(states=(S.RUNNING,))):
        if _since(run) < before and (orchestrator.services.last_sign(run.id) or 0) < before:
            yield event_of_run("flow-run.stuck", run, now)
    before = now - int((runtime.settings.cancel_grace_seconds + _CANCELLING_SECONDS) * _MICROS)
    for run in orchestrator.flow_runs(RunFilter(states=(S.CANCELLING,))):
        if _since(run) < before:
            yield event_of_run("flow-run.stuck", run, now)


def _due(run: FlowRun, runtime: ServiceRuntime) -> int:
    """When a run was to begin: for one that waits for a worker, the time that it waits for."""
    if run.state_name != SCHEDULED:
        return _since(run)
    places = runtime.orchestrator.deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
    return max([_since(run), *(place.due for place in places)])


def _since(run: FlowRun) -> int:
    return run.created if run.state_time is None else run.state_time
