"""Flow runs: lists, single runs, and their control."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from perdure._engine.control import requests as asking
from perdure._http.authorisation import needs
from perdure._http.dependencies import Asked, Control, Known, ServerControl
from perdure._http.errors import Problem, answers
from perdure._http.filters import FlowRunsWanted
from perdure._http.gzip import packed
from perdure._http.models import Count, FlowRunModel, RunName, StateModel
from perdure._http.naming import names_of
from perdure._http.nesting import ancestors_of, failure_path
from perdure._http.pages import Id, Page, PathId, page
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound, PerdureError
from perdure._model.state_types import StateType
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.runs.explanations import ExplanationModel, ReproductionModel
from perdure._rooms.runs.graph import Graph, graph_of
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._rooms.runs.timeline import Timeline, timeline_of
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.flow_run_deletion import delete_flow_run

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())
_ONE = answers(HTTPStatus.NOT_FOUND)
_STEERED = answers(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
_LONGEST_GRACE = 86_400  # seconds


@router.get("")
def list_flow_runs(asked: Asked, known: Known, wanted: Annotated[FlowRunsWanted, Query()]) -> Page[FlowRunModel]:
    """Flow runs, newest first by default."""
    filter = _of_worker(wanted, known)
    return Page(items=[], next=None) if filter is None else page(asked.flow_runs(filter), FlowRunModel.of)


@router.get("/count")
def count_flow_runs(asked: Asked, known: Known, wanted: Annotated[FlowRunsWanted, Query()]) -> Count:
    """The number of matches among the newest 30,000 flow runs (or those of a flow); limit, cursor and sort have no
    effect."""
    filter = _of_worker(wanted, known)
    count, is_complete = (0, True) if filter is None else asked.count_flow_runs(filter)
    return Count(count=count, is_complete=is_complete)


def _of_worker(wanted: FlowRunsWanted, known: EmbeddedOrchestrator) -> RunFilter | None:
    """The filter of a list; None if the worker that it names has none of the runs."""
    filter = wanted.filter()
    if wanted.worker is None:
        return filter
    claimed = known.deployments.queued(QueueFilter(worker_id=wanted.worker, phases=("claimed",)))
    ids = [each.flow_run_id for each in claimed if all(map(each.flow_run_id.startswith, filter.ids))]
    return filter._replace(ids=tuple(ids)) if ids else None


@router.get("/{id}", responses=_ONE)
def get_flow_run(id: PathId, known: Known) -> FlowRunModel:
    """One flow run."""
    return FlowRunModel.of(found(id, known))


@router.get("/{id}/states", responses=_ONE)
def list_flow_run_states(id: PathId, known: Known) -> list[StateModel]:
    """All the states of a flow run, oldest first."""
    found(id, known)
    return [StateModel.of(state) for state in known.states(id)]


@router.get("/{id}/graph", responses=_ONE, response_model=Graph)
def get_flow_run_graph(
    id: PathId,
    known: Known,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=10_000, description="The maximum number of runs.")] = 1_000,
) -> Response:
    """The calls of a flow run and its subflows, and the data flow between them."""
    return packed(graph_of(found(id, known), known, limit), request)


@router.get("/{id}/timeline", responses=_ONE, response_model=Timeline)
def get_flow_run_timeline(
    id: PathId,
    known: Known,
    asked: Asked,
    request: Request,
    cursor: Annotated[Id | None, Query(description="`next` of the page before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=50_000, description="The maximum number of runs.")] = 10_000,
    changed_since: Annotated[
        float | None,
        Query(ge=0, le=1e15, description="Only runs that came to their states then or later: `changed` of before."),
    ] = None,
) -> Response:
    """The task runs and flow runs that a flow run called, with their times, oldest first."""
    found(id, known)
    since = None if changed_since is None else round(changed_since * 1_000)
    return packed(timeline_of(id, asked, cursor, limit, since), request)


@router.get("/{id}/explanation", responses=_ONE)
def explain_flow_run(id: PathId, known: Known) -> ExplanationModel:
    """Why a flow run called its function, or why it did not."""
    return ExplanationModel.of(found(id, known), known)


@router.get("/{id}/reproduction", responses=_ONE)
def reproduce_flow_run(id: PathId, known: Known) -> ReproductionModel:
    """Python that calls a flow's function with what a run of it was given."""
    return ReproductionModel.of(found(id, known), known)


