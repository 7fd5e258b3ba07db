"""A SQLite file: opening it, making or upgrading its tables, and what its errors mean."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from perdure import _rooms
from perdure._model.errors import DatabaseCorrupt, OrchestratorError
from perdure._platform.files import make_private, touch_private
from perdure._store.sql.database import NOBODY, Connection, InOne, Row
from perdure._store.sql.database_place import fate_of
from perdure._store.sql.schema import HEAD, schema_statements
from perdure._store.sql.statements import Statements

if TYPE_CHECKING:
    from sqlalchemy import Executable

T = TypeVar("T")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WRONG_CONTENT = ("Could not decode", "no such table", "no such column")  # these have no result code of their own
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_LOOK_SECONDS = 0.05  # between two looks at the file's place: what is deleted within is lost as what is deleted after
_WRITABLE = "Make it and its directory writable, or set another PERDURE_HOME."
_REMEDIES = {
    sqlite3.SQLITE_FULL: "The disk is full. Free some space; what was not written yet is kept and tried again.",
    sqlite3.SQLITE_IOERR: "The disk does not read or write. Look at its health, space, quota and `ulimit -f`.",
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_PERM: _WRITABLE,
}
_AT_ONCE = 64  # rows in one statement
_MANY = 512  # rows: with fewer, SQLite would take longer to read the longer statement than it spares
_CACHE, _CACHE_OF_READER = 8192, 2048  # KiB; a process has one writer, and up to eight readers for as long as it lives
_PRAGMAS = ("PRAGMA wal_autocheckpoint = 8000",)  # pages, 32 MiB: each copy into the main file waits for the disk


SPELLINGS = {
    "text": "TEXT",
    "clustered": " WITHOUT ROWID",
    "join": "CROSS JOIN",  # from the left to the right, as it is written
    "inside open": "UNION SELECT flow_run.id FROM open CROSS JOIN flow_run ON flow_run.parent_flow_run_id = open.id"
    " UNION SELECT inside.id FROM open CROSS JOIN inside ON inside.parent = open.id",
    **{name: f"json_extract(retention, '$.{name}')" for name in ("age", "runs", "size", "of", "run")},
    "texts": "SELECT value FROM json_each(:texts)",
    "pairs": "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:pairs)",
    "parameter": r":\1",
    "flag": ":flag",
    "prepare": "SELECT 1",
}


@cache
def _with_rows(statement: str) -> str:
    """The statement that puts `_AT_ONCE` rows, of one that puts a row."""
    before, _, rest = statement.partition(" VALUES ")
    row, conflict, then = rest.partition(" ON CONFLICT ")
    return f"{before} VALUES {', '.join([row] * _AT_ONCE)}{conflict}{then}"


class _Connection(sqlite3.Connection):
    """A connection that knows which file it is to."""

    file: tuple[int, int] = (0, 0)

    def __del__(self) -> None:
        """A thread that ends drops its connection, which SQLite then closes: nothing that Python need warn of."""


class SQLite:
    """The file and how long to wait for other processes that write to it, in seconds.

    No commit is lost by a killed process. A loss of power may take the last ones, unless each is `synced`.
    """

    kind: Literal["sqlite", "postgresql"] = "sqlite"
    spellings: Mapping[str, str] = SPELLINGS
    begin: str = "BEGIN IMMEDIATE"
    in_one: InOne | None = None
    begin_view: str = "BEGIN"
    refusals: tuple[type[Exception], ...] = (
        *(sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError),
    )

    def __init__(self, path: Path, timeout_seconds: float, synced: bool = False) -> None:
        self.statements = Statements()
        self.path = path
        self._file = str(path)  # for calls of the system
        self._looked = 0.0  # when it was last seen to be in its place
        self._synchronous = "FULL" if synced else "NORMAL"
        self.timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._ready = False
        self._errors = _Errors(self)

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self.path)

    @property
    def is_read_only(self) -> bool:
        """Whether the file is there and cannot be written, as one on a disk that is mounted read-only."""
        return self._read_only() is not None

    @property
    def was_reached(self) -> bool:
        """Whether it has been connected to."""
        return self._ready

    def connect(
        self,
        instead_of: Connection | None = None,  # noqa: ARG002
        *,
        reads: bool = False,
    ) -> sqlite3.Connection:
        """A connection to the file, which is made or upgraded if that is needed; any thread may use it.

        Raises:
            OrchestratorError: it cannot be opened or written, or a newer Perdure wrote it.
            DatabaseCorrupt: it is damaged, or not a database of Perdure's.
        """
        with self._lock:
            if not self._ready:
                self._make_ready()
        with self.errors():
            return self._open(_CACHE_OF_READER if reads else _CACHE)

    def commit(self, connection: Connection, one_of_many: bool = False) -> None:
        """End a transaction; when this returns, it is committed.

        Raises:
            DatabaseCorrupt: the file was deleted, replaced or emptied: what is written goes nowhere. With
                `one_of_many`, that is found out after a twentieth of a second at the latest.
        """
        if not one_of_many or time.monotonic() - self._looked > _LOOK_SECONDS:
            self._check_place(connection)
        connection.execute("COMMIT")

    def _check_place(self, connection: Connection) -> None:
        assert isinstance(connection, _Connection)
        what = fate_of(self._file, connection.file)
        if what is None:
            self._looked = time.monotonic()
            return
        self._ready = False
        raise DatabaseCorrupt(
            f"The database {self.path} was {what} while it was in use: what is recorded from now on would be lost, and"
            " so nothing more is done. Restore it from a backup, or run the flow again with a new one."
        )

    def put(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        """Run one statement with each of the rows, in their order, inside a transaction.

        Of the statements that most rows of a run come by, many rows are one statement: what comes before and after
        each costs as much as a third of the row, and other threads run while SQLite works on them.
        """
        if len(rows) >= _MANY and statement in self.statements.of_runs:
            several = _with_rows(statement)
            end = len(rows) - len(rows) % _AT_ONCE
            for first in range(0, end, _AT_ONCE):
                connection.execute(several, [*chain.from_iterable(rows[first : first + _AT_ONCE])])
            rows = rows[end:]
        if rows:
            connection.executemany(statement, rows)

    def execute_apart(self, connection: Connection, statement: str, parameters: Row) -> int:
        """Run one statement as a transaction of its own; how many rows it changed."""
        self._check_place(connection)
        return connection.execute(statement, parameters).rowcount

    def at_once(self, connection: Connection, commits: bool = False) -> AbstractContextManager[object]:  # noqa: ARG002
        """There is nobody to wait for."""
        return NOBODY

    def is_lost(self, connection: Connection) -> bool:  # noqa: ARG002
        """A file does not go away."""
        return False

    def compiled(self, query: "Executable") -> tuple[str, Row]:
        """The text of a query, and its parameters."""
        compiled: Any = query.compile(dialect=_dialect(), compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
        values = compiled.params
        return str(compiled), tuple(values[name] for name in compiled.positiontup or ())

    def storable(self, text: str) -> str:
        """The text with what UTF-8 has no bytes for, such as half of a surrogate pair, spelled out."""
        return text.encode("utf-8", "backslashreplace").decode()

    def renew_lock(self) -> None:
        """In a forked process, where a thread that is gone may have held it."""
        self._lock = Lock()

    def errors(self) -> "_Errors":
        """In the `with` block, SQLite's errors are raised as Perdure's, with the file and the mend named."""
        return self._errors

    def revision(self) -> str | None:
        """The migration that its tables are at, empty before the first; None if it has none of Perdure's."""
        if not self.path.exists():
            return None
        with self.errors(), closing(self._open()) as connection:
            return _revision(connection)

    def migrate(self, to: str) -> None:
        """Bring its tables to a migration, up or down; what that one does not know is lost."""
        with self.errors(), closing(self._open()) as connection:
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            self._migrate(connection, _revision(connection), to)
            connection.execute("COMMIT")
        self._ready = False

    def pages(self, connection: Connection, query: str, size: int) -> Iterator[Sequence[Row]]:
        """The rows of a query, `size` at a time, as they are read."""
        assert isinstance(connection, sqlite3.Connection)
        rows = connection.execute(query)
        while page := rows.fetchmany(size):
            yield page

    def load(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows, inside a transaction."""
        names = ", ".join(f'"{column}"' for column in columns)
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)

    def all_rows(
        self, connection: Connection, columns: str, query: str, parameters: Mapping[str, object]
    ) -> Sequence[Row]:
        """All rows of a query for these columns, as one text: each by itself would wait for Python's lock."""
        text = f"SELECT json_group_array(json_array({columns})) FROM ({query})"
        rows: list[Row] = json.loads(connection.execute(text, parameters).fetchone()[0])
        return rows

    def writes_seen(self, connection: Connection) -> int | None:
        """A number that changes when another connection has written to the file."""
        return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def version(self, connection: Connection) -> str:  # noqa: ARG002
        """Such as `SQLite 3.45.1`."""
        return f"SQLite {sqlite3.sqlite_version}"

    def sizes(self, connection: Connection) -> tuple[int, int | None]:
        """The file's bytes, and those of them that are free to be used again."""
        names = ("page_size", "page_count", "freelist_count")
        page, all, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return page * all, page * free

    def count_on(self, connection: Connection, table: str, column: str) -> None:
        """SQLite does so by itself."""

    def gather_statistics(self, connection: Connection, *tables: str) -> None:
        """SQLite's plans go by the indices alone."""

    def reclaim(self, connection: Connection) -> None:
        """Give free space back to the disk; needs as much again for a moment, and keeps others from writing."""
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def damage(self, connection: Connection) -> Sequence[str]:
        """What is wrong with the file; reads all of it."""
        try:
            return [text for (text,) in connection.execute("PRAGMA integrity_check").fetchall() if text != "ok"]
        except sqlite3.DatabaseError as error:
            return [str(error)]

    def differences(self) -> Sequence[str]:
        """How its tables and indices differ from the declared ones."""
        from perdure._store.sql.migrations import differences

        with self.errors():
            return differences(self._open, "sqlite")

    def explain(self, error: sqlite3.Error) -> OrchestratorError:
        """The error of Perdure's that stands for one of SQLite's."""
        code = _code(error)
        if code in _DAMAGED or str(error).startswith(_WRONG_CONTENT):
            return self.damaged(error)
        if code in _BUSY:
            return OrchestratorError(
                f"Other processes kept the database {self.path} locked for {self.timeout_seconds:g} seconds."
                " Look for a process that hangs while writing to it."
            )
        remedy = _REMEDIES.get(code, "")
        return OrchestratorError(f"The database {self.path} failed: {error}. {remedy}".rstrip())

    def damaged(self, why: object) -> DatabaseCorrupt:
        """The error to raise when the file holds what Perdure never wrote."""
        return DatabaseCorrupt(
            f"The database {self.path} is damaged or is not a SQLite database ({why})."
            " Move it away to start over, or restore it from a backup."
        )

    def _open(self, cache: int = _CACHE) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path if (reading := self._read_only()) is None else f"{self.path.as_uri()}?{reading}",
            uri=reading is not None,
            timeout=self.timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        try:
            found = self.path.stat()
            connection.file = found.st_dev, found.st_ino
            for pragma in (f"PRAGMA synchronous = {self._synchronous}", f"PRAGMA cache_size = -{cache}", *_PRAGMAS):
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    def _read_only(self) -> str | None:
        """How to open a file that cannot be written, such as one of a backup that is mounted; None if it can be.

        SQLite needs its log and the log's index to read, which it cannot make there. Without a log, nobody changes the
        file, or what it has not in it yet is not there to be read.
        """
        if os.access(self._file, os.W_OK) and os.access(self.path.parent, os.W_OK):
            return None
        if not self.path.exists():
            return None
        log = self.path.with_name(f"{self.path.name}-wal")
        return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"

    def _make_ready(self) -> None:
        try:
            make_private(self.path.parent)
        except OSError as error:
            raise OrchestratorError(
                f"The directory of the database {self.path} cannot be made: {error.strerror}."
                " Make its parent writable, or set another PERDURE_HOME."
            ) from None
        with suppress(OSError):  # SQLite says what is wrong
            touch_private(self.path)  # its log and index take its mode
        with self.errors():
            connection = self._open()
            try:
                if self._patiently(lambda: _revision(connection)) != HEAD:
                    self._bring_to_head(connection)
                if _rooms.from_elsewhere():
                    self._patiently(lambda: _make_missing(connection))
            finally:
                connection.close()
        self._ready = True

    def _bring_to_head(self, connection: sqlite3.Connection) -> None:
        # The switch to WAL does not wait for other processes by itself.
        self._patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
        self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            revision = _revision(connection)  # another process may have been first
            if revision is None and _is_empty(connection):
                _create(connection)
            elif revision != HEAD:
                self._migrate(connection, revision, HEAD)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _migrate(self, connection: sqlite3.Connection, revision: str | None, to: str) -> None:
        if revision is None:
            raise DatabaseCorrupt(
                f"{self.path} is a SQLite database, but not one of Perdure's."
                " Move it away, or set another PERDURE_HOME."
            )
        from perdure._store.sql.migrations import known_revisions, migrate_sqlite

        if revision and revision not in known_revisions():
            raise OrchestratorError(
                f"The database {self.path} was written by a newer Perdure (revision {revision});"
                " upgrade perdure, or set another PERDURE_HOME."
            )
        migrate_sqlite(connection, to)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.005)


@cache
def _dialect() -> Any:
    from sqlalchemy.dialects import sqlite

    return sqlite.dialect()


class _Errors:
    """A class of its own: a generator as context manager costs a cached result 1% of its time."""

    def __init__(self, database: SQLite) -> None:
        self._database = database

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise self._database.explain(error) from None
        if isinstance(error, UnicodeDecodeError):  # in what SQLite itself says of a damaged file
            raise self._database.damaged(error) from None


def _code(error: sqlite3.Error) -> int:
    """The primary result code: the low byte of the extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _revision(connection: sqlite3.Connection) -> str | None:
    """The migration that the file is at; empty before the first; None if it has no table of migrations."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if _code(error) == sqlite3.SQLITE_ERROR:  # no such table
            return None
        raise
    return str(row[0]) if row else ""


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _make_missing(connection: sqlite3.Connection) -> None:
    from perdure._store.sql.tables import missing_statements

    for statement in missing_statements(_dialect()):
        connection.execute(statement)


def _create(connection: sqlite3.Connection) -> None:
    for statement in schema_statements():
        connection.execute(statement)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
