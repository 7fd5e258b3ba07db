"""A connection to PostgreSQL, as the SQL code uses it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from perdure._store.sql.database import Cursor
from perdure._store.sql.postgresql_bulk import FEWEST, Bulk, bulk_of

if TYPE_CHECKING:
    import psycopg


_READ_ONLY = "25006"
# A checkpoint while a server runs begins before its entry in the log; those of a start and of an end are where it is.
_BEGAN_ANEW = """
    SELECT redo_lsn <> %(before)s::text::pg_lsn AND redo_lsn = checkpoint_lsn AND redo_lsn < %(end)s::text::pg_lsn
    FROM pg_control_checkpoint()
"""


class _Nothing:
    """What a statement came to that was not sent."""

    rowcount = 0

    def fetchone(self) -> None:
        """No row."""

    def fetchall(self) -> list[Any]:
        """No rows."""
        return []


_NOTHING = _Nothing()


class PostgreSQLConnection:
    """One of psycopg's, with the few methods that the SQL code uses, and its transaction's number."""

    def __init__(self, raw: "psycopg.Connection[Any]", name: str) -> None:
        self._raw = raw
        self._begins = ""  # the statement that begins a transaction, to be sent with the first one of it
        self._is_at_once = False
        self._asked: Cursor | None = None  # for what is to be known before a COMMIT
        self.name = name
        self.transaction: str | None = None
        self.checkpoint: str | None = None  # of the server, when the connection was made: see `was_committed`
        self.written_to = ""  # where the server's log ended before the COMMIT
        self._bulks: dict[str, Bulk | None] = {}  # by the statement of one row

    @property
    def raw(self) -> "psycopg.Connection[Any]":
        """Psycopg's own connection, in the transaction that was begun."""
        if self._begins and not self._raw.closed:
            self._send_begin()
        return self._raw

    @property
    def closed(self) -> bool:
        """Whether it is of no use any more."""
        return self._raw.closed

    @property
    def in_transaction(self) -> bool:
        from psycopg.pq import TransactionStatus

        status = self._raw.info.transaction_status
        return bool(self._begins) or status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, object] = (), /) -> Cursor:
        """Run one statement. A BEGIN is sent with what follows it, a ROLLBACK of what was not sent is none."""
        if statement.startswith("BEGIN"):
            self._begins = statement
            return _NOTHING
        if statement == "ROLLBACK":
            self._asked = None
            if self._begins:
                self._begins = ""
                return _NOTHING
        with self._left_if_read_only():
            if self._begins and not self._is_at_once:
                with self._together():
                    return self.raw.execute(statement, parameters or None)
            return self.raw.execute(statement, parameters or None)

    def executemany(self, statement: str, rows: Sequence[Any], /) -> object:
        with self._left_if_read_only():
            if len(rows) == 1:
                return self.raw.execute(statement, rows[0])
            if len(rows) >= FEWEST and (bulk := self._bulk(statement)) is not None:
                return self.raw.execute(bulk.statement, bulk.columns(rows))
            cursor = self.raw.cursor()
            cursor.executemany(statement, rows)  # one round trip for all
            return cursor

    @contextmanager
    def at_once(self, commits: bool) -> Iterator[None]:
        """In the `with` block, statements are sent without waiting for the answers; if it `commits`, what is to be
        known before that is asked with them."""
        self._is_at_once = True
        try:
            with self._left_if_read_only(), self._together():
                yield
                if commits:
                    self._ask()
        finally:
            self._is_at_once = False

    def _together(self) -> AbstractContextManager[object]:
        import psycopg

        return self._raw.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()

    def _send_begin(self) -> None:
        statement, self._begins = self._begins, ""
        self._raw.execute(statement)

    @contextmanager
    def _left_if_read_only(self) -> Iterator[None]:
        """Count the connection as lost once its server takes no writes: by now another one may, at the same address."""
        try:
            yield
        except Exception as error:
            if getattr(error, "sqlstate", None) == _READ_ONLY:
                self._raw.close()
            raise

    def _bulk(self, statement: str) -> Bulk | None:
        if statement not in self._bulks:
            self._bulks[statement] = bulk_of(statement, self._types)
        return self._bulks[statement]

    def _types(self, table: str) -> Mapping[str, str]:
        query = "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass"
        return dict(self.raw.execute(query, (table,)).fetchall())

    def commit(self) -> Exception | None:
        """Commit; the error of a connection that broke before the server had answered."""
        import psycopg

        if self._begins:  # nothing was done
            self._begins = ""
            return None
        asked = self._asked or self._ask()
        self._asked = None
        row = asked.fetchone()
        self.transaction, self.written_to = (None, "") if row is None else row
        try:
            self._raw.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self._raw.closed:
                return error
            raise
        return None

    def _ask(self) -> Cursor:
        """Ask for the transaction's number, and for where the log ends: what it writes afterwards is little."""
        end = "''" if self.checkpoint is None else "pg_current_wal_insert_lsn()::text"
        self._asked = self._raw.execute(f"SELECT pg_current_xact_id()::text, {end}")
        return self._asked

    def look_at_checkpoint(self) -> None:
        """Note the server's last checkpoint, where it says that: some that are hosted do not."""
        import psycopg

        with suppress(psycopg.DatabaseError):
            query = "SELECT redo_lsn::text, pg_current_wal_insert_lsn() FROM pg_control_checkpoint()"
            row = self.raw.execute(query).fetchone()
            self.checkpoint = None if row is None else row[0]

    def was_committed(self, lost: "PostgreSQLConnection") -> bool | None:
        """Whether the transaction of a connection that was lost was committed; None while that is being done.

        A server that crashed begins again with what its log on disk has, and gives the numbers of transactions of which
        nothing is there to others, which may be committed. It makes a checkpoint first, at the end of that log: if the
        lost connection's transaction had written further, it is gone, whatever is said of its number.
        """
        import psycopg

        if lost.checkpoint is not None:
            row = self.raw.execute(_BEGAN_ANEW, {"before": lost.checkpoint, "end": lost.written_to}).fetchone()
            if row is not None and row[0]:
                return False
        try:
            row = self.raw.execute("SELECT pg_xact_status(%s::text::xid8)", (lost.transaction,)).fetchone()
        except psycopg.errors.InvalidParameterValue:  # it is of the future: a crash has undone that it was given
            return False
        return None if row is None or row[0] == "in progress" else bool(row[0] == "committed")

    def end(self, lost: "PostgreSQLConnection") -> None:
        """Have the server close a connection that was lost, with its transaction."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        self.raw.execute(query, (lost.name,))

    def close(self) -> None:
        self._raw.close()


def revision_of(connection: PostgreSQLConnection) -> str | None:
    """The migration that the database is at; None if it has no table of migrations."""
    row = connection.execute("SELECT to_regclass('alembic_version')::text").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])
