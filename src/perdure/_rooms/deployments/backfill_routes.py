"""Backfills: runs of a deployment for a range of partitions; and how each partition is."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment, time_of
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import DeploymentMissing
from perdure._model.state_types import StateType
from perdure._platform.clock import system_clock, to_datetime
from perdure._rooms.deployments.backfills import (
    Backfill,
    backfill_named,
    backfills,
    cancel_backfill,
    pause_backfill,
    planned,
    runs_of_backfill,
    start_backfill,
    states_of_partitions,
)
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import Deployment
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/backfills", tags=["deployments"], responses=ANSWERS)

Id = Annotated[Plain, Path(max_length=36, description="The backfill's id.")]
DeploymentId = Annotated[Plain, Path(max_length=36, description="The deployment's id.")]


class BackfillModel(BaseModel):
    """The progress of a backfill."""

    id: str
    deployment_id: str
    deployment: str
    first: Annotated[str, Field(description="Its first partition, in the order of the keys.")]
    last: str
    max_active: int | None
    paused: datetime | None
    created: datetime
    done: int
    total: int
    counts: Annotated[dict[str, int], Field(description="Numbers of its runs by the types of their states.")]

    @classmethod
    def of(cls, backfill: Backfill) -> "BackfillModel":
        """The model of a backfill."""
        of = backfill.deployment
        kept = ("id", "first", "last", "max_active", "done", "total")
        fields: dict[str, Any] = {name: getattr(backfill, name) for name in kept}
        fields |= {"paused": time_of(backfill.paused), "created": moment(backfill.created)}
        name = f"{of.flow_name}/{of.name}"
        return cls(**fields, deployment_id=of.id, deployment=name, counts=dict(backfill.counts))


class BackfillDetails(BackfillModel):
    """The progress of a backfill, with its partitions, their runs and the states of these, in lists of one length."""

    partitions: Annotated[list[str], Field(description="In the order of their keys.")]
    runs: list[str]
    states: list[StateType | None]


class PartitionModel(BaseModel):
    """A partition, with its newest run that was neither skipped nor cancelled."""

    key: str
    start: datetime | None
    end: datetime | None
    run_id: str | None
    state_type: StateType | None


class NewBackfill(BaseModel):
    """A backfill to start."""

    model_config = ConfigDict(extra="forbid")

    deployment_id: str
    first: Annotated[str | None, Field(description="The first partition; all by default.")] = None
    last: str | None = None
    order: Literal["oldest", "newest"] = "oldest"
    max_active: Annotated[int | None, Field(ge=1)] = None
    reprocess: Literal["none", "failed", "all"] = "none"
    parameters: dict[str, JsonValue] = {}
    dry_run: bool = Field(default=False, description="Only list the partitions, and create nothing.")


class StartedBackfill(BaseModel):
    """The partitions of a backfill in its order, and the backfill unless it was a dry run."""

    partitions: list[str]
    backfill: BackfillModel | None


@router.get("")
def list_backfills(known: Known) -> list[BackfillModel]:
    """All backfills, newest first."""
    return [BackfillModel.of(each) for each in backfills(known)]


@router.post("", status_code=HTTPStatus.CREATED)
@needs(Scope.WRITE)
def start(given: NewBackfill, known: Known) -> StartedBackfill:
    """Start a backfill: create a run for each partition of a range that has none."""
    of, now = _deployment(given.deployment_id, known), system_clock()
    wanted = planned(of, given.first, given.last, given.order, given.reprocess, now, known)
    keys = [each.key for each in wanted]
    if given.dry_run:
        return StartedBackfill(partitions=keys, backfill=None)
    id = start_backfill(of, wanted, now, known, max_active=given.max_active, parameters=given.parameters)
    return StartedBackfill(partitions=keys, backfill=BackfillModel.of(backfill_named(id, known)))


@router.get("/partitions/{deployment_id}")
def list_partitions(deployment_id: DeploymentId, known: Known) -> list[PartitionModel]:
    """All partitions of a deployment that are complete, oldest first, with the states of their newest runs."""
    of = _deployment(deployment_id, known)
    slices = definition_of_text(of.definition).slices()
    if slices is None:
        return []
    runs = states_of_partitions(of, known)
    found = []
    for each in slices.until(to_datetime(system_clock())):
        run = runs.get(each.key)
        of_run = (None, None) if run is None else (run.flow_run_id, run.state_type)
        found.append(
            PartitionModel(key=each.key, start=each.start, end=each.end, run_id=of_run[0], state_type=of_run[1])
        )
    return found


@router.get("/{id}")
def get_backfill(id: Id, known: Known) -> BackfillDetails:
    """One backfill, with its runs by partition."""
    found = backfill_named(id, known)
    runs = runs_of_backfill(found, known)
    return BackfillDetails(
        **BackfillModel.of(found).model_dump(),
        partitions=[run.partition for run in runs],
        runs=[run.flow_run_id for run in runs],
        states=[run.state_type for run in runs],
    )


@router.post("/{id}/{action}")
@needs(Scope.WRITE)
def change(id: Id, action: Annotated[str, Path(pattern="^(pause|resume|cancel)$")], known: Known) -> BackfillModel:
    """Pause or resume a backfill, or cancel what has not started. Runs that have started are left alone."""
    found, now = backfill_named(id, known), system_clock()
    if action == "cancel":
        cancel_backfill(found, now, known)
    else:
        pause_backfill(found, now if action == "pause" else None, known)
    return BackfillModel.of(backfill_named(id, known))


def _deployment(id: str, known: EmbeddedOrchestrator) -> Deployment:
    found = known.deployments.one(id)
    if found is None:
        raise DeploymentMissing(f"There is no deployment with the id {id!r}.")
    return found
