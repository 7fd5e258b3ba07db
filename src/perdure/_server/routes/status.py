"""The server's status: its database, the disk, the write backlog, and its services."""

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from perdure._http.changes import Changes
from perdure._http.dependencies import Config, Known
from perdure._http.errors import answers
from perdure._http.models import moment, time_of
from perdure._http.routers import ApiRouter
from perdure._platform.version import VERSION
from perdure._rooms.events.port import Service
from perdure._run.process_identity import is_running, machine_of
from perdure._server.services import SERVICES, interval_of
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator

router = ApiRouter(prefix="/status", tags=["health"], responses=answers())


class ServiceModel(BaseModel):
    """A background service, which one server at a time runs."""

    name: str
    description: str
    interval_seconds: Annotated[float, Field(description="0: this server does not run it.")]
    last_run: datetime | None
    outcome: str | None
    due: datetime | None
    host: Annotated[str | None, Field(description="The machine of the server that ran it last.")]
    is_alive: Annotated[
        bool | None, Field(description="Whether that server still runs; null if it is on another machine.")
    ]


class DatabaseModel(BaseModel):
    """The database of runs. Sizes are in bytes."""

    version: Annotated[str, Field(examples=["SQLite 3.45.1", "PostgreSQL 16.2"])]
    place: str
    size: int


class DiskModel(BaseModel):
    """A directory that the server writes to, and the space of its disk in bytes."""

    what: Literal["database", "home", "storage"]
    path: str
    total: int
    free: int


class QueueModel(BaseModel):
    """The records that this process received since it started, and those that are not committed yet."""

    taken: int
    committed: int
    waiting: int


class StatusModel(BaseModel):
    """The server's status."""

    version: str
    pid: int
    workers: int
    authenticated: bool
    serves_values: bool
    listeners: Annotated[int, Field(description="Listeners of changes, in this process.")]
    database: DatabaseModel
    disks: list[DiskModel]
    queue: QueueModel
    services: list[ServiceModel]


@router.get("")
def get_status(request: Request, known: Known, config: Config) -> StatusModel:
    """The status of the server, its database and its services."""
    taken, committed = known.counts
    changes: Changes = request.app.state.changes
    version, size = known.condition
    done = {service.name: service for service in known.services.all()}
    return StatusModel(
        version=VERSION,
        pid=os.getpid(),
        workers=config.workers,
        authenticated=config.authenticated,
        serves_values=config.serve_values,
        listeners=changes.listeners,
        database=DatabaseModel(version=version, place=known.place, size=size),
        disks=_disks(Path(known.place)),
        queue=QueueModel(taken=taken, committed=committed, waiting=max(0, taken - committed)),
        services=[_service(name, what, done.get(name), known) for name, what in SERVICES.items()],
    )


def _service(name: str, what: str, done: Service | None, orchestrator: EmbeddedOrchestrator) -> ServiceModel:
    process = None if done is None else orchestrator.process(done.process_id)
    return ServiceModel(
        name=name,
        description=what,
        interval_seconds=interval_of(name, settings.current()),
        last_run=None if done is None else time_of(done.ended),
        outcome=None if done is None else done.outcome,
        due=None if done is None else moment(done.due),
        host=None if process is None else machine_of(process),
        is_alive=None if process is None else is_running(process),
    )


def _disks(database: Path) -> list[DiskModel]:
    chosen = settings.current()
    places: dict[Literal["database", "home", "storage"], Path]
    places = {"home": chosen.home, "storage": chosen.local_storage_path}
    if database.is_file():
        places = {"database": database.parent, **places}
    return [disk for what, path in places.items() if (disk := _disk(what, path)) is not None]


def _disk(what: Literal["database", "home", "storage"], path: Path) -> DiskModel | None:
    there = next((each for each in (path, *path.parents) if each.is_dir()), None)
    if there is None:
        return None
    usage = shutil.disk_usage(there)
    return DiskModel(what=what, path=str(path), total=usage.total, free=usage.free)
