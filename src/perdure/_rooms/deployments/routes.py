"""Deployments, their schedules and runs; work pools and workers."""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from perdure._http.authorisation import caller_of, needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import FlowRunModel, moment, time_of
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import DeploymentError, DeploymentMissing
from perdure._platform.clock import from_datetime, system_clock
from perdure._rooms.deployments.backfill_routes import router as backfills
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.due_runs import resume_schedules, upcoming
from perdure._rooms.deployments.pool_routes import router as pools
from perdure._rooms.deployments.port import (
    Deployment,
    DeploymentVersion,
    QueuedRun,
    QueueFilter,
    ScheduleRecord,
    WaitingRuns,
    WorkerRecord,
)
from perdure._rooms.deployments.runs import Wanted, flow_runs_of, make_run
from perdure._rooms.deployments.serving import has_program
from perdure._rooms.deployments.signatures import schedule_shown
from perdure._rooms.deployments.versions import changes, chosen, code_shown, first_alike, rolled_back
from perdure._rooms.runs.records import RunFilter
from perdure._rooms.tokens.records import Scope
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/deployments", tags=["deployments"], responses=ANSWERS)

Id = Annotated[Plain, Path(max_length=36, description="The deployment's id.")]
Slug = Annotated[Plain, Path(max_length=100, description="The schedule's slug.")]
_MOST_UPCOMING = 1_000


class ScheduleModel(BaseModel):
    """A schedule of a deployment."""

    slug: str
    rule: Annotated[dict[str, object], Field(description="cron, interval or rrule, its time zone, and its options.")]
    paused: datetime | None
    next: Annotated[datetime | None, Field(description="The next tick; null if it is paused, or none comes.")]

    @classmethod
    def of(cls, record: ScheduleRecord, coming: Mapping[str, datetime]) -> "ScheduleModel":
        """The model of a record, with the next tick by slug."""
        rule = {name: value for name, value in schedule_shown(record.definition).items() if name != "slug"}
        return cls(slug=record.slug, rule=rule, paused=time_of(record.paused), next=coming.get(record.slug))


class VersionModel(BaseModel):
    """A version of a deployment: its runs keep the version that they were created with."""

    number: int
    created: datetime
    created_by: str
    same_as: Annotated[int, Field(description="The first version with its definition; its own number if it is new.")]
    code: Annotated[str | None, Field(description="Its commit or its bundle; null if it is what its file says.")]

    @classmethod
    def of(cls, version: DeploymentVersion, versions: Sequence[DeploymentVersion]) -> "VersionModel":
        """The model of a record, among all versions of the deployment."""
        return cls(
            number=version.number,
            created=moment(version.created),
            created_by=version.created_by,
            same_as=first_alike(version, versions).number,
            code=code_shown(definition_of_text(version.definition)),
        )


class ScheduledRunModel(BaseModel):
    """A run of a deployment, with its position in the queue."""

    run: FlowRunModel
    due: datetime
    schedule: str | None
    tick: Annotated[datetime | None, Field(description="The time by the schedule.")]
    partition: str | None
    version: int
    phase: Annotated[str, Field(description="waiting, claimed by a worker, or ended.")]
    worker_id: str | None


class OriginModel(BaseModel):
    """The deployment that a flow run was created from, and the run's position in the queue."""

    deployment_id: str
    deployment_name: str
    due: datetime
    schedule: str | None
    tick: Annotated[datetime | None, Field(description="The time by the schedule.")]
    partition: str | None
    version: int
    phase: Annotated[str, Field(description="waiting, claimed by a worker, or ended.")]
    work_pool: str
    work_queue: str | None
    worker_id: str | None


