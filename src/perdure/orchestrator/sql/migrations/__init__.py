"""The migrations, run by Alembic on a connection that already holds the lock on the file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool, StaticPool


def known_revisions() -> set[str]:
    """The migrations that this version of Perdure knows."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def head() -> str | None:
    """The newest of them."""
    return ScriptDirectory.from_config(_config()).get_current_head()


class _Lent:
    """A connection whose transaction is its owner's: SQLAlchemy may neither end it nor close."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


def upgrade(connection: sqlite3.Connection) -> None:
    """Apply the migrations that the database lacks, within the transaction that is open on the connection."""
    engine = create_engine("sqlite://", creator=lambda: _Lent(connection), poolclass=StaticPool)
    with engine.connect() as lent:
        command.upgrade(_config(lent), "head")


def upgrade_postgresql(connect: Callable[[], Any]) -> None:
    """Apply the migrations that a PostgreSQL database lacks, in one transaction of a connection of its own."""
    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
