"""Giving up flow runs that crashed, so that nothing waits for somebody to resume them."""

from collections.abc import Iterator

from perdure._engine.port import ProcessRuntime
from perdure._engine.recovery.run_claims import claim, run_of
from perdure._model.errors import ResumeError
from perdure._model.records import Record, StateRecord
from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._model.stopped_runs import last_state
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator


def abandon(run_id: str, runtime: ProcessRuntime) -> FlowRun:
    """Mark a flow run that crashed, or whose process is gone, and all below it, as Crashed for good; returns the run.

    It cannot be resumed from then on, and `prune` keeps nothing for it. Abandoning it again does nothing.

    Raises:
        RunMissing: there is none.
        ResumeError: it still runs, has ended otherwise, or is part of another one.
    """
    orchestrator = runtime.orchestrator
    run = run_of(run_id, orchestrator)
    the = f"The flow run {run.name!r} ({run.id})"
    if run.parent_flow_run_id is not None:
        raise ResumeError(f"{the} is part of the flow run {run.parent_flow_run_id}. Abandon that one.")
    if run.state_type in FINAL and run.state_type is not StateType.CRASHED:
        raise ResumeError(f"{the} is {run.state_name}: there is nothing to abandon.")
    start = orchestrator.start(run.id)
    if start is not None:
        process = orchestrator.process(start.process_id)
        if run.state_type not in FINAL and process is not None and not runtime.liveness.is_gone(process.id):
            raise ResumeError(f"{the} still runs, in the process {process.pid}. Stop it first.")
    now = runtime.clock()
    records: list[Record] = []
    for each in _left_open(run, orchestrator):
        orchestrator.states(each.id)  # so that ours come after them, though the clock was set back since
        message = f"It was abandoned. {last_state(each.state_name)}"
        # One that has crashed is at no other state by this, and ended when it did.
        time = each.state_time if each.state_type is StateType.CRASHED and each.state_time is not None else now
        records.append(StateRecord(each.id, isinstance(each, TaskRun), StateType.CRASHED, ABANDONED, message, time))
    if start is None:
        orchestrator.commit(records)
    elif claim(run, start, runtime, records) is None:
        raise ResumeError(f"{the} is being resumed by another process.")
    return run


def _left_open(run: FlowRun, orchestrator: Orchestrator) -> Iterator[FlowRun | TaskRun]:
    """The run and all below it that has not ended, or crashed."""
    below = RunFilter(flow_run_ids=(run.id,))
    if run.state_type not in FINAL or (run.state_type is StateType.CRASHED and run.state_name != ABANDONED):
        yield run
    yield from (each for each in orchestrator.task_runs(below) if each.state_type not in FINAL)
    for each in orchestrator.flow_runs(below):
        yield from _left_open(each, orchestrator)
