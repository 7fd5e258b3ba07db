"""Runs by what a person calls them: an id, the beginning of one, a name, or `FLOW-RUN/NAME`."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun

R = TypeVar("R")
_ID_CHARACTERS = frozenset("0123456789abcdef-")
MOST = 1_000  # runs that are looked at: beyond that, it is enough to know that there are more


class KnownRuns(Protocol):
    """Finds runs: every orchestrator is one."""

    def flow_runs(self, filter: RunFilter) -> Sequence[FlowRun]:
        """The flow runs that the filter lets through, newest first."""

    def task_runs(self, filter: RunFilter) -> Sequence[TaskRun]:
        """The task runs that the filter lets through, newest first."""


class Called(NamedTuple, Generic[R]):
    """The runs that a text may stand for, newest first; at most one more than `MOST`."""

    runs: Sequence[R]
    by_id: bool  # whether it begins their ids, so that a longer prefix would distinguish them


def flow_runs_called(text: str, known: KnownRuns) -> Called[FlowRun]:
    """The flow runs that a text may stand for."""
    return _called(text, known.flow_runs, known)


def task_runs_called(text: str, known: KnownRuns) -> Called[TaskRun]:
    """The task runs that a text may stand for."""
    return _called(text, known.task_runs, known)


def _called(text: str, ask: Callable[[RunFilter], Sequence[R]], known: KnownRuns) -> Called[R]:
    limit = MOST + 1
    if text and _ID_CHARACTERS.issuperset(text.lower()):
        found = ask(RunFilter(ids=(text.lower(),), limit=limit))
        if found:
            return Called(found, by_id=True)
    found = ask(RunFilter(name=text, limit=limit))
    above, slash, name = text.rpartition("/")
    if found or not (slash and above and name):
        return Called(found, by_id=False)
    flow_run_ids = tuple(run.id for run in flow_runs_called(above, known).runs[:MOST])
    inside = ask(RunFilter(flow_run_ids=flow_run_ids, name=name, limit=limit)) if flow_run_ids else ()
    return Called(inside, by_id=False)
