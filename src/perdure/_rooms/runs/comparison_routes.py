"""Two flow runs beside each other."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._explanation.run_comparison import RunComparison, compare_runs
from perdure._http.dependencies import Known, Storages
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel
from perdure._http.pages import Id, PathId
from perdure._http.routers import ApiRouter
from perdure._rooms.runs.flow_run_routes import found

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())


class ParameterPairModel(BaseModel):
    """A parameter as it is recorded of the two runs; null too for a run that has none of the name."""

    name: str
    before: object
    after: object
    is_in: Literal["both", "before", "after"]
    differs: Annotated[bool | None, Field(description="Null if both are hidden, or cut.")]


class CallsModel(BaseModel):
    """Calls of one task or flow by one of the runs."""

    count: int
    seconds: Annotated[float | None, Field(description="All together, of those that have ended.")]
    taken: Annotated[int, Field(description="Those that took the result of an earlier run.")]
    states: Annotated[dict[str, int], Field(description="How many are in each, by its type.")]


class CallsPairModel(BaseModel):
    """The calls of one task or flow by the two runs; null for a run that made none."""

    of: str
    of_task: bool
    before: CallsModel | None
    after: CallsModel | None
    equal: Annotated[int, Field(description="Results that are equal.")]
    different: int
    unknown: Annotated[int, Field(description="Results of which it is not known.")]


class ResultPairModel(BaseModel):
    """Results of the two runs, or of two of their calls that correspond, that are not known to be equal."""

    of: str
    of_task: bool
    name: str
    before_id: str
    after_id: str
    is_same: bool | None
    note: Annotated[str | None, Field(description="Why that is not known, or known without their values.")]
    changes: Annotated[int | None, Field(description="Places in which they differ, where values were compared.")]


class CodePairModel(BaseModel):
    """Something of the code of the two runs."""

    what: Literal["version", "entry point", "directory", "source"]
    of: Annotated[str, Field(description="The flow, or the task.")]
    before: str | None
    after: str | None
    differs: Annotated[bool | None, Field(description="Null if it is not recorded of both.")]
    changes: Annotated[list[str], Field(description="Of a source: which parts differ.")]


class RunComparisonModel(BaseModel):
    """Two flow runs beside each other, as far as their records say; `perdure result diff` compares any two results."""

    before: FlowRunModel
    after: FlowRunModel
    is_rerun: Annotated[bool, Field(description="Whether the second one is the first one run again.")]
    parameters: list[ParameterPairModel]
    calls: Annotated[list[CallsPairModel], Field(description="The runs themselves first.")]
    results: Annotated[list[ResultPairModel], Field(description="Up to 200 that are not known to be equal.")]
    code: list[CodePairModel]
    unknown: Annotated[list[str], Field(description="What is not known, in sentences.")]

    @classmethod
    def of(cls, found: RunComparison) -> "RunComparisonModel":
        """The model of what was found."""
        return cls(before=FlowRunModel.of(found.before), after=FlowRunModel.of(found.after), **found.as_json())


@router.get("/{id}/comparison", responses=answers(HTTPStatus.NOT_FOUND))
def compare_flow_runs(
    id: PathId,
    known: Known,
    storages: Storages,
    other: Annotated[Id, Query(description="The flow run to compare it with.")],
) -> RunComparisonModel:
    """What differs between a flow run and another one: parameters, calls, results and code."""
    return RunComparisonModel.of(compare_runs(known, found(id, known), found(other, known), storages.get))
