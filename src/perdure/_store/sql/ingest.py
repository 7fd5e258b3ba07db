"""Batches of records that come from far: they may arrive twice, and count once.

Each sender numbers what it sends. The number is kept in the same transaction as what it did: a batch that is
sent again, since its answer was lost, is known by it, whichever process gets it and whatever was killed in between.
"""

import time
from collections.abc import Iterable, Sequence
from threading import Lock

from perdure._model.errors import OrchestratorError
from perdure._model.records import Record
from perdure._platform.clock import system_clock
from perdure._store.sql.database import Connection
from perdure._store.sql.fencing import Epochs, refused_of_unfenced
from perdure._store.sql.statements import Statements
from perdure._store.sql.writer import Writer

_GROUP = 20_000  # records that one transaction takes
_KEPT_SECONDS = 30 * 86_400  # for so long a sender may have been silent and is still known
_FORGET_SECONDS = 3_600  # between two looks at who is not


class DeliveryGap(OrchestratorError):
    """A batch came before the one that is `wanted` next of its sender."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"The batch with the number {wanted} is wanted next.")
        self.wanted = wanted


class Delivery:
    """A batch of one sender's records."""

    def __init__(
        self,
        source: str,
        sequence: int,
        records: Sequence[Record],
        gap_is_known: bool = False,
        epochs: Epochs | None = None,
    ) -> None:
        self.source = source
        self.sequence = sequence
        self.records = records
        self.gap_is_known = gap_is_known  # what is missing before it will not come any more
        self.is_done = False
        self.wanted: int | None = None  # what is, if it was not this one
        self.epochs = epochs  # the claims under which the records were written; None if their writer does not say it
        self.lost: Epochs = {}  # those of them that others have by now: their records are not kept
        self.refused: dict[int, str] = {}  # why, by places in the batch
        self.error: BaseException | None = None


class Deliveries:
    """Commits batches: those that came while others were being written, together."""

    def __init__(self, writer: Writer, statements: Statements, refusals: tuple[type[Exception], ...]) -> None:
        self._writer = writer
        self._sql = statements
        self._refusals = refusals
        self._lock = Lock()
        self._waiting: list[Delivery] = []
        self._looked = float("-inf")

    def deliver(self, delivery: Delivery) -> None:
        """Commit a batch, unless it is committed already; its `refused` are records that the database cannot hold.

        Raises:
            DeliveryGap: another one is wanted first.
            OrchestratorError: it cannot be written now.
        """
        with self._lock:
            self._waiting.append(delivery)
        with self._writer.writing():
            if not delivery.is_done:  # else another thread's group had it
                self._write_group()
        if delivery.error is not None:
            raise delivery.error
        if delivery.wanted is not None and delivery.wanted <= delivery.sequence:
            raise DeliveryGap(delivery.wanted)

    def _write_group(self) -> None:
        with self._lock:
            count = records = 0
            while count < len(self._waiting) and records < _GROUP:
                records += len(self._waiting[count].records)
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
        group.sort(key=lambda each: (each.source, each.sequence))  # two processes lock the rows in one order
        try:
            try:
                self._writer.within(lambda connection: self._write(connection, group))
            except self._refusals:
                for each in group:
                    self._write_singly(each)
        except BaseException as error:
            for each in group:
                each.error = None if each.is_done else error
            raise
        finally:
            for each in group:
                each.is_done = True

    def _write(self, connection: Connection, group: Sequence[Delivery]) -> None:
        self._forget(connection)
        records: list[Record] = []
        for each in group:
            if self._advance(connection, each):
                records += [record for _, record in self._fenced(connection, each)]
        self._writer.apply(connection, records)

    def _fenced(self, connection: Connection, delivery: Delivery) -> Iterable[tuple[int, Record]]:
        """The records that are not of flow runs which their writer has lost, with their places."""
        if delivery.epochs is None:
            delivery.refused = refused_of_unfenced(connection, self._sql, delivery.records)
            return [each for each in enumerate(delivery.records) if each[0] not in delivery.refused]
        records, delivery.lost = self._writer.without_lost(connection, delivery.records, delivery.epochs)
        return records

    def _write_singly(self, delivery: Delivery) -> None:
        """Write each record of a batch by itself, so that one that cannot be stored stops no other."""

        def write(connection: Connection) -> None:
            delivery.refused.clear()
            if not self._advance(connection, delivery):
                return
            for place, record in self._fenced(connection, delivery):
                connection.execute("SAVEPOINT one")
                try:
                    self._writer.apply(connection, [self._writer.storable(record)])
                except self._refusals as error:
                    delivery.refused[place] = str(error)
                    connection.execute("ROLLBACK TO SAVEPOINT one")
                connection.execute("RELEASE SAVEPOINT one")

        self._writer.within(write)
        delivery.is_done = True

    def _advance(self, connection: Connection, delivery: Delivery) -> bool:
        """Take a batch's number; False if it was another one's turn."""
        now, sequence, source = system_clock(), delivery.sequence, delivery.source
        if sequence == 1 or delivery.gap_is_known:
            taken = connection.execute(self._sql.deliver_any, (source, sequence, 0, now))
        else:
            taken = connection.execute(self._sql.deliver_next, (sequence, now, source, sequence - 1))
        if taken.rowcount:
            delivery.wanted = None
            return True
        row = connection.execute(self._sql.delivered, (source,)).fetchone()
        delivery.wanted = (row[0] if row else 0) + 1
        return False

    def _forget(self, connection: Connection) -> None:
        """Forget who has been silent for a month."""
        if time.monotonic() - self._looked > _FORGET_SECONDS:
            self._looked = time.monotonic()
            connection.execute(self._sql.forget_deliveries, (system_clock() - _KEPT_SECONDS * 1_000_000,))