@router.get("/{id}/ancestors", responses=_ONE)
def list_ancestors(id: PathId, known: Known) -> list[FlowRunModel]:
    """The flow runs that called a flow run, the outermost first."""
    return [FlowRunModel.of(each) for each in ancestors_of(found(id, known), known)]


@router.get("/{id}/failure", responses=_ONE)
def get_failure(id: PathId, known: Known) -> list[RunName]:
    """The path from a failed flow run down to the run in which its failure began; empty if it has not failed."""
    run = found(id, known)
    if run.state_type not in (StateType.FAILED, StateType.CRASHED):
        return []
    path = failure_path(run, known)
    names = names_of([each.id for each in path], known)
    return [names[each.id] for each in path if each.id in names]


class Cancel(BaseModel):
    """How to cancel."""

    model_config = ConfigDict(extra="forbid")

    grace_seconds: Annotated[
        float,
        Field(ge=0, le=_LONGEST_GRACE, allow_inf_nan=False, description="The time for its code to end by itself."),
    ] = 30.0


@router.post("/{id}/cancel", status_code=HTTPStatus.ACCEPTED, responses=_STEERED)
@needs(Scope.WRITE)
def cancel_flow_run(id: PathId, control: Control, how: Cancel | None = None) -> FlowRunModel:
    """Request the cancellation of a flow run and all runs below it, wherever it runs; the response does not wait for
    its end."""
    return FlowRunModel.of(_cancelled(id, control, how or Cancel()))


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT, responses=_STEERED)
@needs(Scope.WRITE)
def remove_flow_run(id: PathId, known: Known) -> None:
    """Delete a flow run that has ended, with all its calls. Documents of its results stay in their storages."""
    delete_flow_run(found(id, known), known)


class Chosen(BaseModel):
    """Which flow runs: by their ids, or a page of those that match a filter."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Id] | None, Field(max_length=1_000)] = None
    filter: FlowRunsWanted | None = None


class Outcome(BaseModel):
    """The outcome for one flow run."""

    id: str
    error: Problem | None


class Outcomes(BaseModel):
    """The outcome for each, and the cursor of the filter's next page, null after the last one."""

    items: list[Outcome]
    next: str | None


@router.post("/cancel")
@needs(Scope.WRITE)
def cancel_flow_runs(
    asked: Asked, control: Control, chosen: Annotated[Chosen, Body(embed=True)], how: Cancel | None = None
) -> Outcomes:
    """Cancel many flow runs."""
    return _each(chosen, asked, lambda each: _cancelled(each, control, how or Cancel()))


@router.post("/delete")
@needs(Scope.WRITE)
def remove_flow_runs(asked: Asked, known: Known, chosen: Annotated[Chosen, Body(embed=True)]) -> Outcomes:
    """Delete many flow runs."""
    return _each(chosen, asked, lambda each: delete_flow_run(found(each, known), known))


def found(id: str, known: EmbeddedOrchestrator) -> FlowRun:
    """The flow run with an id."""
    runs = known.flow_runs(RunFilter(ids=(id,), limit=1))
    if not runs:
        raise NotFound(f"No flow run has the id {id!r}.")
    return runs[0]


def _cancelled(id: str, control: ServerControl, how: Cancel) -> FlowRun:
    micros = int(how.grace_seconds * 1_000_000)
    return asking.ask_to_cancel(id, control, asked_by=control.name, grace=micros)


def _each(chosen: Chosen, asked: Asked, do: Callable[[str], object]) -> Outcomes:
    if (chosen.ids is None) == (chosen.filter is None):
        raise PerdureError("Give either ids or a filter.")
    ids, following = chosen.ids or [], None
    if chosen.filter is not None:
        listed = asked.flow_runs(chosen.filter.filter())
        ids, following = [run.id for run in listed.items], listed.next
    return Outcomes(items=[_outcome(id, do) for id in ids], next=following)


def _outcome(id: str, do: Callable[[str], object]) -> Outcome:
    try:
        do(id)
    except PerdureError as error:
        return Outcome(id=id, error=Problem(kind=type(error).__name__, message=str(error)))
    return Outcome(id=id, error=None)
