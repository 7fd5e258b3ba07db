"""The migrations, run by Alembic."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool, StaticPool

from perdure._store.sql.tables import metadata

BASE = "base"  # before the first migration


def known_revisions() -> list[str]:
    """The migrations that this version of Perdure knows, the oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


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


def migrate_sqlite(connection: sqlite3.Connection, to: str) -> None:
    """Bring the tables to a migration, within the transaction that is open on the connection."""
    engine = create_engine("sqlite://", creator=lambda: _Lent(connection), poolclass=StaticPool)
    with engine.connect() as lent:
        _migrate(lent, to)


def migrate_postgresql(connect: Callable[[], Any], to: str) -> None:
    """Bring the tables to a migration, in one transaction of a connection of its own."""
    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    with engine.begin() as connection:
        _migrate(connection, to)


def differences(creator: Callable[[], Any], dialect: str) -> list[str]:
    """How the tables that a connection leads to differ from the declared ones, each in a few words."""
    engine = create_engine(f"{dialect}://", creator=creator, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _is_ours})
        return [_described(each) for each in compare_metadata(context, metadata)]


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:  # noqa: ARG001
    """What others keep in the same database is not looked at."""
    return not (kind == "table" and reflected and name not in metadata.tables)


def _described(difference: Any) -> str:
    """Such as `remove_index: result_by_size`."""
    if isinstance(difference, list):  # of one column
        return "; ".join(f"{each[0]}: {each[2]}.{each[3]}" for each in difference)
    kind, *what = difference
    names = [str(getattr(each, "name", each)) for each in what if each is not None]
    return f"{kind}: {'.'.join(names)}"


def _migrate(connection: Connection, to: str) -> None:
    config = _config(connection)
    now = MigrationContext.configure(connection).get_current_revision()
    order = [None, *known_revisions()]
    if to != BASE and order.index(to) > order.index(now):
        command.upgrade(config, to)
    else:
        command.downgrade(config, to)


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
