"""Flow runs."""

from typing import Annotated

from fastapi import APIRouter, Query

from perdure.core.records import RunFilter
from perdure.core.states import StateType
from perdure.server.errors import ANSWERS, NotFound
from perdure.server.models import FlowRunModel
from perdure.server.pages import Cursor, Page, PageSize, page
from perdure.server.wiring import Known

router = APIRouter(prefix="/flow-runs", tags=["flow runs"], responses=ANSWERS)  # type: ignore[arg-type]


@router.get("")
def flow_runs(
    known: Known,
    flow: str | None = None,
    state: Annotated[list[StateType], Query()] = [],  # noqa: B006 - FastAPI copies it
    tag: Annotated[list[str], Query()] = [],  # noqa: B006
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[FlowRunModel]:
    """Flow runs, newest first."""
    found = known.flow_runs(
        RunFilter(of=flow, states=tuple(state), tags=tuple(tag), older_than=cursor, limit=limit + 1)
    )
    return page([FlowRunModel.of(run) for run in found], limit, [run.id for run in found])


@router.get("/{id}")
def flow_run(id: str, known: Known) -> FlowRunModel:
    """One flow run."""
    found = known.flow_runs(RunFilter(ids=(id,), limit=1))
    if not found:
        raise NotFound(f"No flow run has the id {id!r}.")
    return FlowRunModel.of(found[0])
