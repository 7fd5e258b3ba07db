"""Where a flow run stands among others: the runs that called it, and the run below it in which its failure began."""

import re
from collections.abc import Iterator

from perdure._model.state_types import StateType
from perdure._model.stopped_runs import was_stopped
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator

_DEEPEST = 100  # levels of flow runs
_FAILED = (StateType.FAILED, StateType.CRASHED)
_LOOKED_AT = 1_000  # failed calls of one flow run
_SUBFLOWS = 1_000
_PREFIX = re.compile(r"(?:Flow|Task) run encountered an exception[.:]? ")
_AGGREGATE = re.compile(r"\d+/\d+ states (?:failed|cancelled|crashed)")


def ancestors_of(run: FlowRun, orchestrator: Orchestrator) -> list[FlowRun]:
    """The flow runs that called a flow run, the outermost first."""
    above: list[FlowRun] = []
    while run.parent_flow_run_id is not None and len(above) < _DEEPEST:
        found = orchestrator.flow_runs(RunFilter(ids=(run.parent_flow_run_id,), limit=1))
        if not found:
            break
        run = found[0]
        above.append(run)
    return above[::-1]


def failure_path(run: FlowRun, orchestrator: Orchestrator) -> list[FlowRun | TaskRun]:
    """From a failed flow run down to the run in which its failure began; that run alone if it began in its own code.

    A failure is followed down as long as a failed call has the same error. A flow that failed because so many of its
    calls did is followed to the first of them.
    """
    path: list[FlowRun | TaskRun] = [run]
    at: FlowRun | TaskRun | None = run
    while isinstance(at, FlowRun) and len(path) < _DEEPEST:
        at = _origin(at, orchestrator)
        if at is not None:
            path.append(at)
    return path


def _origin(run: FlowRun, orchestrator: Orchestrator) -> FlowRun | TaskRun | None:
    """The failed call of a flow run from which it has its failure; what was stopped with it has not failed."""
    if was_stopped(run.state_type, run.state_message):
        return None
    wanted = RunFilter(flow_run_ids=(run.id,), states=_FAILED, oldest_first=True, limit=_LOOKED_AT)
    failed: list[FlowRun | TaskRun] = [*orchestrator.task_runs(wanted), *orchestrator.flow_runs(wanted)]
    error = _error(run)
    if not _AGGREGATE.match(error):
        failed = [each for each in failed if _error(each) == error]
    return min(failed, key=lambda each: (each.ended or each.created, each.id), default=None)


def _error(run: FlowRun | TaskRun) -> str:
    return _PREFIX.sub("", run.state_message or "", count=1)


def below(run_id: str, orchestrator: Orchestrator) -> Iterator[str]:
    """The ids of a flow run and of the flow runs below it, level by level; at most a thousand."""
    level, count = [run_id], 1
    yield run_id
    while level and count < _SUBFLOWS:
        runs = orchestrator.flow_runs(RunFilter(flow_run_ids=tuple(level), oldest_first=True, limit=_SUBFLOWS - count))
        level = [run.id for run in runs]
        count += len(level)
        yield from level