class DeploymentModel(BaseModel):
    """A flow that can be started by name."""

    id: str
    name: str
    flow_name: str
    version: int
    description: str | None
    tags: list[str]
    parameters: dict[str, object]
    work_pool: str
    work_queue: str | None
    priority: int
    concurrency_limit: int | None
    overlap: str
    paused: datetime | None
    served: Annotated[
        bool | None,
        Field(description="Whether the program that serves it runs; null if workers of a work pool start its runs."),
    ]
    waiting: Annotated[int, Field(description="How many runs that its schedules made wait: these are bounded.")]
    waiting_since: Annotated[datetime | None, Field(description="When the first of them was due; null if none waits.")]
    created: datetime
    updated: datetime
    schedules: list[ScheduleModel]
    next: Annotated[datetime | None, Field(description="The next tick of its schedules.")]
    last: ScheduledRunModel | None = Field(description="The run that was due last.")


class DeploymentDetails(DeploymentModel):
    """A deployment with what its runs are created from."""

    parameter_schema: Annotated[dict[str, object], Field(description="The flow's parameters as a JSON schema.")]
    entry_point: dict[str, str]
    partitions: dict[str, object] | None
    versions: list[VersionModel]


class VersionChange(BaseModel):
    """Something of what runs are created from that another version has otherwise."""

    name: Annotated[str, Field(description='Such as "parameter day", "code", "job variable image".')]
    before: JsonValue
    after: Annotated[JsonValue, Field(description="null if the version has none.")]


class RollbackModel(BaseModel):
    """What a rollback would change."""

    version: Annotated[int, Field(description="The version that would be the newest one again.")]
    current: int
    changes: list[VersionChange]


class Rollback(BaseModel):
    """A rollback to make."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int | None, Field(ge=1, description="The last one that differs by default.")] = None


class NewRun(BaseModel):
    """A run to create."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, JsonValue] = Field(default={}, description="They replace those of the deployment.")
    scheduled_time: datetime | None = Field(default=None, description="When it starts; now by default.")
    partition: str | None = None
    name: Annotated[str | None, Field(max_length=200)] = None
    tags: list[str] = []
    priority: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    idempotency_key: Annotated[str | None, Field(max_length=500)] = None


class Tick(BaseModel):
    """A time at which a schedule creates a run."""

    time: datetime
    schedule: str
    deployment_id: str


@router.get("")
def list_deployments(known: Known, flow: str | None = None) -> list[DeploymentModel]:
    """All deployments, or those of a flow, by flow and name."""
    every = known.deployments.all(flow)
    schedules: dict[str, list[ScheduleRecord]] = {}
    for record in known.deployments.schedules():
        schedules.setdefault(record.deployment_id, []).append(record)
    latest = _runs(known.deployments.latest(system_clock()), known)
    last = {place.deployment_id: run for place, run in latest}
    workers = known.deployments.workers()
    waiting = {each.deployment_id: each for each in known.deployments.waiting(sorted({of.work_pool for of in every}))}
    return [
        DeploymentModel(**_fields(of, schedules.get(of.id, []), last.get(of.id), workers, waiting.get(of.id)))
        for of in every
    ]


@router.get("/upcoming")
def list_upcoming(
    known: Known,
    count: Annotated[int, Query(ge=1, le=_MOST_UPCOMING)] = 100,
    until: datetime | None = None,
    each: Annotated[int | None, Query(ge=1, le=_MOST_UPCOMING, description="At most so many of each schedule.")] = None,
) -> list[Tick]:
    """The next ticks of all schedules, soonest first. They are computed: nothing is created before it is due."""
    paused = {of.id for of in known.deployments.all() if of.paused is not None}
    records = [record for record in known.deployments.schedules() if record.deployment_id not in paused]
    now = system_clock()
    lists = [upcoming(records, count, now)] if each is None else [upcoming([one], each, now) for one in records]
    coming = heapq.merge(*lists, key=lambda found: found[0])
    return [
        Tick(time=tick, schedule=record.slug, deployment_id=record.deployment_id)
        for tick, record in itertools.islice(coming, count)
        if until is None or from_datetime(tick) <= from_datetime(until)
    ]


