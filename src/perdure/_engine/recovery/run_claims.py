"""Claiming flow runs: one UPDATE that succeeds only if the run is as it was read, with the records that come of it.

Why that is enough, and what always holds, is said in `_engine.recovery.resumption`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

from perdure._engine.port import ProcessRuntime, Runtime
from perdure._model.errors import OrchestratorError, OrchestratorUnreachable, RunMissing
from perdure._model.records import Record, Standing, StartRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._run.context import FlowRunContext
from perdure._store.protocol import Orchestrator

_TRIES = 20  # of what a server may be away for, each time anew


def claim(
    run: FlowRun, start: StartRecord, runtime: ProcessRuntime, records: Iterable[Record], seen: int | None = None
) -> int | None:
    """Have a flow run be this process's, with the records: the claim's epoch; None if it is no longer as it was read.

    From then on, nothing is kept of what the process before reports of it. `seen` is its epoch, where that is known.
    """
    orchestrator = runtime.orchestrator
    if presence := runtime.presence():
        orchestrator.commit(presence)
    if seen is not None:
        return seen + 1 if _claim(run, start, runtime, runtime.process_id, records, (seen, seen + 1)) else None
    standing = standing_of(run.id, orchestrator)
    if standing is None or standing.process_id != start.process_id:
        return None
    epochs = standing.epoch, abs(standing.epoch) + 1
    return epochs[1] if _claim(run, start, runtime, runtime.process_id, records, epochs) else None


def note(run: FlowRun, start: StartRecord, runtime: ProcessRuntime, records: Iterable[Record]) -> bool:
    """Commit the records of a flow run that stays whose it is; False if it is no longer as it was read."""
    standing = standing_of(run.id, runtime.orchestrator)
    if standing is None or standing.process_id != start.process_id:
        return False
    return _claim(run, start, runtime, start.process_id, records, (standing.epoch, standing.epoch))


def standing_of(run_id: str, orchestrator: Orchestrator) -> Standing | None:
    """How an outermost flow run stands; None if it has no process. A server that is away is waited for.

    Raises:
        OrchestratorUnreachable: it stays away.
    """
    for _ in range(_TRIES):
        standing = orchestrator.standing(run_id)
        if standing is not None or orchestrator.start(run_id) is None:  # the one waits for no server, the other does
            return standing
    raise OrchestratorUnreachable(f"How the flow run {run_id} stands could not be found out: its server goes away.")


def _claim(
    run: FlowRun,
    start: StartRecord,
    runtime: ProcessRuntime,
    after: str,
    records: Iterable[Record],
    epochs: tuple[int, int],
) -> bool:
    orchestrator = runtime.orchestrator
    if run.state_type is None or run.state_name is None or run.state_time is None:
        return False
    seen = StateRecord(run.id, False, run.state_type, run.state_name, run.state_message, run.state_time)
    return orchestrator.claim(seen, start.process_id, after, records, epochs)


def ends_below(
    run: FlowRun, kind: StateType, message: Callable[[FlowRun | TaskRun], str], now: Micros, orchestrator: Orchestrator
) -> list[Record]:
    """The states that end a flow run, and all below it that has not ended."""
    records: list[Record] = []
    for each in unfinished_below(run, orchestrator):
        orchestrator.states(each.id)  # so that ours come after them, though the clock was set back since
        records.append(StateRecord(each.id, isinstance(each, TaskRun), kind, kind.capitalize(), message(each), now))
    return records


def end_below_calls(flow_run: FlowRunContext, task_run_ids: Iterable[str], message: str, runtime: Runtime) -> None:
    """Report the end of what calls of a flow run have called themselves, and that ended with what ran them."""
    try:
        found = tuple(_unfinished_below_calls(flow_run.id, set(task_run_ids), runtime.orchestrator))
        for each in found:
            runtime.orchestrator.states(each.id)  # so that ours come after them, whatever the worker's clock said
    except OrchestratorError as error:  # the calls themselves are to come to their end all the same
        runtime.log(flow_run, logging.WARNING, "What lost calls had called is not ended: %s", error)
        return
    kind, now = StateType.CRASHED, runtime.clock()
    runtime.report(
        [StateRecord(each.id, isinstance(each, TaskRun), kind, kind.capitalize(), message, now) for each in found]
    )


def _unfinished_below_calls(
    flow_run_id: str, lost: set[str], orchestrator: Orchestrator
) -> Iterator[FlowRun | TaskRun]:
    of_flow = RunFilter(flow_run_ids=(flow_run_id,), ended=False, oldest_first=True)
    for task in orchestrator.task_runs(of_flow):
        if task.parent_task_run_id in lost:
            lost.add(task.id)
            yield task
    for below in orchestrator.flow_runs(of_flow):
        if below.parent_task_run_id in lost:
            yield from unfinished_below(below, orchestrator)


def unfinished_below(run: FlowRun, orchestrator: Orchestrator) -> Iterator[FlowRun | TaskRun]:
    """The run, and all below it, as far as they have not ended."""
    if run.state_type not in FINAL:
        yield run
    yield from orchestrator.task_runs(RunFilter(flow_run_ids=(run.id,), ended=False))
    for below in orchestrator.flow_runs(RunFilter(flow_run_ids=(run.id,))):
        yield from unfinished_below(below, orchestrator)


def run_of(run_id: str, orchestrator: Orchestrator) -> FlowRun:
    """A flow run by its id.

    Raises:
        RunMissing: there is none.
    """
    run = next(iter(orchestrator.flow_runs(RunFilter(ids=(run_id,)))), None)
    if run is None:
        raise RunMissing(f"No flow run has the id {run_id}. `perdure flow-run ls` lists them.")
    return run
