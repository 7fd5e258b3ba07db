"""Records that wait to be written: in memory, in order, until somebody needs them committed or enough of them wait.

How a batch is written is in `_store.sql.record_batches`.

The problem: a call of a task reports half a dozen records, and a transaction of the database takes longer than the
rest of the call. One transaction a record would make each call many times slower. The usual remedy, a writer thread
with a queue, is slow in Python for another reason: a thread that computes keeps the interpreter for milliseconds, so
each commit would wait twice for its turn, once to wake the writer and once to be woken by it.

The idea: whoever needs a commit writes, in its own thread, all that waits. `report` appends to a list and returns.
`commit` appends, and then there are two cases:

    thread A: commit(a) ── takes the write lock, takes the list [x, a], one transaction ──► returns
    thread B: commit(b) ── waits for the write lock ─────► finds b in the list, writes it
    thread C: commit(c) ── waits for the write lock ──────────► finds that c was in B's group: returns at once

So the more threads commit, the larger the groups become: group commit without a thread for it. The flusher's thread
writes only what nobody came for during an interval. Two counts say who is done: `_reported` rises as records are
taken, `_committed` is set to what `_reported` was when the list was taken. A thread is done once `_committed` has
reached what it read of `_reported` after its own records were counted.

What always holds:

- Records are written in the order in which they were taken. What could not be written waits again, before all that has
  come since: `_write` puts it back at the front.
- `_committed` rises only after the transaction has ended, and only by what was in it.
- The lock of the list is held for a few instructions; no I/O is done under it. The write lock is the one under which
  the connection is used. It is always taken first.
- Memory is bounded: above `GROUP` records whoever reports writes them, and above `MOST` an error of the database is
  raised to whoever reports, while with fewer the records just wait for it to come back.
- Cache keys and blocks are read in the middle of runs, so a reader flushes first if any of them waits (`holds_keyed`).

A subclass says how to write (`_write_out`), and removes from the list what it wrote, so that an error in the middle
loses nothing and writes nothing twice.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from threading import Event, Lock, Thread

from perdure._model.errors import OrchestratorError
from perdure._model.records import BlockRecord, CacheRecord, Owner, Record, ReleaseRecord

GROUP = 4_000  # records; when more wait, the thread that reports sees to it that they are written
MOST = 200_000  # records that may wait while they cannot be written
_RETRY_SECONDS = 1.0

# Read by key in the middle of runs: a read has to see those that wait.
_KEYED = frozenset({CacheRecord, ReleaseRecord, BlockRecord})


class Waiting:
    """Takes records, and has a subclass write them: in order, in the thread that needs them, or soon."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval = interval_seconds
        self.closed = False
        self.epochs: dict[str, int] = {}  # by outermost flow run: the claims under which the records are written
        self.when_lost: Callable[[Owner], None] = _unheard
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[Record] = []
        self._waiting_lock = Lock()  # guards the waiting records and the counts of what was reported
        self._write_lock = Lock()  # held while writing
        self._reported = self._committed = 0
        self._keyed_reported = self._keyed_committed = 0
        self._failed_at: float | None = None
        self._refused: list[str] = []
        self._flusher: Thread | None = None
        self._wake = Event()
        self._hurry = Event()
        self._ended = Event()

    def own(self, owner: Owner) -> None:
        """Write records of a flow run under a claim, from now on."""
        self.epochs = {**self.epochs, owner.flow_run_id: owner.epoch}

    def disown(self, flow_run_id: str) -> None:
        """The flow run has ended, and all that was reported of it is committed."""
        self.epochs = {id: epoch for id, epoch in self.epochs.items() if id != flow_run_id}

    def hear_of_lost(self, lost: Mapping[str, int]) -> None:
        """Say which claims were found to be lost."""
        for id, epoch in lost.items():
            self.when_lost(Owner(id, epoch))

    def _write_out(self, records: list[Record]) -> None:
        """Write the records and remove those from the list that were; the subclass's. The write lock is held."""
        raise NotImplementedError

    def _close_connections(self) -> None:
        """Close connections; the subclass's. The write lock is held."""
        raise NotImplementedError

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once, or after writing if too many wait."""
        if self._take(records, wake=True) > GROUP:
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

    def close(self) -> None:
        """Flush, end the thread and close connections."""
        if self.closed:
            return
        self.flush()
        self.closed = True
        self._ended.set()
        self._hurry.set()
        self._wake.set()
        if self._flusher is not None:
            self._flusher.join()
        with self._write_lock:
            self._close_connections()

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
        taken = records if type(records) is tuple or type(records) is list else list(records)
        # Counted outside of the lock.
        keyed = 0 if _KEYED.isdisjoint(map(type, taken)) else sum(type(record) in _KEYED for record in taken)
        with self._waiting_lock:
            waiting = self._waiting
            was_empty = not waiting
            waiting += taken
            self._reported += len(taken)
            self._keyed_reported += keyed
        if was_empty and wake and taken:
            self._wake_flusher()
        return len(waiting)

    def _relieve(self) -> None:
        """Write, since too much waits; while that fails, let more wait, up to a bound."""
        full = len(self._waiting) > MOST
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
            except OrchestratorError:  # the records stay buffered, and the next commit raises it
                self._ended.wait(_RETRY_SECONDS)
                self._wake.set()

    def _wait_for_others(self) -> None:
        """Sleep for an interval, and on while others write: being awake would only slow a busy process down."""
        committed = -1
        while committed != self._committed and not self._hurry.is_set():
            committed = self._committed
            self._hurry.wait(self._interval)

    def _flush(self) -> None:
        goal = self._reported
        if self._committed >= goal:
            return
        with self._write_lock:
            if self._committed < goal:  # else another thread's group had them in it
                self._write()

    def _write(self) -> None:
        """Write all that waits; what could not be written waits again, in its place."""
        records: list[Record] = []
        reported, keyed = self._committed, self._keyed_committed
        try:
            with self._waiting_lock:
                records, self._waiting = self._waiting, records
                reported, keyed = self._reported, self._keyed_reported
            self._write_out(records)
        finally:
            if records:
                self._failed_at = time.monotonic()
                with self._waiting_lock:
                    self._waiting = records + self._waiting
            else:
                self._committed, self._keyed_committed, self._failed_at = reported, keyed, None


def _unheard(_: Owner) -> None: ...
