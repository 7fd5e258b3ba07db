"""A PostgreSQL database, 14 or newer: connecting, making or upgrading its tables, and what its errors mean."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from perdure.core.errors import DatabaseCorrupt, OrchestratorError, OrchestratorUnreachable
from perdure.orchestrator.sql.database import Connection, Cursor, Row
from perdure.orchestrator.sql.schema import HEAD
from perdure.orchestrator.sql.statements import Statements

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Executable

_OLDEST = 140_000  # as the server counts its versions
_LOCK = 0x7065_7264_7572_6521  # of the making of tables: "perdure!" as the bytes of a number
_MISSING = "PostgreSQL needs the package psycopg. Install perdure[postgresql]."
_MENDS = {
    "08": "See that the server runs, and that its host and port are right.",
    "28": "See that the user and the password in the URL are right.",
    "3D": "Make it first: createdb NAME.",
    "42": "Give the user the right to it, or move what is there away.",
    "53": "It lacks space, memory or connections. What was not written yet is kept and tried again.",
    "57": "It was stopped, or is starting.",
}
_UNREACHABLE = frozenset({"08", "57"})


class PostgreSQL:
    """A database by its URL, such as `postgresql://user:password@host:5432/name`.

    How long to wait for a connection, and for a lock, is `timeout_seconds`. Each commit is on the server's disk, as
    the server is set.
    """

    begin: str = "BEGIN"
    refusals: tuple[type[Exception], ...]

    def __init__(self, url: str, timeout_seconds: float = 60.0) -> None:
        try:
            import psycopg
        except ImportError:
            raise OrchestratorError(_MISSING) from None
        from sqlalchemy.dialects.postgresql import psycopg as dialects  # here: two threads could see half of it

        self.statements = Statements(mark="%s", absent=None, flag="(%s)::int::boolean")
        self.refusals = (psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError)
        self.url = url
        self._timeout = timeout_seconds
        self._psycopg = psycopg
        self._dialect = dialects.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
        self._lock = Lock()
        self._ready = False

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        try:
            parts = self._psycopg.conninfo.conninfo_to_dict(self.url)
        except self._psycopg.Error:
            return "PostgreSQL"
        host, name = parts.get("host") or "localhost", parts.get("dbname") or parts.get("user") or ""
        return f"PostgreSQL {name!r} on {host}" + (f":{parts['port']}" if parts.get("port") else "")

    def connect(self) -> Connection:
        """A connection to the database, whose tables are made or upgraded if that is needed."""
        with self._lock:
            if not self._ready:
                with self.errors():
                    self._make_ready()
                self._ready = True
        with self.errors():
            return self._open()

    def commit(self, connection: Connection) -> None:
        """End a transaction; when this returns, it is committed, even if the connection broke on the way."""
        assert isinstance(connection, _Connection)
        error = connection.commit()
        if error is not None and not self._has_committed(connection):
            raise error

    def is_lost(self, connection: Connection) -> bool:
        """Whether the server has closed it, or is gone."""
        assert isinstance(connection, _Connection)
        return connection.raw.closed

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise psycopg's errors as Perdure's, with the database and the mend named."""
        try:
            yield
        except self._psycopg.Error as error:
            raise self.explain(error) from None

    def explain(self, error: "psycopg.Error") -> OrchestratorError:
        """The error of Perdure's that stands for one of psycopg's."""
        kind = (error.sqlstate or ("08" if isinstance(error, self._psycopg.OperationalError) else ""))[:2]
        text = " ".join(str(error).split()) or type(error).__name__
        if error.sqlstate in ("42P01", "42703"):  # no such table, no such column
            return self.damaged(text)
        raised = OrchestratorUnreachable if kind in _UNREACHABLE else OrchestratorError
        return raised(f"The database {self.place} failed: {text}. {_MENDS.get(kind, '')}".rstrip())

    def damaged(self, why: object) -> DatabaseCorrupt:
        """The error to raise when the database holds what Perdure never wrote."""
        return DatabaseCorrupt(
            f"The database {self.place} is damaged or was changed by others ({why})."
            " Restore it from a backup, or use another database."
        )

    def compiled(self, query: "Executable") -> tuple[str, Row]:
        """The text of a query, and its parameters."""
        compiled: Any = query.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
        values = compiled.params
        return str(compiled), tuple(values[name] for name in compiled.positiontup or ())

    def storable(self, text: str) -> str:
        """The text with what PostgreSQL has no bytes for spelled out: half of a surrogate pair, and NUL."""
        return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")

    def renew_lock(self) -> None:
        """In a forked process, where a thread that is gone may have held it."""
        self._lock = Lock()

    def _open(self) -> "_Connection":
        seconds = max(1, round(self._timeout))
        raw = self._psycopg.connect(
            self.url,
            autocommit=True,
            connect_timeout=seconds,
            application_name="perdure",
            options=f"-c lock_timeout={seconds * 1000} -c client_encoding=UTF8",
        )
        return _Connection(raw)

    def _make_ready(self) -> None:
        connection = self._open()
        try:
            if connection.raw.info.server_version < _OLDEST:
                raise OrchestratorError(
                    f"{self.place} is PostgreSQL {connection.raw.info.server_version // 10_000}; 14 or newer is needed."
                )
            if _revision(connection) != HEAD:
                self._bring_to_head(connection)
        finally:
            connection.close()

    def _bring_to_head(self, connection: "_Connection") -> None:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))  # until the connection is closed
        revision = _revision(connection)  # another process may have been first
        if revision is None:
            connection.execute("BEGIN")
            self._create(connection)
            connection.execute("COMMIT")
        elif revision != HEAD:
            self._upgrade(revision)

    def _create(self, connection: "_Connection") -> None:
        """Make all tables: PostgreSQL was first served when there were some migrations already."""
        from sqlalchemy.schema import CreateIndex, CreateTable

        from perdure.orchestrator.sql.tables import metadata

        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=self._dialect)))
            for index in table.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=self._dialect)))
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", (HEAD,))

    def _upgrade(self, revision: str) -> None:
        from perdure.orchestrator.sql.migrations import known_revisions, upgrade_postgresql

        if revision not in known_revisions():
            raise OrchestratorError(
                f"The database {self.place} was written by a newer Perdure (revision {revision}); upgrade perdure."
            )
        upgrade_postgresql(lambda: self._psycopg.connect(self.url))

    def _has_committed(self, connection: "_Connection") -> bool:
        """Whether a transaction was committed whose connection broke before the server could say so."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                asked = self._open()
                try:
                    statement = "SELECT pg_xact_status(%s::text::xid8)"
                    while asked.execute(statement, (connection.transaction,)).fetchone()[0] == "in progress":
                        time.sleep(0.05)
                    return bool(asked.execute(statement, (connection.transaction,)).fetchone()[0] == "committed")
                finally:
                    asked.close()
            except self._psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)


class _Connection:
    """One of psycopg's, with the few methods that the SQL code uses, and its transaction's number."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self.raw = raw
        self.transaction: str | None = None

    @property
    def in_transaction(self) -> bool:
        from psycopg.pq import TransactionStatus

        return self.raw.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Cursor:
        return self.raw.execute(statement, tuple(parameters) or None)

    def executemany(self, statement: str, rows: Sequence[Row], /) -> object:
        cursor = self.raw.cursor()
        cursor.executemany(statement, rows)  # one round trip for all
        return cursor

    def commit(self) -> Exception | None:
        """Commit; the error of a connection that broke before the server had answered."""
        import psycopg

        row = self.raw.execute("SELECT pg_current_xact_id()::text").fetchone()
        self.transaction = None if row is None else row[0]
        try:
            self.raw.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self.raw.closed:
                return error
            raise
        return None

    def close(self) -> None:
        self.raw.close()


def _revision(connection: _Connection) -> str | None:
    """The migration that the database is at; None if it has no table of migrations."""
    row = connection.execute("SELECT to_regclass('alembic_version')::text").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])
