"""Runs by when they are due: a deployment's run has a place in a queue that says so; others are when they are made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._results.lookup import known_runs
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun

RunT = TypeVar("RunT", FlowRun, TaskRun)
_PAGE = 1_000


class Span(NamedTuple):
    """A span of time: from `after`, and before `before`; None does not bound it."""

    after: Micros | None = None
    before: Micros | None = None

    def has(self, time: Micros) -> bool:
        """Whether a time is in it."""
        return (self.after is None or self.after <= time) and (self.before is None or time < self.before)


def passing(span: Span, filter: RunFilter, ask: Callable[[RunFilter], Sequence[RunT]]) -> list[RunT]:
    """The runs that a filter lets through and that are due in a span; the filter's own limit does not count.

    No run is due before it was made: those made after the span are not looked at; those made before may be due in it.
    """
    known: Any = known_runs()
    made = filter._replace(after=span.after, before=span.before, limit=None)
    runs = {run.id: run for run in ask(made)}
    if span.after is not None:
        queued = known.deployments.queued(QueueFilter(since=span.after, before=span.before))
        late = {place.flow_run_id for place in queued}.difference(runs)
        earlier = filter._replace(before=span.after, limit=None)
        if filter.ids:
            runs.update((run.id, run) for run in ask(earlier) if run.id in late)
        else:
            runs.update((run.id, run) for ids in _pages(late) for run in ask(earlier._replace(ids=ids)))
    due = {
        place.flow_run_id: place.due
        for ids in _pages(runs)
        for place in known.deployments.queued(QueueFilter(flow_run_ids=ids))
    }
    return [run for run in runs.values() if span.has(due.get(run.id, run.created))]


def _pages(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    every: Sequence[str] = sorted(ids)
    return (tuple(every[at : at + _PAGE]) for at in range(0, len(every), _PAGE))
