"""What a first page shows: runs over time, what runs now, what failed, what takes long, what results take."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from perdure.core.clock import Micros, system_clock
from perdure.core.errors import PerdureError
from perdure.core.records import RunFilter
from perdure.core.states import StateType
from perdure.orchestrator.reads import FlowStatistics
from perdure.server.errors import answers
from perdure.server.models import FlowRunModel, moment
from perdure.server.pages import Moment, micros
from perdure.server.wiring import Asked

router = APIRouter(prefix="/overview", tags=["overview"], responses=answers())
_DAY = 86_400_000_000  # microseconds
_SHOWN = 10


class Span(BaseModel):
    """A time, in equal steps."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[Moment | None, Field(description="A day ago, by default.")] = None
    until: Annotated[Moment | None, Field(description="Now, by default.")] = None
    steps: Annotated[int, Field(ge=1, le=200)] = 24

    def bounds(self) -> tuple[Micros, Micros, Micros]:
        """The beginning, the end, and the length of a step, at least a second."""
        until = micros(self.until)
        until = system_clock() if until is None else until
        since = micros(self.since)
        since = until - _DAY if since is None else since
        if since >= until:
            raise PerdureError("`since` must be before `until`.")
        return since, until, max(-(-(until - since) // self.steps), 1_000_000)


class Step(BaseModel):
    """The flow runs that were made in a step of the time."""

    begin: datetime
    counts: dict[StateType, int]


class FlowStatisticsModel(BaseModel):
    """How the runs of a flow went in the time."""

    flow: str
    runs: int
    failed: int
    mean_seconds: float | None


class Overview(BaseModel):
    """What a first page shows. Steps without runs are left out."""

    steps: list[Step]
    running: list[FlowRunModel]
    failed: list[FlowRunModel]
    most_failing: list[FlowStatisticsModel]
    slowest: list[FlowStatisticsModel]


class StoredStep(BaseModel):
    """The persisted results that were made in a step of the time, and the bytes that they take."""

    begin: datetime
    results: int
    size: int


class Stored(BaseModel):
    """Steps without results are left out. Of more than 30,000 results since then, the newest are in it."""

    steps: list[StoredStep]
    is_complete: bool


@router.get("")
def get_overview(asked: Asked, span: Annotated[Span, Query()]) -> Overview:
    """Flow runs over time by state, those that run now, the last that failed, and which flows fail or take long."""
    since, until, length = span.bounds()
    steps: dict[int, Step] = {}
    for which, kind, count in asked.runs_over_time(since, until, length):
        step = steps.setdefault(which, Step(begin=moment(since + which * length), counts={}))
        step.counts[StateType(kind)] = count
    wanted = RunFilter(limit=_SHOWN)
    flows = asked.flow_statistics(since, until)
    failed = (StateType.FAILED, StateType.CRASHED)
    return Overview(
        steps=list(steps.values()),
        running=[FlowRunModel.of(run) for run in asked.flow_runs(wanted._replace(states=(StateType.RUNNING,))).items],
        failed=[FlowRunModel.of(run) for run in asked.flow_runs(wanted._replace(states=failed)).items],
        most_failing=[_model(each) for each in sorted(flows, key=_failures)[:_SHOWN] if each.failed],
        slowest=[_model(each) for each in sorted(flows, key=_slowness)[:_SHOWN] if each.mean_seconds is not None],
    )


def _failures(flow: FlowStatistics) -> tuple[int, str]:
    return -flow.failed, flow.flow


def _slowness(flow: FlowStatistics) -> tuple[float, str]:
    return -(flow.mean_seconds or 0), flow.flow


def _model(flow: FlowStatistics) -> FlowStatisticsModel:
    return FlowStatisticsModel(**flow._asdict())


@router.get("/storage")
def get_storage_growth(asked: Asked, span: Annotated[Span, Query()]) -> Stored:
    """What the persisted results that were made in the time take, step by step."""
    since, until, length = span.bounds()
    rows, is_complete = asked.stored(since, until, length)
    steps = [StoredStep(begin=moment(since + which * length), results=count, size=size) for which, count, size in rows]
    return Stored(steps=steps, is_complete=is_complete)