@router.get("/runs/{flow_run_id}")
def get_origin(
    flow_run_id: Annotated[Plain, Path(max_length=36, description="The flow run's id.")], known: Known
) -> OriginModel | None:
    """The deployment that a flow run was created from; null for a run that was called."""
    place = next(iter(known.deployments.queued(QueueFilter(flow_run_ids=(flow_run_id,)))), None)
    of = None if place is None else known.deployments.one(place.deployment_id)
    if place is None or of is None:
        return None
    fields = place._asdict() | {"due": moment(place.due), "tick": time_of(place.tick)}
    return OriginModel(**fields, deployment_name=of.name)


@router.get("/{id}")
def get_deployment(id: Id, known: Known) -> DeploymentDetails:
    """One deployment, with its versions and the schema of its parameters."""
    of = _found(id, known)
    definition = definition_of_text(of.definition)
    versions = known.deployments.versions(id)
    return DeploymentDetails(
        **_fields_of_one(of, known),
        parameter_schema=definition.schema,
        entry_point=definition.entry_point,
        partitions=definition.partitions,
        versions=[VersionModel.of(each, versions) for each in versions],
    )


@router.get("/{id}/rollback")
def get_rollback(
    id: Id, known: Known, version: Annotated[int | None, Query(ge=1, description="As of a rollback.")] = None
) -> RollbackModel:
    """What a rollback to an earlier version would change."""
    of = _found(id, known)
    to = chosen(of, version, known.deployments.versions(id))
    found = [VersionChange.model_validate(each._asdict()) for each in changes(of, to)]
    return RollbackModel(version=to.number, current=of.version, changes=found)


@router.post("/{id}/rollback")
@needs(Scope.WRITE)
def roll_back(id: Id, given: Rollback, known: Known, request: Request) -> DeploymentDetails:
    """Make an earlier version the newest one: runs are created from it from now on.

    Whether workers have its code is not looked at: the server has neither the code nor the credentials for it.
    """
    token = caller_of(request).token
    who = "the API" if token is None else token.name
    rolled_back(_found(id, known), given.version, who, system_clock(), known.deployments, lambda _: None)
    return get_deployment(id, known)


@router.get("/{id}/runs")
def list_runs(
    id: Id,
    known: Known,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    since: datetime | None = None,
    before: datetime | None = None,
) -> list[ScheduledRunModel]:
    """Runs of a deployment, the latest due first: also those that were skipped."""
    _found(id, known)
    first, end = (None if when is None else from_datetime(when) for when in (since, before))
    wanted = QueueFilter(deployment_id=id, since=first, before=end, limit=limit)
    return [run for _, run in _runs(known.deployments.queued(wanted), known)]


@router.post("/{id}/runs", status_code=HTTPStatus.CREATED)
@needs(Scope.WRITE)
def create_run(id: Id, given: NewRun, known: Known) -> FlowRunModel:
    """Create a run; a worker starts it. Parameters are checked first."""
    of, now = _found(id, known), system_clock()
    slices = definition_of_text(of.definition).slices()
    if given.partition is not None and slices is None:
        raise DeploymentError(f"The deployment {of.name!r} has no partitions: leave {given.partition!r} out.")
    wanted = Wanted(
        due=now if given.scheduled_time is None else max(now, from_datetime(given.scheduled_time)),
        parameters=given.parameters,
        key=given.idempotency_key,
        partition=None if given.partition is None or slices is None else slices.partition(given.partition),
        name=given.name,
        tags=tuple(given.tags),
        priority=given.priority,
    )
    (run,) = known.flow_runs(RunFilter(ids=(make_run(of, wanted, now, known),)))
    return FlowRunModel.of(run)


@router.post("/{id}/pause")
@needs(Scope.WRITE)
def pause_deployment(id: Id, known: Known) -> DeploymentModel:
    """Pause the schedules of a deployment. It can still be started by hand."""
    _found(id, known)
    known.deployments.pause(id, system_clock())
    return _model(id, known)


@router.post("/{id}/resume")
@needs(Scope.WRITE)
def resume_deployment(id: Id, known: Known) -> DeploymentModel:
    """Resume the schedules of a deployment. Ticks that came meanwhile are passed over."""
    _found(id, known)
    resume_schedules(known.deployments.schedules(id), system_clock(), known)
    known.deployments.pause(id, None)
    return _model(id, known)


