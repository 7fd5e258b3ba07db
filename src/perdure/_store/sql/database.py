"""What the SQL code needs of a database: connections, transactions, and what its errors mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol

from perdure._model.errors import DatabaseCorrupt
from perdure._store.sql.statements import Statements

if TYPE_CHECKING:  # what only runs imports no SQLAlchemy
    from sqlalchemy import Executable

Row = tuple[Any, ...]
# Statements with their rows as one statement with its parameters, or None if they cannot be.
InOne = Callable[[Sequence[tuple[str, Sequence[Row]]]], tuple[str, Row] | None]


NOBODY: AbstractContextManager[object] = nullcontext()  # in whose block nobody has to be waited for


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

    def execute(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, statement: str, rows: Sequence[Row] | Sequence[Mapping[str, object]], /) -> object:
        """Run one statement with each of the rows."""

    def close(self) -> None:
        """Release it; a transaction that has not ended is undone."""


class Database(Protocol):
    """SQLite or PostgreSQL."""

    kind: Literal["sqlite", "postgresql"]
    statements: Statements
    spellings: Mapping[str, str]  # of the words in `pruning` that databases write differently
    begin: str  # the statement that begins a writing transaction
    begin_view: str  # the one that begins a transaction that sees all as it is now, and keeps nobody from writing
    in_one: InOne | None  # where statements by themselves cost much
    timeout_seconds: float  # how long to wait for a lock, or for a server that was there and is gone
    refusals: tuple[type[Exception], ...]  # what a row that cannot be stored raises, whatever the database's state

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""

    @property
    def is_read_only(self) -> bool:
        """Whether it can be read, and not written."""

    @property
    def was_reached(self) -> bool:
        """Whether it has been connected to, so that its parameters are right."""

    def connect(self, instead_of: Connection | None = None, *, reads: bool = False) -> Connection:
        """A connection to the database, whose tables are made or upgraded if that is needed.

        It may come in the place of one that was lost, whose transaction is then ended. One of several that only read
        keeps less of the database in memory.

        Raises:
            OrchestratorError: it cannot be reached, opened or written, or a newer Perdure wrote it.
            DatabaseCorrupt: it is damaged, or not one of Perdure's.
        """

    def commit(self, connection: Connection, one_of_many: bool = False) -> None:
        """End a transaction; when this returns, it is committed.

        Of `one_of_many` that follow each other, what could only be found out at a cost need not be found out by each.
        """

    def put(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        """Run one statement with each of the rows, in their order, inside a transaction."""

    def execute_apart(self, connection: Connection, statement: str, parameters: Row) -> int:
        """Run one statement as a transaction of its own; how many rows it changed."""

    def at_once(self, connection: Connection, commits: bool = False) -> AbstractContextManager[object]:
        """In the `with` block, statements are sent without waiting for what those before them answer.

        `commits` says that nothing more is written in the transaction, and that its commit comes next.
        """

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

    def revision(self) -> str | None:
        """The migration that its tables are at, empty before the first; None if it has none of Perdure's."""

    def migrate(self, to: str) -> None:
        """Bring its tables to a migration, up or down; what that one does not know is lost.

        Raises:
            OrchestratorError: the migration is unknown, or older than all that this kind of database ever had.
        """

    def pages(self, connection: Connection, query: str, size: int) -> Iterator[Sequence[Row]]:
        """The rows of a query, `size` at a time, as they are read; inside a transaction."""

    def load(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows, inside a transaction."""

    def all_rows(
        self, connection: Connection, columns: str, query: str, parameters: Mapping[str, object]
    ) -> Sequence[Row]:
        """All rows of a query for these columns, which may be many, beside threads that hold Python's lock."""

    def writes_seen(self, connection: Connection) -> int | None:
        """A number that changes when another connection has written; None if that is unknown."""

    def version(self, connection: Connection) -> str:
        """What it is, and of which version, such as `SQLite 3.45.1`."""

    def sizes(self, connection: Connection) -> tuple[int, int | None]:
        """The bytes that it takes, and those of them that are free to be used again, if that is known."""

    def count_on(self, connection: Connection, table: str, column: str) -> None:
        """After rows of a table that are numbered by the database were loaded, continue with higher numbers."""

    def gather_statistics(self, connection: Connection, *tables: str) -> None:
        """After many rows were written, to these tables or to all, update the statistics that plans rely on."""

    def reclaim(self, connection: Connection) -> None:
        """Give back what is free, outside a transaction: to the disk (SQLite), or to what is written next."""

    def damage(self, connection: Connection) -> Sequence[str]:
        """What is wrong with it as a database; reads all of it."""

    def differences(self) -> Sequence[str]:
        """How its tables and indices differ from the declared ones."""
