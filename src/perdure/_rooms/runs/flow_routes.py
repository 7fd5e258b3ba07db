"""Flows, with summaries of their runs."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from perdure._http.dependencies import Asked
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel
from perdure._http.pages import Listing, Moment, Page, Plain, micros, page
from perdure._http.routers import ApiRouter
from perdure._http.time_buckets import Span, Step, steps_of
from perdure._model.errors import NotFound
from perdure._model.state_types import StateType
from perdure._platform.clock import system_clock
from perdure._store.reads import FlowStatistics, FlowSummary

router = ApiRouter(prefix="/flows", tags=["flows"], responses=answers())
_WEEK = 7 * 86_400_000_000  # microseconds


class FlowModel(BaseModel):
    """A flow, its newest run, and the number of runs since a time."""

    name: str
    last_run: FlowRunModel
    last_created: datetime
    runs: int
    counts: dict[StateType, int]

    @classmethod
    def of(cls, flow: FlowSummary) -> "FlowModel":
        """The model of a summary."""
        last = FlowRunModel.of(flow.last)
        counts = {StateType(kind): count for kind, count in flow.counts.items()}
        return cls(name=flow.name, last_run=last, last_created=last.created, runs=sum(counts.values()), counts=counts)


class FlowDetails(FlowModel):
    """A flow, and the outcomes of its runs over time. Intervals without runs are left out."""

    failed: int
    mean_seconds: Annotated[
        float | None, Field(description="Among the runs that ended, and were neither paused, resumed nor retried.")
    ]
    steps: list[Step]


class FlowsWanted(Listing):
    """Which flows."""

    cursor: Annotated[Plain | None, Field(description="`next` of the page before this one.")] = None
    q: Annotated[Plain | None, Field(description="A part of the name, in any case.")] = None
    since: Annotated[Moment | None, Field(description="Counts runs since then; by default a week.")] = None


@router.get("")
def list_flows(asked: Asked, wanted: Annotated[FlowsWanted, Query()]) -> Page[FlowModel]:
    """Flows by name."""
    since = micros(wanted.since)
    found = asked.flows(wanted.cursor, wanted.limit, system_clock() - _WEEK if since is None else since, wanted.q)
    return page(found, FlowModel.of)


@router.get("/{name:text}", responses=answers(HTTPStatus.NOT_FOUND))
def get_flow(name: Annotated[Plain, Path()], asked: Asked, span: Annotated[Span, Query()]) -> FlowDetails:
    """One flow: its newest run, its runs over time by state, and their outcomes."""
    since, until, length = span.bounds()
    flow = asked.flow(name, since, until)
    if flow is None:
        raise NotFound(f"No flow {name!r} has ever run here.")
    summary = FlowModel.of(flow)
    steps = steps_of(asked.runs_over_time(since, until, length, name), since, length)
    (went,) = asked.flow_statistics(since, until, name) or [FlowStatistics(name, 0, 0, None)]
    return FlowDetails(**dict(summary), failed=went.failed, mean_seconds=went.mean_seconds, steps=steps)
