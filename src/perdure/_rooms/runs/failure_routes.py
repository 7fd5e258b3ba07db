"""Failed flow runs by what they failed of."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from perdure._explanation.failures import FailureGroup, failures
from perdure._http.dependencies import Known
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel, moment
from perdure._http.pages import Moment, Plain, micros
from perdure._http.routers import ApiRouter
from perdure._rooms.runs.records import FailureFilter

router = ApiRouter(prefix="/flow-runs", tags=["flow runs"], responses=answers())


class FailuresWanted(BaseModel):
    """Which failed flow runs."""

    model_config = ConfigDict(extra="forbid")

    flow: Annotated[Plain | None, Field(description="Of this flow; else only runs that no other run called.")] = None
    created_after: Annotated[Moment | None, Field(description="At or after it.")] = None
    created_before: Moment | None = None


class FlowCount(BaseModel):
    """How many runs of a flow."""

    flow: str
    runs: int


class FailureGroupModel(BaseModel):
    """Flow runs that failed of the same."""

    state_type: Literal["FAILED", "CRASHED"]
    type: Annotated[str | None, Field(description="The exception's Python type, or only its name.")]
    message: Annotated[str | None, Field(description='Its first line, with "…" for ids, addresses and numbers.')]
    runs: int
    flows: list[FlowCount]
    newest: FlowRunModel
    first: Annotated[datetime, Field(description="When the first of them failed.")]
    last: datetime
    search: Annotated[
        str | None, Field(description="A text in the message of each of them: `q` of the list of flow runs finds them.")
    ]
    trend: Annotated[list[int], Field(description="How many failed in each of the `steps`.")]

    @classmethod
    def of(cls, group: FailureGroup) -> "FailureGroupModel":
        """The model of a group."""
        return cls(
            state_type="CRASHED" if group.state_type == "CRASHED" else "FAILED",
            type=group.type,
            message=group.message,
            runs=group.runs,
            flows=[FlowCount(flow=flow, runs=runs) for flow, runs in group.flows],
            newest=FlowRunModel.of(group.newest),
            first=moment(group.first),
            last=moment(group.last),
            search=group.search,
            trend=list(group.trend),
        )


class StepsModel(BaseModel):
    """At most 30 equal steps, from `created_after` or the first failure until `created_before` or now."""

    begin: datetime
    seconds: Annotated[float, Field(description="Of each.")]
    count: int


class FailuresModel(BaseModel):
    """The newest 30,000 failed and as many crashed flow runs in up to 200 groups, the largest first."""

    groups: list[FailureGroupModel]
    runs: Annotated[int, Field(description="In all groups.")]
    is_complete: Annotated[bool, Field(description="Whether there are no older ones that were not looked at.")]
    steps: Annotated[StepsModel, Field(description="Of the trends.")]


@router.get("/failures")
def list_failures(known: Known, wanted: Annotated[FailuresWanted, Query()]) -> FailuresModel:
    """Flow runs that are failed or crashed now, by the exception's type and its message."""
    filter = FailureFilter(wanted.flow, micros(wanted.created_after), micros(wanted.created_before))
    found = failures(known, filter)
    steps = found.steps
    return FailuresModel(
        groups=[FailureGroupModel.of(group) for group in found.groups],
        runs=found.runs,
        is_complete=found.is_complete,
        steps=StepsModel(begin=moment(steps.begin), seconds=steps.length / 1_000_000, count=steps.number),
    )
