"""Running the server in this process."""

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from perdure import settings
from perdure.orchestrator.embedded import EmbeddedOrchestrator
from perdure.orchestrator.sql.database import Database
from perdure.server.app import create_app
from perdure.server.config import ServerConfig


def serve(config: ServerConfig, database: str | None, tell: Callable[[str], None]) -> None:
    """Serve until a signal ends the process, and `tell` the address once it listens.

    `database` is a path or a URL, None for that of the settings. Port 0 takes a free one.
    """
    app = create_app(opened(database), config)
    listening = socket.create_server((config.host, config.port))
    host, port = listening.getsockname()[:2]
    tell(f"http://{host}:{port}")
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


def opened(database: str | None) -> EmbeddedOrchestrator:
    """The orchestrator on a database."""
    chosen = settings.current()
    place: Path | Database = chosen.database
    if database is not None and database.startswith(("postgresql://", "postgres://")):
        from perdure.orchestrator.sql.postgresql import PostgreSQL

        place = PostgreSQL(database, chosen.database_timeout_seconds)
    elif database is not None:
        place = Path(database)
    orchestrator = EmbeddedOrchestrator(place, timeout_seconds=chosen.database_timeout_seconds)
    orchestrator.flush()
    return orchestrator
