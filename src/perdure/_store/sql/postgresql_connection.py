"""A connection to PostgreSQL, as the SQL code uses it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perdure._store.sql.database import Cursor
from perdure._store.sql.postgresql_bulk import FEWEST, Bulk, bulk_of

if TYPE_CHECKING:
    import psycopg


_READ_ONLY = "25006"


class PostgreSQLConnection:
    """One of psycopg's, with the few methods that the SQL code uses, and its transaction's number."""

    def __init__(self, raw: "psycopg.Connection[Any]", name: str) -> None:
        self.raw = raw
        self.name = name
        self.transaction: str | None = None
        self._bulks: dict[str, Bulk | None] = {}  # by the statement of one row

    @property
    def in_transaction(self) -> bool:
        from psycopg.pq import TransactionStatus

        return self.raw.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = (), /) -> Cursor:
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

        row = self.raw.execute("SELECT pg_current_xact_id()::text").fetchone()
        self.transaction = None if row is None else row[0]
        try:
            self.raw.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self.raw.closed:
                return error
            raise
        return None

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
