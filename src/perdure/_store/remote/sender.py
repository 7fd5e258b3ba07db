"""Records on their way to a server: sent by the thread that needs them there, or soon; kept on disk else."""

from collections.abc import Iterable
from pathlib import Path

from perdure._model.errors import OrchestratorError
from perdure._model.records import Record
from perdure._platform.ids import new_id
from perdure._store import wire
from perdure._store.buffer import GROUP, Waiting
from perdure._store.remote.outbox import Outbox
from perdure._store.remote.spool import Batch
from perdure._store.remote.transport import Transport, compressed

_MOST = 10 * GROUP  # records in memory; when more wait, the thread that reports waits, too
_MOST_BYTES = 4 * 1024 * 1024  # of a batch before it is compressed, unless it is one record


class Sender(Waiting):
    """Takes records, and delivers them to the server.

    A record counts as committed once the server has said that its database has. While the server is away, and always
    if `locally`, a record counts as committed once it is on this machine's disk. It is delivered later, by this
    process or by another one.
    """

    def __init__(self, transport: Transport, folder: Path, interval_seconds: float, locally: bool) -> None:
        self._transport = transport
        self._folder = folder
        self._locally = locally
        super().__init__(interval_seconds)

    def _begin(self) -> None:
        super()._begin()
        self._sequence = 0
        self._sealed: Batch | None = None  # has its number, and is neither delivered nor on disk
        self._outbox = Outbox(self._transport, self._folder / new_id(), self._refuse, self.hear_of_lost)

    def begin_in_fork(self, transport: Transport) -> None:
        """Start afresh in a forked process, leaving the connections, the files and the records to the parent."""
        self._transport = transport
        self._outbox.leave()
        self._begin()

    def flush(self) -> None:
        """Return when all that was reported is committed.

        Raises:
            OrchestratorError: it could not be committed, and still waits; or a record was refused for good.
        """
        self._flush()
        self._outbox.wait(self._locally, patiently=False)
        super().flush()

    def settle(self, eagerly: bool, patiently: bool = True) -> None:
        """Return when all that was reported is at the server, even if it is committed locally before.

        While the server is away, that is waited for as long as the transport's patience lasts, if `patiently`.
        """
        self._flush()
        self._outbox.wait(eagerly=eagerly, patiently=patiently)
        super().flush()

    def part(self) -> None:
        """Return when all that was reported is at the server, or on disk: see `Outbox.part`."""
        self._flush()
        self._outbox.part()
        super().flush()

    def hurry(self) -> None:
        """The server answers: have what waits be delivered now."""
        self._outbox.hurry()

    @property
    def undelivered(self) -> int:
        """How many bytes wait on this machine's disk."""
        return self._outbox.size

    def deliver_left_behind(self) -> None:
        """Take on what processes that are gone could not deliver."""
        with self._write_lock:
            self._outbox.take_on()

    def _refuse(self, body: bytes, refused: Iterable[tuple[int, str]]) -> None:
        described = [f"{wire.shown(body, place)} ({why})" for place, why in refused]
        with self._waiting_lock:
            self._refused += described

    def _relieve(self) -> None:
        """Have the flusher send at once; wait for it if too much waits."""
        if len(self._waiting) < _MOST:
            self._hurry.set()
        else:
            super()._relieve()

    def _wait_for_others(self) -> None:
        super()._wait_for_others()
        if not self.closed:
            self._hurry.clear()

    def _write_out(self, records: list[Record]) -> None:
        while records or self._sealed is not None:
            if self._sealed is None:
                self._sealed = self._seal(records)
            self._place(self._sealed)
            self._sequence = self._sealed.sequence
            self._sealed = None

    def _place(self, batch: Batch) -> None:
        try:
            self._outbox.put(batch, directly=not self._locally)
        except OSError as error:
            raise OrchestratorError(
                f"What waits for the server {self._transport.url} cannot be kept in {self._folder}: {error.strerror}."
                " Make room there, or have the server answer."
            ) from None

    def _seal(self, records: list[Record]) -> Batch:
        """The first of the records as a batch; they are taken from the list."""
        count = min(GROUP, len(records))
        while True:
            body = self._encoded(records[:count])
            if len(body) <= _MOST_BYTES or count == 1:
                break
            count = max(1, count * _MOST_BYTES // (2 * len(body)))
        del records[:count]
        return Batch(self._sequence + 1, compressed(body))

    def _encoded(self, records: list[Record]) -> bytes:
        try:
            return wire.encode_batch(records, self.epochs)
        except TypeError:
            owners = wire.encode_batch((), self.epochs)[1:-1]
            return b"[%s]" % b",".join(filter(None, (owners, *map(self._encoded_singly, records))))

    def _encoded_singly(self, record: Record) -> bytes:
        try:
            return wire.encode_records([record])[1:-1]
        except TypeError as error:
            with self._waiting_lock:
                self._refused.append(f"{record!r} ({error})")
            return b""

    def _close_connections(self) -> None:
        self._outbox.close()
        self._transport.close()
