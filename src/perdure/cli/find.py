"""Runs by what a person types: an id, the beginning of one, a name, or `FLOW-RUN/NAME`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from perdure import session
from perdure.core.errors import RunMissing
from perdure.core.records import FlowRun, RunFilter, TaskRun
from perdure.core.suggest import nearest
from perdure.orchestrator.protocol import Orchestrator

R = TypeVar("R", FlowRun, TaskRun)
_SHOWN = 3  # runs that a message names
_RECENT = 200  # runs whose names are compared with one that nothing has
_CHUNK = 1_000  # ids asked for at once
_ID_CHARACTERS = frozenset("0123456789abcdef-")
_SHORT = 18  # characters of an id: the millisecond of its making, and a count within it


def orchestrator() -> Orchestrator:
    """What knows of the runs."""
    return session.current().orchestrator


def flow_run(text: str) -> FlowRun:
    """The one flow run with an id that begins so, or with this name.

    Raises:
        RunMissing: there is none, or there are several.
    """
    return _one(orchestrator().flow_runs, text, "flow run")


def task_run(text: str) -> TaskRun:
    """The one task run with an id that begins so, or with this name.

    Raises:
        RunMissing: there is none, or there are several.
    """
    return _one(orchestrator().task_runs, text, "task run")


def any_run(text: str) -> FlowRun | TaskRun:
    """The one run of either kind with an id that begins so, or with this name.

    Raises:
        RunMissing: there is none, or there are several.
    """
    known = orchestrator()
    flow_runs, task_runs = _matching(known.flow_runs, text), _matching(known.task_runs, text)
    if len(flow_runs) == 1 and not task_runs:
        return flow_runs[0]
    if len(task_runs) == 1 and not flow_runs:
        return task_runs[0]
    if flow_runs or task_runs:
        raise _ambiguous(text, "run", [*flow_runs, *task_runs])
    raise RunMissing(f"There is no run {text!r}. {_advice('flow run')}")


def runs_by_id(ids: Iterable[str], ask: Callable[[RunFilter], Sequence[R]]) -> dict[str, R]:
    """The runs with these ids; ids that nothing has are left out."""
    wanted = list(dict.fromkeys(ids))
    chunks = (tuple(wanted[start : start + _CHUNK]) for start in range(0, len(wanted), _CHUNK))
    return {run.id: run for chunk in chunks for run in ask(RunFilter(ids=chunk))}


def short_ids(ids: Sequence[str]) -> list[str]:
    """The beginning of each id, as long as it takes to tell it from the others."""
    ordered = sorted(ids)
    lengths = {}
    for place, id in enumerate(ordered):
        neighbours = ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]
        lengths[id] = max([_SHORT, *(_common(id, other) + 1 for other in neighbours)])
    return [id[: lengths[id]] for id in ids]


def _common(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _matching(ask: Callable[[RunFilter], Sequence[R]], text: str) -> Sequence[R]:
    limit = _SHOWN + 1
    is_id = bool(text) and _ID_CHARACTERS.issuperset(text.lower())
    by_id = ask(RunFilter(ids=(text.lower(),), limit=limit)) if is_id else ()
    return by_id or ask(RunFilter(name=text, limit=limit)) or _within(ask, text)


def _within(ask: Callable[[RunFilter], Sequence[R]], path: str) -> Sequence[R]:
    """The runs that `FLOW-RUN/NAME` stands for."""
    above, slash, name = path.rpartition("/")
    if not (slash and above and name):
        return ()
    flow_run_ids = tuple(run.id for run in _matching(orchestrator().flow_runs, above))
    return ask(RunFilter(flow_run_ids=flow_run_ids, name=name, limit=_SHOWN + 1)) if flow_run_ids else ()


def _one(ask: Callable[[RunFilter], Sequence[R]], text: str, kind: str) -> R:
    found = _matching(ask, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(text, kind, found)
    known = orchestrator()
    other = "task run" if kind == "flow run" else "flow run"
    of_other = _matching(known.task_runs, text) if kind == "flow run" else _matching(known.flow_runs, text)
    if len(of_other) == 1:
        raise RunMissing(
            f"{text!r} is a {other}, not a {kind}. Try `perdure {other.replace(' ', '-')} inspect {text}`."
        )
    names = [run.name for run in ask(RunFilter(limit=_RECENT))]
    raise RunMissing(f"There is no {kind} {text!r}.{nearest(text, names) or f' {_advice(kind)}'}")


def _advice(kind: str) -> str:
    return f"`perdure {kind.replace(' ', '-')} ls` lists what there is."


def _ambiguous(text: str, kind: str, found: Sequence[FlowRun | TaskRun]) -> RunMissing:
    shown = ", ".join(run.id for run in found[:_SHOWN])
    more = " and more" if len(found) > _SHOWN else ""
    advice = "Give the id of one." if kind == "flow run" else "Give the id of one, or write FLOW-RUN/NAME."
    return RunMissing(f"{text!r} stands for several {kind}s: {shown}{more}. {advice}")
