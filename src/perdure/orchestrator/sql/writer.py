"""The one writer of a process: records wait in memory and are committed in groups, in order.

Nothing waits for a busy writer thread: a thread that computes holds Python's lock for milliseconds
between another's statements. So whoever needs a commit writes all that waits, in its own thread; the
flusher's thread writes only what nobody came for.
"""

import time
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from perdure.core.errors import OrchestratorError
from perdure.core.records import BlockRecord, CacheRecord, Record, ReleaseRecord
from perdure.orchestrator.sql.batch import Arrivals, Batch
from perdure.orchestrator.sql.database import Connection, Database
from perdure.orchestrator.sql.reaching import reaching

T = TypeVar("T")
_GROUP = 4_000  # records; when more wait, the thread that reports writes them
_MOST = 200_000  # records that may wait while the database cannot be written
_RETRY_SECONDS = 1.0

# Read by key in the middle of runs: a read has to see those that wait.
_KEYED = frozenset({CacheRecord, ReleaseRecord, BlockRecord})
# What a record that cannot be stored raises, beside the refusals of the database.
_REFUSALS = (AttributeError, LookupError, TypeError, ValueError, OverflowError)


class Writer:
    """Takes records and commits them."""

    def __init__(self, database: Database, interval_seconds: float) -> None:
        self._database = database
        self._statements = database.statements
        self._refusals: tuple[type[Exception], ...] = (*_REFUSALS, *database.refusals)
        self._interval = interval_seconds
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[Record] = []
        self._waiting_lock = Lock()  # guards the waiting records and the counts of what was reported
        self._write_lock = Lock()  # guards the connection
        self._connection: Connection | None = None
        self._reported = self._committed = 0
        self._keyed_reported = self._keyed_committed = 0
        self._failed_at: float | None = None
        self._refused: list[str] = []
        self._arrivals = Arrivals()
        self._flusher: Thread | None = None
        self._wake = Event()
        self._ended = Event()

    def begin_in_fork(self, abandon: Callable[[list[Connection]], None]) -> None:
        """Begin anew in a forked process, leaving the connection and the records to the parent."""
        if self._connection is not None:
            abandon([self._connection])
        self._begin()

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once, or after writing if too many wait."""
        if self._take(records, wake=True) > _GROUP:
            self._relieve()

    def commit(self, records: Iterable[Record]) -> None:
        """Take the records and return when all that was reported is committed."""
        self._take(records, wake=False)
        self.flush()

    def flush(self) -> None:
        """Return when all that was reported is committed.

        Raises:
            OrchestratorError: it could not be committed, and waits on; or a record was refused for good.
        """
        self._flush()
        if self._refused:
            with self._waiting_lock:
                refused, self._refused = self._refused, []
            raise OrchestratorError(f"{len(refused)} records were refused by the database; the first: {refused[0]}")

    @property
    def holds_keyed(self) -> bool:
        """Whether a cache key, its release or a block was reported that is not committed yet."""
        return self._keyed_committed != self._keyed_reported

    @property
    def counts(self) -> tuple[int, int]:
        """How many records were reported until now, and how many of them are committed."""
        return self._reported, self._committed

    def execute(self, statement: str, parameters: tuple[Any, ...]) -> int:
        """Commit one statement, after all that was reported; how many rows it changed."""
        self.flush()
        return self.execute_apart(statement, parameters)

    def execute_apart(self, statement: str, parameters: tuple[Any, ...]) -> int:
        """Commit one statement before what was reported, which goes on waiting; how many rows it changed."""
        with self._write_lock:
            return reaching(
                self._database, lambda: self._database.execute_apart(self._connected(), statement, parameters)
            )

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Do what takes several statements in one transaction, before what was reported, which goes on waiting."""
        with self._write_lock, self._database.errors():
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

    def commit_together(self, records: list[Record], unless: tuple[str, tuple[Any, ...]] | None = None) -> bool:
        """Commit all that was reported, then all these records, or none of them, in one transaction.

        `unless` is a statement that comes first: where it changes no row, nothing is written, and the answer is False.

        Raises:
            OrchestratorError: they could not be committed, and do not wait either.
        """
        self.flush()
        with self._write_lock:
            try:
                return reaching(self._database, lambda: self._commit_group(records, unless))
            except self._refusals as error:
                raise OrchestratorError(f"The database refused what was to be committed together: {error}") from error

    def follow(self, arrival: int) -> None:
        """Have what is written from now on come after a state that another process wrote, whatever the clocks say."""
        with self._write_lock:
            self._arrivals.pass_by(arrival)

    def close(self) -> None:
        """Flush, end the thread and close the connection."""
        if self.closed:
            return
        self.flush()
        self.closed = True
        self._ended.set()
        self._wake.set()
        if self._flusher is not None:
            self._flusher.join()
        with self._write_lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def abandon(self) -> None:
        """Forget what waits to be committed, and close."""
        with self._write_lock, self._waiting_lock:
            self._waiting.clear()
            self._refused.clear()
            self._committed, self._keyed_committed = self._reported, self._keyed_reported
        self.close()

    def _take(self, records: Iterable[Record], wake: bool) -> int:
        """Let the records wait; how many wait now."""
        if self.closed:
            raise OrchestratorError("The orchestrator is closed and takes no more records.")
        taken = list(records)
        with self._waiting_lock:
            waiting = self._waiting
            was_empty = not waiting
            waiting += taken
            self._reported += len(taken)
            for record in taken:
                if type(record) in _KEYED:
                    self._keyed_reported += 1
        if was_empty and wake and taken:
            self._wake_flusher()
        return len(waiting)

    def _relieve(self) -> None:
        """Write, since too much waits; while the database fails, let more wait, up to a bound."""
        full = len(self._waiting) > _MOST
        if self._failed_at is not None and not full and time.monotonic() - self._failed_at < _RETRY_SECONDS:
            return
        try:
            self._flush()
        except OrchestratorError:
            if full:
                raise

    def _wake_flusher(self) -> None:
        if self._flusher is None:
            self._flusher = Thread(target=self._flush_at_intervals, name="perdure-flusher", daemon=True)
            self._flusher.start()
        if not self._wake.is_set():
            self._wake.set()

    def _flush_at_intervals(self) -> None:
        while not self._ended.is_set():
            self._wake.wait()
            self._wait_for_others()
            self._wake.clear()
            try:
                self._flush()
            except OrchestratorError:  # the records wait on, and whoever commits next is told
                self._ended.wait(_RETRY_SECONDS)
                self._wake.set()

    def _wait_for_others(self) -> None:
        """Sleep for an interval, and on while others write: being awake would only slow a busy process down."""
        committed = -1
        while committed != self._committed and not self._ended.is_set():
            committed = self._committed
            self._ended.wait(self._interval)

    def _flush(self) -> None:
        goal = self._reported
        if self._committed >= goal:
            return
        with self._write_lock:
            if self._committed < goal:  # else another thread's group had them in it
                self._write()

    def _write(self) -> None:
        """Commit all that waits; what could not be committed waits again, in its place."""
        records: list[Record] = []
        reported, keyed = self._committed, self._keyed_committed
        try:
            with self._waiting_lock:
                records, self._waiting = self._waiting, records
                reported, keyed = self._reported, self._keyed_reported
            reaching(self._database, lambda: self._commit_all(records))
        finally:
            if records:
                self._failed_at = time.monotonic()
                with self._waiting_lock:
                    self._waiting = records + self._waiting
            else:
                self._committed, self._keyed_committed, self._failed_at = reported, keyed, None

    def _commit_all(self, records: list[Record]) -> None:
        try:
            self._commit_group(records)
        except self._refusals:
            self._commit_singly(records)

    def _commit_group(self, records: list[Record], unless: tuple[str, tuple[Any, ...]] | None = None) -> bool:
        """Commit the records in one transaction and remove them from the list; `unless` as in `commit_together`."""
        connection = self._connected()
        batch = Batch(records, self._arrivals.take(len(records)), self._statements.absent)
        begun = False
        try:
            connection.execute(self._database.begin)
            begun = True
            if unless is not None and connection.execute(*unless).rowcount == 0:
                connection.execute("ROLLBACK")
                return False
            for statement, rows in batch.statements(self._statements):
                connection.executemany(statement, rows)
            self._database.commit(connection)
            records.clear()
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            elif begun and not isinstance(error, Exception):
                records.clear()  # interrupted just after the commit: they must not be written twice
            raise
        return True

    def _commit_singly(self, records: list[Record]) -> None:
        """Commit each record by itself, so that one that cannot be stored stops no other."""
        while records:
            record = records[0]
            try:
                self._commit_group([self._storable(record)])
            except self._refusals as error:
                self._refused.append(f"{record!r} ({error})")
            del records[0]

    def _connected(self) -> Connection:
        if self._connection is None or self._database.is_lost(self._connection):
            self._connection = self._database.connect(instead_of=self._connection)
        return self._connection

    def _storable(self, record: Record) -> Record:
        spelled = self._database.storable
        return type(record)._make(spelled(value) if type(value) is str else value for value in record)
