"""Which processes still run. Nothing is guessed: not by a host name, not by a number, not by anybody's clock.

Of processes whose numbers mean the same here, the system knows. Of all others, only heartbeats tell: one whose
heartbeat does not change during a whole lease, as the time passes here, is gone. What time a heartbeat says, and what
time it is here, does not matter: clocks differ, and are set.
"""

import threading
import time
from collections.abc import Callable

from perdure._model.records import NOBODY, ProcessRecord
from perdure._platform.clock import Micros
from perdure._run.processes import is_running
from perdure._store.protocol import Orchestrator

BEATS = 6  # heartbeats in a lease: some may be late
_MOST = 10_000  # processes that are observed; beyond that, all are observed anew
_LOOK_SECONDS = 0.25


class Liveness:
    """What this process has seen of others. `lease_seconds` without a heartbeat, observed here, and one is gone."""

    def __init__(
        self, orchestrator: Orchestrator, lease_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._orchestrator = orchestrator
        self.lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._seen: dict[str, tuple[Micros, float]] = {}  # the last heartbeat of each, and since when it is that
        self._lock = threading.Lock()

    def is_alive(self, process_id: str) -> bool:
        """Whether a process runs, or may for all that has been seen of it; so does that of a waiting run."""
        if process_id == NOBODY:
            return True
        process = self._orchestrator.process(process_id)
        return process is not None and self.verdict(process) is not False

    def is_gone(self, process_id: str) -> bool:
        """Whether a process is known to be gone, once that is known: a heartbeat is waited for, for a lease at most."""
        if process_id == NOBODY:
            return False
        beat = None
        while True:
            process = self._orchestrator.process(process_id)
            verdict = False if process is None else self.verdict(process)
            if process is None or verdict is not None:
                return not verdict
            if beat not in (None, process.beat):
                return False
            beat = process.beat
            time.sleep(min(_LOOK_SECONDS, self.lease_seconds / BEATS))

    def verdict(self, process: ProcessRecord) -> bool | None:
        """Whether a process runs; None if it may, for all that has been seen of it until now."""
        known = is_running(process)
        if known is not None:
            return known
        now = self._monotonic()
        with self._lock:
            beat, since = self._seen.get(process.id, (None, now))
            if beat != process.beat:
                if len(self._seen) >= _MOST:
                    self._seen.clear()
                self._seen[process.id] = process.beat, now
                return None
        return None if now - since < self.lease_seconds else False
