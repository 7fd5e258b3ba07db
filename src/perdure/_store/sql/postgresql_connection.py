"""A connection to PostgreSQL, as the SQL code uses it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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


class PostgreSQLConnection:
    """One of psycopg's, with the few methods that the SQL code uses, and its transaction's number."""

    def __init__(self, raw: "psycopg.Connection[Any]", name: str) -> None:
        self.raw = raw
        self.name = name
        self.transaction: str | None = None
        self.checkpoint: str | None = None  # of the server, when the connection was made: see `was_committed`
        self.written_to = ""  # where the server's log ended before the COMMIT
        self._bulks: dict[str, Bulk | None] = {}  # by the statement of one row

    @property
    def in_transaction(self) -> bool:
        from psycopg.pq import TransactionStatus

        return self.raw.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, object] = (), /) -> Cursor:
        with self._left_if_read_only():
            return self.raw.execute(statement, parameters or None)

    def executemany(self, statement: str, rows: Sequence[Any], /) -> object:
        with self._left_if_read_only():
            if len(rows) >= FEWEST and (bulk := self._bulk(statement)) is not None:
                return self.raw.execute(bulk.statement, bulk.columns(rows))
            cursor = self.raw.cursor()
            cursor.executemany(statement, rows)  # one round trip for all
            return cursor

    @contextmanager
    def _left_if_read_only(self) -> Iterator[None]:
        """Count the connection as lost once its server takes no writes: by now another one may, at the same address."""
        try:
            yield
        except Exception as error:
            if getattr(error, "sqlstate", None) == _READ_ONLY:
                self.raw.close()
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

        end = "''" if self.checkpoint is None else "pg_current_wal_insert_lsn()::text"
        row = self.raw.execute(f"SELECT pg_current_xact_id()::text, {end}").fetchone()
        self.transaction, self.written_to = (None, "") if row is None else row
        try:
            self.raw.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self.raw.closed:
                return error
            raise
        return None

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
        """Have the server let go of a connection that was lost, with its transaction."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        self.raw.execute(query, (lost.name,))

    def close(self) -> None:
        self.raw.close()


def revision_of(connection: PostgreSQLConnection) -> str | None:
    """The migration that the database is at; None if it has no table of migrations."""
    row = connection.execute("SELECT to_regclass('alembic_version')::text").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])
