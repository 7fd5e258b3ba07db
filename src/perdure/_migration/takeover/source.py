"""Another system's database, which is only ever read: as it is at one moment, while others may keep writing to it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from perdure._model.errors import MigrationError
from perdure._platform.clock import Micros, from_datetime
from perdure._settings.fields import without_password

Row = tuple[Any, ...]
_PAGE = 2_000  # rows that are read together
_SECONDS = 30.0  # to wait for a lock of SQLite's
_SCHEMES = ("sqlite", "postgresql", "postgres")


class Source(Protocol):
    """A database that is read in one transaction. `?` marks parameters; JSON comes as text, times as `micros` reads."""

    place: str
    columns: Mapping[str, Mapping[str, str]]  # by table and name, what type each was declared as

    def select(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query; there must be few."""

    def stream(self, query: str, parameters: Sequence[object] = (), size: int = _PAGE) -> Iterator[list[Row]]:
        """The rows of a query, `size` at a time, as they are read."""

    def close(self) -> None:
        """Close it."""


def open_source(url: str) -> Source:
    """A database by its path, that of the folder it is in, or a URL, also one with a driver's name in it.

    Raises:
        MigrationError: it is none of these, is not there, or cannot be read.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        return SQLiteSource(_file_of(Path(url)))
    kind = scheme.partition("+")[0]
    if kind not in _SCHEMES:
        raise MigrationError(
            f"{without_password(url)!r} is no database that can be read. Give the path of a SQLite file, sqlite:///PATH"
            " or postgresql://USER@HOST/NAME."
        )
    parts = urlsplit(url)
    if kind == "sqlite":
        return SQLiteSource(_file_of(Path(parts.path.removeprefix("/"))))
    return PostgreSQLSource(urlunsplit(parts._replace(scheme="postgresql")))


def _file_of(path: Path) -> Path:
    path = path.expanduser().absolute()
    file = path / "prefect.db" if path.is_dir() else path
    if not file.is_file():
        raise MigrationError(f"There is no database {file}. Give the path of the file, such as ~/.prefect/prefect.db.")
    return file


class SQLiteSource:
    """A SQLite file, opened so that nothing can be written to it."""

    def __init__(self, file: Path) -> None:
        self.place = str(file)
        with self._errors():
            uri = f"file:{quote(str(file))}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=_SECONDS, isolation_level=None)
        try:
            with self._errors():
                self._connection.execute("BEGIN")  # from the first read on, all is as it was then
                names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                self.columns: Mapping[str, Mapping[str, str]] = {name: self._columns_of(name) for (name,) in names}
        except BaseException:
            self.close()
            raise

    def _columns_of(self, table: str) -> dict[str, str]:
        return {row[1]: row[2].lower() for row in self._connection.execute(f'PRAGMA table_info("{table}")')}

    def select(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query."""
        with self._errors():
            return self._connection.execute(query, parameters).fetchall()

    def stream(self, query: str, parameters: Sequence[object] = (), size: int = _PAGE) -> Iterator[list[Row]]:
        """The rows of a query, `size` at a time."""
        with self._errors():
            rows = self._connection.execute(query, parameters)
        while True:
            with self._errors():
                page = rows.fetchmany(size)
            if not page:
                return
            yield page

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MigrationError(
                f"The database {self.place} cannot be read: {error}. Where its folder may not be written to, copy the"
                " file, and those beside it that end in -wal and -shm, elsewhere, and name the copy."
            ) from error


class PostgreSQLSource:
    """A PostgreSQL database, in a transaction that may not write."""

    def __init__(self, url: str) -> None:
        self.place = without_password(url)
        try:
            import psycopg
        except ImportError as error:
            raise MigrationError("PostgreSQL needs psycopg: pip install 'perdure[postgresql]'.") from error
        from psycopg.types.string import TextLoader

        self._error = psycopg.Error
        self._streams = 0
        with self._errors():
            self._connection = psycopg.connect(url, autocommit=True)
            for name in ("uuid", "json", "jsonb"):
                self._connection.adapters.register_loader(name, TextLoader)
            self._connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._connection.execute("SET LOCAL TIME ZONE 'UTC'")
            found: dict[str, dict[str, str]] = {}
            query = (
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
            )
            for table, column, kind in self._connection.execute(query).fetchall():
                found.setdefault(table, {})[column] = kind
        self.columns: Mapping[str, Mapping[str, str]] = found

    def select(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query."""
        with self._errors():
            return self._connection.execute(_marked(query), parameters or None).fetchall()

    def stream(self, query: str, parameters: Sequence[object] = (), size: int = _PAGE) -> Iterator[list[Row]]:
        """The rows of a query, `size` at a time, by a cursor of the server's."""
        self._streams += 1
        with self._errors(), self._connection.cursor(name=f"perdure_{self._streams}") as rows:
            rows.execute(_marked(query), parameters or None)
            while page := rows.fetchmany(size):
                yield page

    def close(self) -> None:
        """Close the connection, which ends the transaction."""
        with suppress(self._error):
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise MigrationError(f"The database {self.place} cannot be read: {error}") from error


def _marked(query: str) -> Any:
    return query.replace("?", "%s")  # none of the queries has either in a text


def micros(value: Any) -> Micros:
    """A time as SQLite keeps it, a text in UTC, or as PostgreSQL does; 0 for none."""
    if value is None:
        return 0
    return from_datetime(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def from_json(value: object) -> Any:
    """What a column of JSON holds. SQLite makes numbers of texts that look like one."""
    return json.loads(value) if isinstance(value, str) else value


def listed(source: Source, table: str, alias: str, names: Sequence[str]) -> str:
    """Columns for a query, with NULL for those that the source's version of the table does not have."""
    there = source.columns.get(table, {})
    return ", ".join(f'{alias}."{name}"' if name in there else f"NULL AS {name}" for name in names)


def marks(count: int) -> str:
    """So many marks for parameters, in parentheses."""
    return f"({', '.join('?' * count)})"
