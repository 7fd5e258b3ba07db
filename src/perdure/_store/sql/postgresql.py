"""A PostgreSQL database, 14 or newer: connecting, making or upgrading its tables, and what its errors mean."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from perdure import _rooms
from perdure._model.errors import DatabaseCorrupt, OrchestratorError, OrchestratorUnreachable
from perdure._store.sql.database import Connection, InOne, Row
from perdure._store.sql.postgresql_bulk import in_one
from perdure._store.sql.postgresql_connection import PostgreSQLConnection, revision_of
from perdure._store.sql.schema import HEAD
from perdure._store.sql.statements import Statements

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Executable

_OLDEST = 140_000  # as the server counts its versions
_LOCK = 0x7065_7264_7572_6521  # of the making of tables: "perdure!" as the bytes of a number
_FORM = "postgresql://user:password@host:5432/name, with %40 for an @ in the password"
_MISSING = "PostgreSQL needs the package psycopg. Install perdure[postgresql]."
_FIRST = "0005"  # the migration that PostgreSQL was first served at
_FULL = "Raise max_connections of the server, or run fewer processes at once."
_REMEDIES = {
    "25006": "It does not accept writes now: it is a standby, or another server has taken over. Give the URL of the"
    " one that accepts writes, or of all of them; target_session_attrs=any in the URL reads from any.",
    "08": "See that the server runs, and that its host and port are right.",
    "28": "See that the user and the password in the URL are right.",
    "3D": "Make it first: createdb NAME.",
    "42": "Give the user the right to it, or move what is there away.",
    "53": "It lacks space, memory or connections. What was not written yet is kept and tried again.",
    "53300": _FULL,
    "40": "Transactions of several processes were in each other's way, again and again.",
    "57": "It was stopped, or is starting.",
}
# Of a connection that is refused, psycopg says no code, but what the server said.
_SAID = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "authentication failed": "28000",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "the database system is": "57P03",  # starting up, shutting down, in recovery mode
    "session is read-only": "25006",
    "in hot standby mode": "25006",
    'database "': "3D000",
    'role "': "28000",
}
_UNREACHABLE = frozenset({"08", "25006", "40", "57"})  # what may go well the next time
_PASSING = frozenset({"25006", "53300", "57P03"})  # what a new connection waits for
# A server that was demoted answers on: only one that takes writes is connected to, whichever host it is on by then.
_WRITABLE = {"target_session_attrs": "read-write"}
_KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
_AGAIN_SECONDS = 0.1


SPELLINGS = {
    "text": 'TEXT COLLATE "C"',
    "clustered": "",
    "join": "JOIN",
    "inside open": "UNION SELECT CAST(child.id AS varchar(36)) FROM open JOIN ("
    " SELECT parent_flow_run_id AS parent, id FROM flow_run WHERE parent_flow_run_id IS NOT NULL"
    " UNION ALL SELECT parent, id FROM inside) AS child ON child.parent = open.id",
    **{name: f"(retention::json ->> '{name}')::double precision" for name in ("age", "runs", "size")},
    **{name: f"(retention::json ->> '{name}')" for name in ("of", "run")},
    "texts": "SELECT json_array_elements_text(CAST(:texts AS json))",
    "pairs": "SELECT pair.value ->> 0, pair.value ->> 1 FROM json_array_elements(CAST(:pairs AS json)) AS pair (value)",
    "parameter": r"%(\1)s",
    "flag": "CAST(CAST(:flag AS int) AS boolean)",
    "prepare": "SET work_mem = '256MB'",  # else the comparisons of large tables are done row by row
}


def _may_pass(code: str) -> bool:
    return code in _UNREACHABLE or code[:2] in _UNREACHABLE


class PostgreSQL:
    """A database by its URL, such as `postgresql://user:password@host:5432/name`.

    How long to wait for a connection, for a lock, and for a server that went away, is `timeout_seconds`. Each commit
    is on the server's disk, as the server is set.

    Raises:
        OrchestratorError: psycopg is not installed, or the URL is malformed.
    """

    kind: Literal["sqlite", "postgresql"] = "postgresql"
    spellings: Mapping[str, str] = SPELLINGS
    begin: str = "BEGIN"
    in_one: InOne | None
    begin_view: str = "BEGIN ISOLATION LEVEL REPEATABLE READ"
    refusals: tuple[type[Exception], ...]

    def __init__(self, url: str, timeout_seconds: float = 60.0) -> None:
        try:
            import psycopg
        except ImportError:
            raise OrchestratorError(_MISSING) from None
        from sqlalchemy.dialects.postgresql import psycopg as dialects  # here: two threads could see half of it

        self.statements = Statements(mark="%s", absent=None, flag="(%s)::int::boolean", share=" FOR SHARE")
        self.in_one = partial(in_one, self.statements)
        self.refusals = (psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError)
        try:
            self._url_parts = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:  # which may say the password
            raise OrchestratorError(f"The database's URL is malformed. Write it as {_FORM}.") from None
        self.url = url
        self.timeout_seconds = timeout_seconds
        self._psycopg = psycopg
        self._dialect = dialects.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
        self._lock = Lock()
        self._ready = False  # its tables are made
        self._reached = False

    @property
    def is_read_only(self) -> bool:
        """Never, as far as is known here: a server that stands by is refused."""
        return False

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        parts = self._url_parts
        host, name = parts.get("host") or "localhost", parts.get("dbname") or parts.get("user") or ""
        return f"PostgreSQL {name!r} on {host}" + (f":{parts['port']}" if parts.get("port") else "")

    @property
    def was_reached(self) -> bool:
        """Whether it has been connected to."""
        return self._reached

    def connect(self, instead_of: Connection | None = None, *, reads: bool = False) -> Connection:
        """A connection to the database, whose tables are made or upgraded if that is needed.

        The transaction of one that it comes `instead_of` is ended: a server may not know for long that a network was
        cut, and would keep its locks.
        """
        with self._lock:
            if not self._ready:
                with self.errors():
                    self._make_ready()
                self._ready = True
        with self.errors():
            connection = self._open()
            if not reads:
                connection.look_at_checkpoint()
            if isinstance(instead_of, PostgreSQLConnection):
                connection.end(instead_of)
        return connection

    def commit(self, connection: Connection, one_of_many: bool = False) -> None:  # noqa: ARG002
        """End a transaction; when this returns, it is committed, even if the connection broke on the way."""
        assert isinstance(connection, PostgreSQLConnection)
        error = connection.commit()
        if error is not None and not self._has_committed(connection):
            raise error

    def put(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        """Run one statement with each of the rows, in their order, inside a transaction."""
        connection.executemany(statement, rows)

    def execute_apart(self, connection: Connection, statement: str, parameters: Row) -> int:
        """Run one statement as a transaction of its own; how many rows it changed, even if the connection broke."""
        try:
            with self.at_once(connection, commits=True):
                connection.execute(self.begin)
                changed = connection.execute(statement, parameters)
            count = changed.rowcount
            self.commit(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return count

    def at_once(self, connection: Connection, commits: bool = False) -> AbstractContextManager[object]:
        """In the `with` block, statements are sent without waiting for what those before them answer."""
        assert isinstance(connection, PostgreSQLConnection)
        return connection.at_once(commits)

    def is_lost(self, connection: Connection) -> bool:
        """Whether the server has closed it, or is gone."""
        assert isinstance(connection, PostgreSQLConnection)
        return connection.closed

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise psycopg's errors as Perdure's, with the database and the mend named."""
        try:
            yield
        except self._psycopg.Error as error:
            raise self.explain(error) from None

    def explain(self, error: "psycopg.Error") -> OrchestratorError:
        """The error of Perdure's that stands for one of psycopg's."""
        code = self._code(error)
        text = " ".join(str(error).split()) or type(error).__name__
        if code in ("42P01", "42703"):  # no such table, no such column
            return self.damaged(text)
        raised = OrchestratorUnreachable if _may_pass(code) else OrchestratorError
        remedy = _REMEDIES.get(code) or _REMEDIES.get(code[:2], "")
        return raised(f"The database {self.place} failed: {text}. {remedy}".rstrip())

    def _code(self, error: "psycopg.Error") -> str:
        """The SQLSTATE of an error; that of a connection that failed, where there is none."""
        if error.sqlstate is not None or not isinstance(error, self._psycopg.OperationalError):
            return error.sqlstate or ""
        return next((code for said, code in _SAID.items() if said in str(error)), "08006")

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

    def revision(self) -> str | None:
        """The migration that its tables are at, empty before the first; None if it has none of Perdure's."""
        with self.errors(), closing(self._open()) as connection:
            return revision_of(connection)

    def migrate(self, to: str) -> None:
        """Bring its tables to a migration, up or down; what that one does not know is lost."""
        from perdure._store.sql.migrations import known_revisions

        if to not in known_revisions() or to < _FIRST:
            raise OrchestratorError(f"A PostgreSQL database cannot be at the migration {to!r}: they begin at {_FIRST}.")
        with self.errors(), closing(self._open()) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))  # until the connection is closed
            self._migrate(revision_of(connection), to)
        self._ready = False

    def pages(self, connection: Connection, query: str, size: int) -> Iterator[Sequence[Row]]:
        """The rows of a query, `size` at a time, as they are read; inside a transaction."""
        assert isinstance(connection, PostgreSQLConnection)
        with connection.raw.cursor("perdure_pages") as rows:
            rows.execute(query)
            while page := rows.fetchmany(size):
                yield page

    def load(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows, inside a transaction; what PostgreSQL has no bytes for is spelled out."""
        assert isinstance(connection, PostgreSQLConnection)
        names = ", ".join(f'"{column}"' for column in columns)
        with connection.raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copied:
            for row in rows:
                try:
                    copied.write_row(row)
                except (UnicodeEncodeError, self._psycopg.DataError):
                    copied.write_row([self.storable(each) if isinstance(each, str) else each for each in row])

    def all_rows(
        self,
        connection: Connection,
        columns: str,  # noqa: ARG002
        query: str,
        parameters: Mapping[str, object],
    ) -> Sequence[Row]:
        """All rows of a query for these columns."""
        return connection.execute(query, parameters).fetchall()

    def writes_seen(self, connection: Connection) -> int | None:  # noqa: ARG002
        """PostgreSQL has no such number."""
        return None

    def version(self, connection: Connection) -> str:
        """Such as `PostgreSQL 16.2`."""
        return f"PostgreSQL {connection.execute('SHOW server_version').fetchone()[0].split()[0]}"

    def sizes(self, connection: Connection) -> tuple[int, int | None]:
        """The bytes of the database; what of it is free, only the server knows."""
        return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]), None

    def count_on(self, connection: Connection, table: str, column: str) -> None:
        """Have the table's sequence continue after the highest number."""
        highest = f"coalesce(max({column}), 0) + 1, false) FROM {table}"
        connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {highest}")

    def gather_statistics(self, connection: Connection, *tables: str) -> None:
        """Count anew what plans go by: it would come too late by itself for what was just filled."""
        connection.execute(f"ANALYZE {', '.join(tables)}")

    def reclaim(self, connection: Connection) -> None:
        """Let what is written next use the free space, and count anew what plans go by."""
        connection.execute("VACUUM (ANALYZE)")

    def damage(self, connection: Connection) -> Sequence[str]:
        """What is wrong with what the server reads; it compares checksums where it was set up to have them."""
        try:
            names = connection.execute("SELECT relname FROM pg_stat_user_tables ORDER BY relname").fetchall()
            for (name,) in names:
                connection.execute(f'SELECT count(*) FROM "{name}"')
        except self._psycopg.Error as error:
            return [str(self.explain(error))]
        return []

    def differences(self) -> Sequence[str]:
        """How its tables and indices differ from the declared ones."""
        from perdure._store.sql.migrations import differences

        with self.errors():
            return differences(lambda: self._psycopg.connect(self.url), "postgresql+psycopg")

    def _open(self) -> "PostgreSQLConnection":
        """Connect; where the server is full or starting, or was there before and is gone, wait for it."""
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            try:
                return self._open_once()
            except self._psycopg.OperationalError as error:
                code = self._code(error)
                passes = code in _PASSING or (self._reached and _may_pass(code))
                if not passes or time.monotonic() > deadline:
                    raise
            time.sleep(_AGAIN_SECONDS)

    def _open_once(self) -> "PostgreSQLConnection":
        name = f"perdure {uuid4().hex[:16]}"
        seconds = max(1, round(self.timeout_seconds))
        options = f"{self._url_parts.get('options') or ''} -c lock_timeout={seconds * 1000} -c client_encoding=UTF8"
        ours = {"connect_timeout": seconds, **_KEPT_ALIVE, **_WRITABLE}
        added: dict[str, Any] = {name: value for name, value in ours.items() if name not in self._url_parts}
        raw = self._psycopg.connect(self.url, autocommit=True, application_name=name, options=options.strip(), **added)
        self._reached = True
        return PostgreSQLConnection(raw, name)

    def _make_ready(self) -> None:
        connection = self._open()
        try:
            if connection.raw.info.server_version < _OLDEST:
                raise OrchestratorError(
                    f"{self.place} is PostgreSQL {connection.raw.info.server_version // 10_000}; 14 or newer is needed."
                )
            if revision_of(connection) != HEAD or _rooms.from_elsewhere():
                self._bring_to_head(connection)
        finally:
            connection.close()

    def _bring_to_head(self, connection: "PostgreSQLConnection") -> None:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))  # until the connection is closed
        revision = revision_of(connection)  # another process may have been first
        if revision is None:
            connection.execute("BEGIN")
            self._create(connection)
            connection.execute("COMMIT")
        elif revision != HEAD:
            self._migrate(revision, HEAD)
        if _rooms.from_elsewhere():
            from perdure._store.sql.tables import missing_statements

            for statement in missing_statements(self._dialect):
                connection.execute(statement)

    def _create(self, connection: "PostgreSQLConnection") -> None:
        """Make all tables: PostgreSQL was first served when there were some migrations already."""
        from sqlalchemy.schema import CreateIndex, CreateTable

        from perdure._store.sql.tables import metadata

        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=self._dialect)))
            for index in table.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=self._dialect)))
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", (HEAD,))

    def _migrate(self, revision: str | None, to: str) -> None:
        from perdure._store.sql.migrations import known_revisions, migrate_postgresql

        if revision is None:
            raise OrchestratorError(f"{self.place} has no tables of Perdure's.")
        if revision not in known_revisions():
            raise OrchestratorError(
                f"The database {self.place} was written by a newer Perdure (revision {revision}); upgrade perdure."
            )
        migrate_postgresql(lambda: self._psycopg.connect(self.url), to)

    def _has_committed(self, connection: "PostgreSQLConnection") -> bool:
        """Whether a transaction was committed whose connection broke before the server could say so."""
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            try:
                asked = self._open()
                try:
                    asked.end(connection)
                    while (is_committed := asked.was_committed(connection)) is None:
                        time.sleep(0.05)
                    return is_committed
                finally:
                    asked.close()
            except self._psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)
