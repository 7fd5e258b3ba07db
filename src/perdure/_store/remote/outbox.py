"""Batches between a process and its server: delivered at once, or from disk, in order, when the server is back."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from perdure._model.errors import OrchestratorError, OrchestratorUnreachable
from perdure._store import wire
from perdure._store.remote.spool import SUFFIX, Batch, Spool, left_behind
from perdure._store.remote.transport import Transport, compressed, decompressed

_LOGGER = logging.getLogger("perdure.orchestrator")
_REFUSED_PAUSE = 5.0  # seconds until a server that refuses this client is asked again
Refuse = Callable[[bytes, Iterable[tuple[int, str]]], None]


class Outbox:
    """What this process, and those that are gone, have for the server. One thread at a time may `put`."""

    def __init__(
        self, transport: Transport, path: Path, refuse: Refuse, lose: Callable[[Mapping[str, int]], None]
    ) -> None:
        self._transport = transport
        self._own = Spool(path.with_suffix(SUFFIX))
        self._refuse = refuse
        self._lose = lose
        self._spools: list[Spool] = []  # in the order of their delivery; while there are any, all goes to the last one
        self._changed = threading.Condition()
        self._failed: OrchestratorError | None = None  # why the server does not want anything from here
        self._thread: threading.Thread | None = None
        self._attempts = 0
        self._is_urgent = False  # somebody waits for the next attempt
        self._said: float | None = None  # since when the server was away when that was last logged
        self._is_ended = False

    @property
    def size(self) -> int:
        """How many bytes wait on disk."""
        return sum(spool.size for spool in self._spools)

    def put(self, batch: Batch, directly: bool) -> None:
        """Have a batch delivered, or on disk; from there it is delivered later.

        Raises:
            OSError: neither can be done.
        """
        with self._changed:
            if self._own in self._spools:
                self._own.append(batch, synced=False)
                self._changed.notify_all()
                return
        if directly and not self._spools:
            try:
                self._deliver(self._own.source, batch)
            except OrchestratorUnreachable as error:
                self._say_away(error)
            except OrchestratorError as error:
                self._failed = error
            else:
                return
        with self._changed:
            self._own.append(batch, synced=False)
            self._spools.append(self._own)
            self._start()

    def take_on(self) -> None:
        """Deliver what processes that are gone have left, before anything of this one. Nobody may `put` meanwhile."""
        with self._changed:
            if self._own not in self._spools:
                self._spools += left_behind(self._own.path.parent, self._own.path)
            if self._spools:
                self._start()

    def wait(self, locally: bool = False, eagerly: bool = False, patiently: bool = True) -> None:
        """Return when all is delivered; or, if `locally` or patience is over, when it is safe on disk.

        If not `patiently`, patience is over once an attempt has failed. `eagerly` asks the server once more, even then.

        Raises:
            OrchestratorError: the server refuses what comes from here; it is kept on disk.
        """
        if not self._spools:
            return
        with self._changed:
            attempts = self._attempts + eagerly
            self._is_urgent = self._is_urgent or eagerly
            self._changed.notify_all()
            while self._spools and not locally:
                if self._failed is not None:
                    raise self._failed
                reach = self._transport.reach
                patience = reach.patience_left if patiently or reach.away_since is None else 0.0
                if patience <= 0 and self._attempts >= attempts:
                    break
                self._changed.wait(min(max(patience, 0.1), 1.0))
            if self._own in self._spools:
                self._own.sync()

    def part(self) -> None:
        """Wait, before the process ends, until its own reports are delivered; what others left behind can wait.

        A server that has answered before is waited for as long as patience lasts, any other is asked once more.
        """
        reach = self._transport.reach
        is_own = self._own in self._spools
        if is_own and reach.was_here and reach.away_since is not None and reach.patience_left > 0:
            _LOGGER.warning(
                "%d bytes wait for the server %s. This process waits for it, up to %.0f seconds, before it ends.",
                *(self._own.size, self._transport.url, reach.patience_left),
            )
        self.wait(eagerly=is_own, patiently=is_own and reach.was_here)

    def hurry(self) -> None:
        """The server answers: have what waits be delivered now."""
        if self._spools:
            with self._changed:
                self._is_urgent = True
                self._changed.notify_all()

    def close(self) -> None:
        """End the thread and close the files; what is not delivered stays in them."""
        self._end()
        if self._spools:
            _LOGGER.warning(
                "%d bytes for the server %s are kept in %s. The next process with this PERDURE_HOME delivers them.",
                *(self.size, self._transport.url, self._own.path.parent),
            )
        for spool in self._spools:
            spool.close(remove=False)
        if self._own not in self._spools:
            self._own.close(remove=True)

    def leave(self) -> None:
        """In a forked process: the files are the parent's."""
        for spool in {*self._spools, self._own}:
            spool.close(remove=False)

    def _end(self) -> None:
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="perdure-delivery", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._spools and not self._is_ended:
                    self._changed.wait()
                if self._is_ended:
                    return
                spool = self._spools[0]
                batch = spool.first()
                if batch is None:
                    self._finish(spool)
                    continue
            try:
                self._deliver(spool.source, batch)
            except OrchestratorUnreachable as error:
                if spool is self._own:
                    self._say_away(error)
                pause = self._transport.reach.until_next
            except OrchestratorError as error:
                self._fail(error)
                pause = _REFUSED_PAUSE
            else:
                pause = 0.0
                self._failed = None
                spool.delivered(batch)
            with self._changed:
                self._attempts += 1
                self._changed.notify_all()
                if pause:
                    self._is_urgent = False
                    self._changed.wait_for(lambda: self._is_ended or self._is_urgent, pause)

    def _finish(self, spool: Spool) -> None:
        """A file is delivered as far as it can be read."""
        if spool.size:
            kept = spool.set_aside()
            _LOGGER.error("What could not be delivered is damaged and kept in %s; %d bytes.", kept, spool.size)
            if spool is self._own:
                self._own = Spool(spool.path)
        elif spool is self._own:
            spool.empty()
        else:
            spool.close(remove=True)
        self._spools.remove(spool)
        self._changed.notify_all()

    def _say_away(self, error: OrchestratorUnreachable) -> None:
        """Log that the server is away, once each time that it is."""
        since = self._transport.reach.away_since
        if since is not None and since != self._said:
            self._said = since
            _LOGGER.warning("%s Runs continue; their records are kept on this machine's disk until it does.", error)

    def _fail(self, error: OrchestratorError) -> None:
        if self._failed is None:
            _LOGGER.error("%s Reports are kept in %s.", error, self._own.path.parent)
        with self._changed:
            self._failed = error
            self._changed.notify_all()

    def _deliver(self, source: str, batch: Batch) -> None:
        """Deliver a batch without the records that the server refuses."""
        while True:
            try:
                refused, lost = self._transport.deliver(source, batch)
            except wire.InvalidRecords as error:
                body = decompressed(batch.body)
                self._refuse(body, error.refused.items())
                batch = Batch(batch.sequence, compressed(wire.without(body, error.refused)))
            else:
                if refused:
                    self._refuse(decompressed(batch.body), refused.items())
                if lost:
                    self._lose(lost)
                return
