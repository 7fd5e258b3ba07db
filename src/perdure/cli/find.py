"""Runs by what a person types: an id, a prefix of one, a name, or `FLOW-RUN/NAME`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from perdure._model.errors import RunMissing
from perdure._platform.clock import to_datetime
from perdure._platform.suggest import nearest
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._rooms.runs.runs_by_name import MOST, Called, flow_runs_called, task_runs_called
from perdure._session import session
from perdure._store.protocol import Orchestrator
from perdure.cli.output import say

R = TypeVar("R", FlowRun, TaskRun)
A = TypeVar("A", bound=FlowRun | TaskRun)
_SHOWN = 10  # runs that a message names
_RECENT = 200  # runs whose names are compared with one that nothing has
_CHUNK = 1_000  # ids asked for at once
_SHORT = 18  # characters of an id: the millisecond of its making, and a count within it


def orchestrator() -> Orchestrator:
    """What knows of the runs."""
    return session.current().orchestrator


def flow_run(text: str, only: bool = False) -> FlowRun:
    """The flow run with an id that begins so, or with this name: of several, the newest, which is said.

    Raises:
        RunMissing: there is none; there are several, and it has to be the `only` one; or several ids begin so.
    """
    known = orchestrator()
    found = flow_runs_called(text, known)
    if not found.runs:
        raise _missing(text, "flow run", task_runs_called(text, known).runs, known.flow_runs)
    return _newest(text, "flow run", found, only)


def task_run(text: str) -> TaskRun:
    """The task run with an id that begins so, or with this name: of several, the newest, which is said.

    Raises:
        RunMissing: there is none, or several ids begin so.
    """
    known = orchestrator()
    found = task_runs_called(text, known)
    if not found.runs:
        raise _missing(text, "task run", flow_runs_called(text, known).runs, known.task_runs)
    return _newest(text, "task run", found, only=False)


def any_run(text: str, only: bool = False) -> FlowRun | TaskRun:
    """The run of either kind with an id that begins so, or with this name: of several, the newest, which is said.

    Raises:
        RunMissing: there is none; there are several, and it has to be the `only` one; or several ids begin so.
    """
    known = orchestrator()
    flow_runs, task_runs = flow_runs_called(text, known), task_runs_called(text, known)
    both: list[FlowRun | TaskRun] = [*flow_runs.runs, *task_runs.runs]
    both.sort(key=lambda run: run.id, reverse=True)
    if not both:
        raise RunMissing(f"There is no run {text!r}. {_advice('flow run')}")
    kind = "run" if flow_runs.runs and task_runs.runs else "flow run" if flow_runs.runs else "task run"
    return _newest(text, kind, Called(both, flow_runs.by_id or task_runs.by_id), only)


def runs_by_id(ids: Iterable[str], ask: Callable[[RunFilter], Sequence[R]]) -> dict[str, R]:
    """The runs with these ids; ids that nothing has are left out."""
    wanted = list(dict.fromkeys(ids))
    chunks = (tuple(wanted[start : start + _CHUNK]) for start in range(0, len(wanted), _CHUNK))
    return {run.id: run for chunk in chunks for run in ask(RunFilter(ids=chunk))}


def short_ids(ids: Sequence[str]) -> list[str]:
    """The prefix of each id, as long as it takes to be unique."""
    ordered = sorted(ids)
    lengths = {}
    for place, id in enumerate(ordered):
        neighbours = ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]
        lengths[id] = max([_SHORT, *(_common(id, other) + 1 for other in neighbours)])
    return [id[: lengths[id]] for id in ids]


def _common(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _newest(text: str, kind: str, found: Called[A], only: bool) -> A:
    newest = found.runs[0]
    if len(found.runs) == 1:
        return newest
    if found.by_id or only:
        shown = ", ".join(run.id for run in found.runs[:_SHOWN])
        more = " and more" if len(found.runs) > _SHOWN else ""
        raise RunMissing(f"{text!r} stands for several {kind}s: {shown}{more}. {_mend(kind)}")
    count = f"{len(found.runs):,}" if len(found.runs) <= MOST else f"More than {MOST:,}"
    made = to_datetime(newest.created).astimezone()
    say(f"{count} {kind}s are called {text!r}; this is the newest, {newest.id}, of {made:%Y-%m-%d %H:%M:%S}.")
    return newest


def _mend(kind: str) -> str:
    return "Give the id of one." if kind == "flow run" else "Give the id of one, or write FLOW-RUN/NAME."


def no_flow(name: str | None) -> str | None:
    """That no run is of a flow with this name, with the nearest one; None if there is one, or no name was given."""
    known = orchestrator()
    if name is None or known.flow_runs(RunFilter(of=name, limit=1)):
        return None
    names = {run.flow_name for run in known.flow_runs(RunFilter(limit=_RECENT))}
    return f"No run is of a flow {name!r}.{nearest(name, names)}"


def no_task(name: str | None) -> str | None:
    """That no run is of a task with this name, with the nearest one; None if there is one, or no name was given."""
    known = orchestrator()
    if name is None or known.task_runs(RunFilter(of=name, limit=1)):
        return None
    names = {run.task_name for run in known.task_runs(RunFilter(limit=_RECENT))}
    return f"No run is of a task {name!r}.{nearest(name, names)}"


def _missing(
    text: str,
    kind: str,
    of_other: Sequence[FlowRun | TaskRun],
    ask: Callable[[RunFilter], Sequence[FlowRun | TaskRun]],
) -> RunMissing:
    other = "task run" if kind == "flow run" else "flow run"
    if len(of_other) == 1:
        return RunMissing(
            f"{text!r} is a {other}, not a {kind}. Try `perdure {other.replace(' ', '-')} inspect {text}`."
        )
    names = [run.name for run in ask(RunFilter(limit=_RECENT))]
    return RunMissing(f"There is no {kind} {text!r}.{nearest(text, names) or f' {_advice(kind)}'}")


def _advice(kind: str) -> str:
    return f"`perdure {kind.replace(' ', '-')} ls` lists what there is."
