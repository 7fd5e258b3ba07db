"""What runs are called, for lists that know them by their ids."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

from perdure._http.models import RunName
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.embedded import EmbeddedOrchestrator

R = TypeVar("R", FlowRun, TaskRun)
_ASKED = 500  # ids in a query


def names_of(ids: Iterable[str], orchestrator: EmbeddedOrchestrator) -> dict[str, RunName]:
    """The runs with these ids, by id; those that are deleted are left out."""
    wanted = list(dict.fromkeys(ids))
    tasks = _runs(wanted, orchestrator.task_runs)
    found = {run.id for run in tasks}
    flows = _runs([id for id in wanted if id not in found], orchestrator.flow_runs)
    callers = {run.flow_run_id for run in tasks} | {run.parent_flow_run_id for run in flows}
    named = names_of_flow_runs(callers, orchestrator)
    return {
        **{run.id: _name("task run", run, run.task_name, run.flow_run_id, named) for run in tasks},
        **{run.id: _name("flow run", run, run.flow_name, run.parent_flow_run_id, named) for run in flows},
    }


def names_of_flow_runs(ids: Iterable[str | None], orchestrator: EmbeddedOrchestrator) -> dict[str, str]:
    """The names of the flow runs with these ids, by id; those that are deleted are left out."""
    wanted = [id for id in dict.fromkeys(ids) if id is not None]
    return {run.id: run.name for run in _runs(wanted, orchestrator.flow_runs)}


def _runs(ids: Sequence[str], ask: Callable[[RunFilter], Sequence[R]]) -> list[R]:
    parts = (ids[start : start + _ASKED] for start in range(0, len(ids), _ASKED))
    return [run for part in parts for run in ask(RunFilter(ids=tuple(part)))]


def _name(
    kind: Literal["flow run", "task run"], run: FlowRun | TaskRun, of: str, caller: str | None, named: dict[str, str]
) -> RunName:
    return RunName(
        id=run.id,
        kind=kind,
        name=run.name,
        of=of,
        flow_run_id=caller,
        flow_run_name=named.get(caller or ""),
        state_type=run.state_type,
    )
