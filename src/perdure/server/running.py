"""Running the server in this process."""

from pathlib import Path

import uvicorn

from perdure import settings
from perdure.orchestrator.embedded import EmbeddedOrchestrator
from perdure.orchestrator.sql.database import Database
from perdure.server.app import create_app
from perdure.server.config import ServerConfig


def serve(config: ServerConfig, database: str | None) -> None:
    """Serve until a signal ends the process; `database` is a path or a URL, None for that of the settings."""
    app = create_app(opened(database), config)
    uvicorn.run(app, host=config.host, port=config.port, log_level="warning", access_log=False)


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
