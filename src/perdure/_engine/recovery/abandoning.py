"""Giving up flow runs that crashed, so that nothing waits for somebody to resume them."""

from collections.abc import Iterable, Iterator

from perdure._engine.port import ProcessRuntime
from perdure._engine.recovery.resumption import claim
from perdure._model.errors import ResumeError, RunMissing
from perdure._model.records import FlowRun, Record, RunFilter, StateRecord, TaskRun
from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._store.protocol import Orchestrator


def abandon(run_id: str, runtime: ProcessRuntime) -> FlowRun:
    """Mark a flow run that crashed, or whose process is gone, and all below it, as Crashed for good; the run.

    It cannot be resumed from then on, and `prune` keeps nothing for it. Abandoning it again does nothing.

    Raises:
        RunMissing: there is none.
        ResumeError: it still runs, has ended otherwise, or is part of another one.
    """
    known = runtime.orchestrator
    run = next(iter(known.flow_runs(RunFilter(ids=(run_id,)))), None)
    if run is None:
        raise RunMissing(f"No flow run has the id {run_id}. `perdure flow-run ls` lists them.")
    the = f"The flow run {run.name!r} ({run.id})"
    if run.parent_flow_run_id is not None:
        raise ResumeError(f"{the} is part of the flow run {run.parent_flow_run_id}. Abandon that one.")
    if run.state_type in FINAL and run.state_type is not StateType.CRASHED:
        raise ResumeError(f"{the} is {run.state_name}: there is nothing to abandon.")
    start = known.start(run.id)
    if start is not None:
        process = known.process(start.process_id)
        if run.state_type not in FINAL and process is not None and not runtime.liveness.is_gone(process.id):
            raise ResumeError(f"{the} still runs, in the process {process.pid}. Stop it first.")
    now = runtime.clock()
    records: list[Record] = []
    for each in _left_open(run, known):
        known.states(each.id)  # so that ours come after them, though the clock was set back since
        message = f"It was abandoned. Its last recorded state was {each.state_name or 'not begun'}."
        # One that has crashed is at no other state by this, and ended when it did.
        time = each.state_time if each.state_type is StateType.CRASHED and each.state_time is not None else now
        records.append(StateRecord(each.id, isinstance(each, TaskRun), StateType.CRASHED, ABANDONED, message, time))
    if start is None:
        known.commit(records)
    elif claim(run, start, runtime, records) is None:
        raise ResumeError(f"{the} is being resumed by another process.")
    return run


def _left_open(run: FlowRun, known: Orchestrator) -> Iterator[FlowRun | TaskRun]:
    """The run and all below it that has not ended, or crashed."""
    below = RunFilter(flow_run_ids=(run.id,))
    if run.state_type not in FINAL or (run.state_type is StateType.CRASHED and run.state_name != ABANDONED):
        yield run
    yield from (each for each in known.task_runs(below) if each.state_type not in FINAL)
    for each in known.flow_runs(below):
        yield from _left_open(each, known)


def lost_among(runs: Iterable[FlowRun], runtime: ProcessRuntime) -> set[str]:
    """The ids of those that have not ended, but whose process has. A paused run may go without one."""
    known, alive = runtime.orchestrator, dict[str, bool]()

    def is_lost(run: FlowRun) -> bool:
        start = known.start(run.id)
        if start is None:  # a subflow run is in the process of the one above
            above = known.flow_runs(RunFilter(ids=(run.parent_flow_run_id,))) if run.parent_flow_run_id else ()
            return any(map(is_lost, above))
        if start.process_id not in alive:
            alive[start.process_id] = runtime.liveness.is_alive(start.process_id)
        return not alive[start.process_id]

    open_runs = (run for run in runs if run.state_type not in (*FINAL, StateType.PAUSED))
    return {run.id for run in open_runs if is_lost(run)}
