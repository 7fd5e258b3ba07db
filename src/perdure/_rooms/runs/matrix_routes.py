"""The runs of a flow beside each other, by what they called."""

import time
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._http.dependencies import Asked
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.state_types import StateType
from perdure._rooms.runs.records import RunFilter

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())
_SECONDS = 0.5  # for the calls of all runs


class TaskCallsModel(BaseModel):
    """The calls of a task or a flow in one flow run."""

    of: Annotated[str, Field(description="The task or the flow.")]
    of_task: bool
    counts: dict[StateType, int]
    longest_seconds: Annotated[float | None, Field(description="Of those that have ended.")]


class MatrixRun(BaseModel):
    """A flow run, and what it called, in the order of the first calls."""

    run: FlowRunModel
    calls: list[TaskCallsModel]
    is_complete: Annotated[bool, Field(description="Whether all of its calls were looked at.")]


@router.get("/matrix")
def get_matrix(
    asked: Asked,
    flow: Annotated[Plain, Query(description="The flow's name, with underscores or with dashes.")],
    limit: Annotated[int, Query(ge=1, le=100, description="How many runs at most.")] = 30,
) -> list[MatrixRun]:
    """The newest runs of a flow, newest first, each with its calls by task and state.

    Of a run, 10,000 calls are looked at; of many such runs, the newest.
    """
    until = time.monotonic() + _SECONDS
    found = []
    for run in asked.flow_runs(RunFilter(of=flow, limit=limit)).items:
        calls, is_complete = asked.calls_by_task(run.id) if time.monotonic() < until else ([], False)
        models = [
            TaskCallsModel(
                of=each.of,
                of_task=each.of_task,
                counts={StateType(kind): count for kind, count in each.counts.items()},
                longest_seconds=each.longest_seconds,
            )
            for each in calls
        ]
        found.append(MatrixRun(run=FlowRunModel.of(run), calls=models, is_complete=is_complete))
    return found
