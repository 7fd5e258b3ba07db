"""Work pools, their queues, and workers."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import moment, time_of
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import DeploymentMissing
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.port import QueuedRun, QueueFilter, WorkerRecord
from perdure._rooms.deployments.serving import is_there
from perdure._rooms.tokens.records import Scope
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/deployments", tags=["deployments"], responses=ANSWERS)


class WorkQueueModel(BaseModel):
    """A named limit within a work pool."""

    name: str
    concurrency_limit: int | None
    paused: datetime | None
    waiting: int
    running: int


class PoolModel(BaseModel):
    """A work pool: where runs of deployments wait for workers."""

    name: str
    type: str
    concurrency_limit: int | None
    paused: datetime | None
    created: datetime
    waiting: int
    running: int
    queues: list[WorkQueueModel]


class WorkerModel(BaseModel):
    """A process that starts runs of a work pool."""

    id: str
    name: str
    work_pool: str
    type: str
    version: str
    host: str
    pid: int
    capacity: int | None
    running: int
    started: datetime
    seen: Annotated[datetime, Field(description="Its last heartbeat.")]
    gone: Annotated[bool, Field(description="Whether it has given no heartbeat for two leases.")]


@router.get("/work-pools")
def list_work_pools(known: Known) -> list[PoolModel]:
    """All work pools, by name, with the numbers of runs that wait and run."""
    return [_pool(each.name, known) for each in known.deployments.pools()]


@router.post("/work-pools/{name:text}/queues/{queue:text}/{action}", status_code=HTTPStatus.OK)
@needs(Scope.ADMIN)
def pause_work_queue(
    name: Annotated[Plain, Path(max_length=200)],
    queue: Annotated[Plain, Path(max_length=200)],
    action: Annotated[str, Path(pattern="^(pause|resume)$")],
    known: Known,
) -> PoolModel:
    """Pause a queue of a work pool, so that no more of its runs start; or resume it."""
    found = next((each for each in known.deployments.queues(name) if each.name == queue), None)
    if found is None:
        raise DeploymentMissing(f"The work pool {name!r} has no queue {queue!r}.")
    known.deployments.put_queue(found._replace(paused=system_clock() if action == "pause" else None))
    return _pool(name, known)


@router.post("/work-pools/{name:text}/{action}", status_code=HTTPStatus.OK)
@needs(Scope.ADMIN)
def pause_work_pool(
    name: Annotated[Plain, Path(max_length=200)], action: Annotated[str, Path(pattern="^(pause|resume)$")], known: Known
) -> PoolModel:
    """Pause a work pool, so that no more of its runs start; or resume it."""
    if not known.deployments.pause_pool(name, system_clock() if action == "pause" else None):
        raise DeploymentMissing(f"There is no work pool {name!r}.")
    return _pool(name, known)


@router.get("/workers")
def list_workers(known: Known, work_pool: str | None = None) -> list[WorkerModel]:
    """All workers, or those of a work pool."""
    now, lease = system_clock(), settings.current().lease_seconds

    def model(each: WorkerRecord) -> WorkerModel:
        times = {"started": moment(each.started), "seen": moment(each.seen)}
        return WorkerModel(**each._asdict() | times, gone=not is_there(each, now, lease))

    return [model(each) for each in known.deployments.workers(work_pool)]


def _pool(name: str, known: EmbeddedOrchestrator) -> PoolModel:
    pool = next(each for each in known.deployments.pools() if each.name == name)
    places = known.deployments.queued(QueueFilter(work_pool=name, phases=("waiting", "claimed")))

    def counts(of: Sequence[QueuedRun]) -> dict[str, Any]:
        running = sum(each.phase == "claimed" for each in of)
        return {"running": running, "waiting": len(of) - running}

    queues = []
    for queue in known.deployments.queues(name):
        own = counts([each for each in places if each.work_queue == queue.name])
        limit, paused = queue.concurrency_limit, time_of(queue.paused)
        queues.append(WorkQueueModel(name=queue.name, concurrency_limit=limit, paused=paused, **own))
    fields = {each: getattr(pool, each) for each in ("name", "type", "concurrency_limit")}
    fields |= {"paused": time_of(pool.paused), "created": moment(pool.created), "queues": queues}
    return PoolModel(**fields, **counts(places))
