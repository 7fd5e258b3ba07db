"""Lost flow runs, which have not ended but whose process has: finding them, and marking them Crashed."""

from collections.abc import Iterable, Iterator

from perdure._engine.port import ProcessRuntime
from perdure._engine.recovery.durable_timers import SUSPENDED
from perdure._engine.recovery.run_claims import ends_below, note, run_of
from perdure._model.records import ProcessRecord, Record, StartRecord
from perdure._model.state_types import FINAL, StateType
from perdure._model.stopped_runs import last_state
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._run.process_identity import machine_of

_OPEN = tuple(kind for kind in StateType if kind not in FINAL)


def lost_runs(runtime: ProcessRuntime) -> Iterator[FlowRun]:
    """The outermost flow runs that have not ended, but whose process has; oldest first.

    What is not known of processes on other machines is waited for, for a lease at most.
    """
    orchestrator = runtime.orchestrator
    found = [
        run for run_id in orchestrator.unfinished_roots() for run in orchestrator.flow_runs(RunFilter(ids=(run_id,)))
    ]
    owned = [(run, start) for run in found if _is_open(run) and (start := orchestrator.start(run.id)) is not None]
    for _, start in owned:  # first, so that all are observed at the same time
        runtime.liveness.is_alive(start.process_id)
    gone = (run for run, start in owned if runtime.liveness.is_gone(start.process_id))
    yield from (run for each in gone if _is_open(run := run_of(each.id, orchestrator)))  # it may have ended just before


def end_lost(runtime: ProcessRuntime) -> list[FlowRun]:
    """Mark the outermost flow runs Crashed whose process is gone, and all below them; those that we marked."""
    orchestrator = runtime.orchestrator
    ended = []
    for found in orchestrator.flow_runs(RunFilter(states=_OPEN)):
        start = orchestrator.start(found.id) if found.parent_flow_run_id is None else None
        if start is None or _runs(start, runtime):
            continue
        run = run_of(found.id, orchestrator)  # again: who claimed it before its start was read has changed its state
        process = orchestrator.process(start.process_id)
        if not _is_open(run):
            continue
        if note(run, start, runtime, crashed(run, process, runtime)):
            ended.append(run)
    return ended


def end_run_if_lost(run_id: str, runtime: ProcessRuntime) -> bool:
    """Mark one outermost flow run Crashed whose process is gone, and all below it; whether that was done."""
    start = runtime.orchestrator.start(run_id)
    run = run_of(run_id, runtime.orchestrator)
    if start is None or not _is_open(run) or _runs(start, runtime):
        return False
    return note(run, start, runtime, crashed(run, runtime.orchestrator.process(start.process_id), runtime))


def crashed(run: FlowRun, process: ProcessRecord | None, runtime: ProcessRuntime) -> list[Record]:
    """The states that end a lost flow run and all below it that has not ended."""
    where = place_of(process)

    def message(each: FlowRun | TaskRun) -> str:
        return f"The process that ran it{where} is lost. {last_state(each.state_name)}"

    return ends_below(run, StateType.CRASHED, message, runtime.clock(), runtime.orchestrator)


def place_of(process: ProcessRecord | None) -> str:
    """Where a process is, for messages: in parentheses, or nothing."""
    return "" if process is None else f" ({process.pid} on {machine_of(process)})"


def _is_open(run: FlowRun) -> bool:
    return run.state_type in _OPEN and run.state_name != SUSPENDED


def _runs(start: StartRecord, runtime: ProcessRuntime) -> bool:
    return runtime.liveness.is_alive(start.process_id)


def lost_among(runs: Iterable[FlowRun], runtime: ProcessRuntime) -> set[str]:
    """The ids of those that have not ended, but whose process has. A paused run may go without one."""
    orchestrator, alive = runtime.orchestrator, dict[str, bool]()

    def is_lost(run: FlowRun) -> bool:
        start = orchestrator.start(run.id)
        if start is None:  # a subflow run is in the process of the one above
            above = orchestrator.flow_runs(RunFilter(ids=(run.parent_flow_run_id,))) if run.parent_flow_run_id else ()
            return any(map(is_lost, above))
        if start.process_id not in alive:
            alive[start.process_id] = runtime.liveness.is_alive(start.process_id)
        return not alive[start.process_id]

    open_runs = (run for run in runs if run.state_type not in (*FINAL, StateType.PAUSED))
    return {run.id for run in open_runs if is_lost(run)}
