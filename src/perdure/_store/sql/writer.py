"""The one writer of a process: what waits is committed in groups, in order, and once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from perdure._model.errors import RecordRefused, RunTakenOver
from perdure._model.records import Owner, Record
from perdure._store.buffer import Waiting
from perdure._store.sql.call_dedup import current_call, once
from perdure._store.sql.database import Connection, Database
from perdure._store.sql.fencing import Epochs, asked_claims, kept, lost_claims, may_have_ended, without_late_ends
from perdure._store.sql.reconnect import reaching
from perdure._store.sql.record_batches import Arrivals, Batch

T = TypeVar("T")
# What a record that cannot be stored raises, beside the refusals of the database.
_REFUSALS = (AttributeError, LookupError, TypeError, ValueError, OverflowError)


class Writer(Waiting):
    """Commits what it takes, by one connection."""

    def __init__(self, database: Database, interval_seconds: float) -> None:
        self._database = database
        self._statements = database.statements
        self.refusals: tuple[type[Exception], ...] = (*_REFUSALS, *database.refusals)
        super().__init__(interval_seconds)

    def _begin(self) -> None:
        super()._begin()
        self._connection: Connection | None = None
        self._arrivals = Arrivals()

    def begin_in_fork(self, abandon: Callable[[list[Connection]], None]) -> None:
        """Start afresh in a forked process, leaving the connection and the records to the parent."""
        if self._connection is not None:
            abandon([self._connection])
        self._begin()

    def execute(self, statement: str, parameters: tuple[object, ...]) -> int:
        """Commit one statement, after all that was reported; how many rows it changed."""
        self.flush()
        return self.execute_apart(statement, parameters)

    def execute_apart(self, statement: str, parameters: tuple[object, ...]) -> int:
        """Commit one statement before what was reported, which stays buffered; how many rows it changed."""
        if current_call.get() is None:
            return self._attempt(lambda: self._database.execute_apart(self._connected(), statement, parameters))
        return self._once(lambda connection: connection.execute(statement, parameters).rowcount)

    def execute_unless(
        self, statement: str, parameters: tuple[object, ...], undo: str, undo_parameters: tuple[object, ...]
    ) -> int:
        """The same, with another statement in its transaction that may take it back: then it has changed nothing."""

        def change(connection: Connection) -> int:
            count = connection.execute(statement, parameters).rowcount
            return 0 if count and connection.execute(undo, undo_parameters).rowcount else count

        return self._once(change)

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Do what takes several statements in one transaction, before what was reported, which stays buffered."""
        with self.writing():
            return self.within(work)

    def transact_once(self, work: Callable[[Connection], T], again: Callable[[Connection], T]) -> T:
        """The same of what is part of a call that may come a second time: then `again` gives what it gave."""

        def attempt(connection: Connection) -> T:
            call = current_call.get()
            if call is None:
                return work(connection)
            done: list[T] = []

            def change() -> int:
                done.append(work(connection))
                return 0

            once(connection, self._statements, call, change)
            return done[0] if done else again(connection)

        return self.transact(attempt)

    def commit_together(
        self,
        records: list[Record],
        unless: tuple[str, tuple[object, ...]] | None = None,
        claimed: str | None = None,
        owner: Owner | None = None,
        lock: tuple[str, tuple[object, ...]] | None = None,
    ) -> bool:
        """Commit all that was reported, then all these records, or none of them, in one transaction.

        `unless` is a statement that comes first: where it changes no row, nothing is written, and the answer is False.
        `claimed` is the flow run that this claims: of those below it, no end is written that have ended by themselves.
        `lock` is one that comes before that, so that `unless` sees what those committed for whom the lock waited.
        `owner` is the claim under which they are written.

        Raises:
            RunTakenOver: it has been lost.
            OrchestratorError: they could not be committed, and do not wait either.
        """

        def write(connection: Connection, hopes: bool = True) -> int:
            # On a server, what is most likely is written without waiting for the answers, and undone if it was not so.
            batch = self._folded(records) if hopes and self._may_hope(records, claimed, owner) else None
            with self._database.at_once(connection, commits=batch is not None):
                if lock is not None:
                    connection.execute(*lock)
                changed = None if unless is None else connection.execute(*unless)
                newest = None
                if claimed is not None:  # so that ours come after them, though the clock was set back since
                    newest = connection.execute(self._statements.newest_arrival, (claimed,))
                if batch is not None:
                    self._put(connection, batch)
            is_refused = changed is not None and changed.rowcount == 0
            arrival = None if is_refused or newest is None else newest.fetchone()[0]
            if arrival is not None:
                self._arrivals.pass_by(arrival)
            if batch is not None and not is_refused and (arrival is None or arrival < batch.first_arrival):
                return 1
            if batch is not None:
                connection.execute("ROLLBACK")
                connection.execute(self._database.begin)
            if is_refused:
                return 0
            if batch is not None:
                return write(connection, hopes=False)
            if owner is not None and lost_claims(connection, self._statements, dict([owner])):
                raise RunTakenOver(f"The flow run {owner.flow_run_id} was taken over by another process.")
            held = records if claimed is None else without_late_ends(connection, self._statements, records, claimed)
            self.apply(connection, held)
            return 1

        self.flush()
        return self._once(write) == 1

    def _may_hope(self, records: Sequence[Record], claimed: str | None, owner: Owner | None) -> bool:
        """Whether what is to be written is known before what is there has been read."""
        if self._database.kind == "sqlite" or owner is not None or current_call.get() is not None:
            return False
        return not may_have_ended(records, claimed)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Within the block, this thread alone may use the connection; its errors are Perdure's."""
        with self._write_lock, self._database.errors():
            yield

    def _attempt(self, work: Callable[[], T]) -> T:
        """Do something by the connection; again, while the database's server is away."""

        def attempt() -> T:
            try:
                return work()
            except self.refusals as error:
                raise RecordRefused(f"The database refused records: {error}") from error

        with self._write_lock:
            return reaching(self._database, attempt)

    def within(self, work: Callable[[Connection], T]) -> T:
        """Have `work` done in one transaction, which is undone if it fails; inside `writing`."""
        connection = self._connected()
        try:
            connection.execute(self._database.begin)
            outcome = work(connection)
            self._database.commit(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcome

    def without_lost(
        self, connection: Connection, records: Sequence[Record], epochs: Epochs
    ) -> tuple[Iterable[tuple[int, Record]], Epochs]:
        """In an open transaction, the records but those of lost flow runs, with their places; and the lost claims."""
        lost = lost_claims(connection, self._statements, epochs) if epochs else ()
        if not lost:
            return enumerate(records), {}
        return kept(connection, self._statements, records, lost), {id: epochs[id] for id in lost}

    def apply(self, connection: Connection, records: Sequence[Record]) -> None:
        """Write records in the transaction that is open on the connection."""
        self._put(connection, self._folded(records))

    def _put(self, connection: Connection, batch: Batch) -> None:
        steps, in_one = batch.statements(self._statements), self._database.in_one
        if in_one is not None and (one := in_one(steps)) is not None:
            connection.execute(*one)
            return
        for statement, rows in steps:
            self._database.put(connection, statement, rows)

    def _folded(self, records: Sequence[Record]) -> Batch:
        return Batch(records, self._arrivals.take(len(records)), self._statements.absent)

    def storable(self, record: Record) -> Record:
        """A record whose texts the database has bytes for: what it has none for is spelled out."""
        storable = self._database.storable
        return type(record)._make(storable(value) if type(value) is str else value for value in record)

    def _once(self, change: Callable[[Connection], int]) -> int:
        """Change something in one transaction: once, if it is part of a call that may come again."""

        def work(connection: Connection) -> int:
            call = current_call.get()
            if call is None:
                return change(connection)
            return once(connection, self._statements, call, lambda: change(connection))

        return self._attempt(lambda: self.within(work))

    def follow(self, arrival: int) -> None:
        """Have what is written from now on come after a state that another process wrote, whatever the clocks say."""
        with self._write_lock:
            self._arrivals.pass_by(arrival)

    def _write_out(self, records: list[Record]) -> None:
        if self._database.kind == "sqlite":  # it has no server that could be away
            with self._database.errors():
                self._commit_all(records)
        else:
            reaching(self._database, lambda: self._commit_all(records))

    def _commit_all(self, records: list[Record]) -> None:
        try:
            self._commit_group(records)
        except self.refusals:
            self._commit_singly(records)

    def _close_connections(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _commit_group(self, records: list[Record]) -> None:
        """Commit the records in one transaction and remove them from the list."""
        connection = self._connected()
        batch = self._folded(records)
        ends = False
        lost: Epochs = {}
        try:
            with self._database.at_once(connection, commits=True):
                connection.execute(self._database.begin)
                epochs = self.epochs
                lost_ones = asked_claims(connection, self._statements, epochs) if epochs else None
                self._put(connection, batch)
            if lost_ones is not None and lost_ones():
                connection.execute("ROLLBACK")
                connection.execute(self._database.begin)
                owned, lost = self.without_lost(connection, records, epochs)
                batch = self._folded([record for _, record in owned])
                self._put(connection, batch)
            ends = True
            # Flow runs begin and end in a database that is there; what their tasks come to in between is one of many.
            self._database.commit(connection, one_of_many=not batch.flow_runs)
            records.clear()
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            elif ends and not isinstance(error, Exception):
                records.clear()  # interrupted just after the commit: they must not be written twice
            raise
        if lost:
            self.hear_of_lost(lost)

    def _commit_singly(self, records: list[Record]) -> None:
        """Commit each record by itself, so that one that cannot be stored stops no other."""
        while records:
            record = records[0]
            try:
                self._commit_group([self.storable(record)])
            except self.refusals as error:
                self._refused.append(f"{record!r} ({error})")
            del records[0]

    def _connected(self) -> Connection:
        if self._connection is None or self._database.is_lost(self._connection):
            self._connection = self._database.connect(instead_of=self._connection)
        return self._connection
