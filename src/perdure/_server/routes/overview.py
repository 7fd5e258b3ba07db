"""The overview: runs over time, running, failed and slow ones, and the size of results."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from perdure._http.dependencies import Asked, Counted, Known
from perdure._http.errors import answers
from perdure._http.models import FlowRunModel, moment
from perdure._http.routers import ApiRouter
from perdure._http.time_buckets import Span, Step, steps_of
from perdure._model.state_types import StateType
from perdure._rooms.runs.records import RunFilter
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.reads import FlowStatistics
from perdure._store.totals import Amount

router = ApiRouter(prefix="/overview", tags=["overview"], responses=answers())
_DAY = 86_400_000_000  # microseconds
_SHOWN = 10


class FlowStatisticsModel(BaseModel):
    """The outcomes of the outermost runs of a flow in the time."""

    flow: str
    runs: int
    failed: int
    mean_seconds: float | None


class Overview(BaseModel):
    """The overview of outermost flow runs. Intervals without runs are left out."""

    steps: list[Step]
    running: list[FlowRunModel]
    failed: list[FlowRunModel]
    most_failing: list[FlowStatisticsModel]
    slowest: list[FlowStatisticsModel]


class StoredStep(BaseModel):
    """The persisted results of one interval, and their size in bytes."""

    begin: datetime
    results: int
    size: int


class Stored(BaseModel):
    """Intervals without results are left out. Of more than 30,000 results since then, the newest are included."""

    steps: list[StoredStep]
    is_complete: bool


@router.get("")
def get_overview(asked: Asked, span: Annotated[Span, Query()]) -> Overview:
    """Outermost flow runs over time by state, the running ones, the last failures, and the flows that fail or take
    long."""
    since, until, length = span.bounds()
    wanted = RunFilter(limit=_SHOWN, outermost=True)
    flows = asked.flow_statistics(since, until)
    failed = (StateType.FAILED, StateType.CRASHED)
    return Overview(
        steps=steps_of(asked.runs_over_time(since, until, length), since, length),
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
    """The size of the persisted results in the time, by interval."""
    since, until, length = span.bounds()
    rows, is_complete = asked.stored(since, until, length)
    steps = [StoredStep(begin=moment(since + which * length), results=count, size=size) for which, count, size in rows]
    return Stored(steps=steps, is_complete=is_complete)


class StoredByModel(BaseModel):
    """The persisted results of a flow, of a task, or of a type. A document that several runs share counts once."""

    name: Annotated[str | None, Field(description="Null: of runs that are deleted.")]
    results: int
    size: Annotated[int, Field(description="Bytes.")]
    largest: int


class StoredBySums(BaseModel):
    """The largest sums, and the size of all."""

    sums: list[StoredByModel]
    size: int
    is_complete: Annotated[bool, Field(description="Whether all results were looked at, or the newest 30,000.")]


@router.get("/storage/by")
def get_storage_by(
    asked: Asked,
    of: Annotated[Literal["flow", "task", "type"], Query(description="What the sizes are summed by.")] = "flow",
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many sums at most.")] = 200,
) -> StoredBySums:
    """The size of persisted results by flow, by task or by type, the largest first.

    Results of flows themselves are by task under the name of their flow.
    """
    sums, size, is_complete = asked.stored_by(of, limit)
    return StoredBySums(sums=[StoredByModel(**each._asdict()) for each in sums], size=size, is_complete=is_complete)


class StorageTotal(BaseModel):
    """The size of the persisted results in a storage."""

    storage_id: str | None
    name: str | None
    type: str | None
    results: int
    size: int


class DayTotal(BaseModel):
    """The persisted results of a day, UTC, and their size in bytes."""

    begin: datetime
    results: int
    size: int


class Totals(BaseModel):
    """Totals: runs by state, and persisted results that are not removed.

    They are counted in the background: a moment ago, or some minutes ago in a large database. While `is_complete` is
    false, the first count is running.
    """

    flow_runs: dict[StateType, int]
    task_runs: dict[StateType, int]
    results: int
    size: int
    storages: list[StorageTotal]
    days: list[DayTotal]
    is_complete: bool
    time: datetime


@router.get("/totals")
def get_totals(counting: Counted, known: Known) -> Totals:
    """The number of runs by state, and the size of all results by storage and by day."""
    found = counting.totals()
    storages = sorted(dict(found.storages).items(), key=lambda each: -each[1].size)
    days = sorted(dict(found.days).items())
    return Totals(
        flow_runs=_by_state(found.flow_runs),
        task_runs=_by_state(found.task_runs),
        results=found.stored.results,
        size=found.stored.size,
        storages=[_storage(id, amount, known) for id, amount in storages],
        days=[DayTotal(begin=moment(day * _DAY), results=each.results, size=each.size) for day, each in days],
        is_complete=found.is_complete,
        time=moment(found.time),
    )


def _by_state(counts: dict[str, int]) -> dict[StateType, int]:
    return {StateType(kind): count for kind, count in counts.items()}


def _storage(id: str, amount: Amount, orchestrator: EmbeddedOrchestrator) -> StorageTotal:
    block = orchestrator.block(id) if id else None
    name, type = (None, None) if block is None else (block.name, block.type)
    return StorageTotal(storage_id=id or None, name=name, type=type, results=amount.results, size=amount.size)
