"""Task runs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Query

from perdure._http.dependencies import Asked, Known
from perdure._http.errors import answers
from perdure._http.filters import TaskRunsWanted
from perdure._http.models import Count, StateModel, TaskRunModel
from perdure._http.naming import names_of_flow_runs
from perdure._http.pages import Page, PathId, page
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._rooms.runs.explanations import ExplanationModel, ReproductionModel
from perdure._rooms.runs.records import RunFilter, TaskRun
from perdure._store.protocol import Orchestrator

router = ApiRouter(prefix="/task-runs", tags=["task runs"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)


@router.get("")
def list_task_runs(asked: Asked, known: Known, wanted: Annotated[TaskRunsWanted, Query()]) -> Page[TaskRunModel]:
    """Task runs, newest first by default."""
    longest = wanted.sort == "-duration"
    found = asked.longest_task_runs(wanted.filter()) if longest else asked.task_runs(wanted.filter())
    callers = names_of_flow_runs((run.flow_run_id for run in found.items), known)
    return page(found, lambda run: _model(run, callers))


@router.get("/count")
def count_task_runs(asked: Asked, wanted: Annotated[TaskRunsWanted, Query()]) -> Count:
    """The number of matches among the newest 30,000 task runs (or those of a task); limit, cursor and sort have no
    effect."""
    count, is_complete = asked.count_task_runs(wanted.filter())
    return Count(count=count, is_complete=is_complete)


@router.get("/{id}", responses=_ONE)
def get_task_run(id: PathId, known: Known) -> TaskRunModel:
    """One task run."""
    run = _found(id, known)
    return _model(run, names_of_flow_runs((run.flow_run_id,), known))


@router.get("/{id}/states", responses=_ONE)
def list_task_run_states(id: PathId, known: Known) -> list[StateModel]:
    """All the states of a task run, oldest first."""
    _found(id, known)
    return [StateModel.of(state) for state in known.states(id)]


@router.get("/{id}/explanation", responses=_ONE)
def explain_task_run(id: PathId, known: Known) -> ExplanationModel:
    """Why a task run called its function, or why it did not."""
    return ExplanationModel.of(_found(id, known), known)


@router.get("/{id}/reproduction", responses=_ONE)
def reproduce_task_run(id: PathId, known: Known) -> ReproductionModel:
    """Python that calls a task's function with what a run of it was given."""
    return ReproductionModel.of(_found(id, known), known)


def _model(run: TaskRun, callers: Mapping[str, str]) -> TaskRunModel:
    return TaskRunModel.of(run, callers.get(run.flow_run_id or ""))


def _found(id: str, known: Orchestrator) -> TaskRun:
    runs = known.task_runs(RunFilter(ids=(id,), limit=1))
    if not runs:
        raise NotFound(f"No task run has the id {id!r}.")
    return runs[0]