@router.post("/{id}/schedules/{slug}/{action}")
@needs(Scope.WRITE)
def pause_schedule(
    id: Id, slug: Slug, action: Annotated[str, Path(pattern="^(pause|resume)$")], known: Known
) -> DeploymentModel:
    """Pause or resume one schedule of a deployment."""
    _found(id, known)
    records = [each for each in known.deployments.schedules(id) if each.slug == slug]
    if not records:
        raise DeploymentMissing(f"The deployment has no schedule {slug!r}.")
    if action == "resume":
        resume_schedules(records, system_clock(), known)
    known.deployments.pause_schedule(id, slug, system_clock() if action == "pause" else None)
    return _model(id, known)


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.ADMIN)
def delete_deployment(id: Id, known: Known) -> None:
    """Delete a deployment with its schedules. Runs that wait are cancelled; all others stay."""
    if known.deployments.delete(id, system_clock()) is None:
        raise _missing(id)


def _found(id: str, known: EmbeddedOrchestrator) -> Deployment:
    found = known.deployments.one(id)
    if found is None:
        raise _missing(id)
    return found


def _missing(id: str) -> DeploymentMissing:
    return DeploymentMissing(f"There is no deployment with the id {id!r}.")


def _model(id: str, known: EmbeddedOrchestrator) -> DeploymentModel:
    return DeploymentModel(**_fields_of_one(_found(id, known), known))


def _fields_of_one(of: Deployment, known: EmbeddedOrchestrator) -> dict[str, Any]:
    workers = known.deployments.workers()
    waiting = next((each for each in known.deployments.waiting([of.work_pool]) if each.deployment_id == of.id), None)
    return _fields(of, known.deployments.schedules(of.id), _last(of, known), workers, waiting)


def _last(of: Deployment, known: EmbeddedOrchestrator) -> ScheduledRunModel | None:
    wanted = QueueFilter(deployment_id=of.id, before=system_clock() + 1, limit=1)
    return next((run for _, run in _runs(known.deployments.queued(wanted), known)), None)


def _fields(
    of: Deployment,
    schedules: Sequence[ScheduleRecord],
    last: ScheduledRunModel | None,
    workers: Sequence[WorkerRecord],
    waiting: WaitingRuns | None,
) -> dict[str, Any]:
    definition = definition_of_text(of.definition)
    now = system_clock()
    coming: dict[str, datetime] = {}
    if of.paused is None:
        for record in schedules:
            for tick, _ in upcoming([record], 1, now):
                coming[record.slug] = tick
    fields = of._asdict() | {name: moment(getattr(of, name)) for name in ("created", "updated")}
    return fields | {
        "description": definition.description,
        "tags": list(definition.tags),
        "parameters": definition.parameters,
        "paused": time_of(of.paused),
        "served": has_program(of, workers, now, settings.current().lease_seconds),
        "waiting": 0 if waiting is None else waiting.runs,
        "waiting_since": None if waiting is None else moment(waiting.first),
        "schedules": [ScheduleModel.of(each, coming) for each in schedules],
        "next": min(coming.values(), default=None),
        "last": last,
    }


def _runs(places: Sequence[QueuedRun], known: EmbeddedOrchestrator) -> list[tuple[QueuedRun, ScheduledRunModel]]:
    """The runs of places, with these; a run that was deleted is left out."""
    runs = flow_runs_of(places, known)
    return [
        (
            each,
            ScheduledRunModel(
                run=FlowRunModel.of(runs[each.flow_run_id]),
                due=moment(each.due),
                schedule=each.schedule,
                tick=time_of(each.tick),
                partition=each.partition,
                version=each.version,
                phase=each.phase,
                worker_id=each.worker_id,
            ),
        )
        for each in places
        if each.flow_run_id in runs
    ]


ROUTERS = (pools, router, backfills)
