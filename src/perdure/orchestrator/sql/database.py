"""What the SQL code needs of a database: connections, transactions, and what its errors mean."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from perdure.core.errors import DatabaseCorrupt
from perdure.orchestrator.sql.statements import Statements

if TYPE_CHECKING:  # what only runs imports no SQLAlchemy
    from sqlalchemy import Executable

Row = tuple[Any, ...]


class Cursor(Protocol):
    """What a statement came to."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""


class Connection(Protocol):
    """A connection outside of a transaction, unless one was begun; one thread at a time may use it."""

    @property
    def in_transaction(self) -> bool:
        """Whether one was begun that has not ended."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, statement: str, rows: Sequence[Row], /) -> object:
        """Run one statement with each of the rows."""

    def close(self) -> None:
        """Let go of it; a transaction that has not ended is undone."""


class Database(Protocol):
    """SQLite or PostgreSQL."""

    statements: Statements
    begin: str  # the statement that begins a writing transaction
    refusals: tuple[type[Exception], ...]  # what a row that cannot be stored raises, whatever the database's state

    def connect(self) -> Connection:
        """A connection to the database, whose tables are made or upgraded if that is needed.

        Raises:
            OrchestratorError: it cannot be reached, opened or written, or a newer Perdure wrote it.
            DatabaseCorrupt: it is damaged, or not one of Perdure's.
        """

    def commit(self, connection: Connection) -> None:
        """End a transaction; when this returns, it is committed."""

    def is_lost(self, connection: Connection) -> bool:
        """Whether the other side of the connection is gone, so that another one is needed."""

    def errors(self) -> AbstractContextManager[None]:
        """Raise the driver's errors as Perdure's, with the database and the mend named."""

    def damaged(self, why: object) -> DatabaseCorrupt:
        """The error to raise when the database holds what Perdure never wrote."""

    def compiled(self, query: "Executable") -> tuple[str, Row]:
        """The text of a query, and its parameters."""

    def storable(self, text: str) -> str:
        """The text with what the database has no bytes for spelled out."""

    def renew_lock(self) -> None:
        """In a forked process, where a thread that is gone may have held a lock."""
