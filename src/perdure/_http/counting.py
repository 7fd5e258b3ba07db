"""Totals of the database, counted in the background."""

import threading
import time
from contextlib import suppress

from perdure._model.errors import OrchestratorError
from perdure._platform.clock import system_clock
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.totals import Totals, totals

_FRESH_SECONDS = 10.0  # for which a count is reused; ten times as long as counting took, if that is longer
_PATIENCE_SECONDS = 0.03  # of a request, for a count that is under way


class Counting:
    """Counts while somebody asks, one count at a time, and rests as long as each part of it took."""

    def __init__(self, orchestrator: EmbeddedOrchestrator) -> None:
        self._orchestrator = orchestrator
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._is_counting = False
        self._due = 0.0
        self._last = Totals()

    def totals(self) -> Totals:
        """The last complete count, or the first one as far as it has come."""
        with self._lock:
            if not self._is_counting and time.monotonic() >= self._due:
                self._is_counting = True
                self._done.clear()
                threading.Thread(target=self._count, name="perdure-counting", daemon=True).start()
        self._done.wait(_PATIENCE_SECONDS)
        return self._last

    def _count(self) -> None:
        began = time.monotonic()
        with suppress(OrchestratorError):  # it may be back the next time
            at = began
            for found in totals(self._orchestrator, system_clock()):
                if found.is_complete or not self._last.is_complete:
                    self._last = found
                if not found.is_complete:
                    time.sleep(min(0.05, time.monotonic() - at))
                    at = time.monotonic()
        with self._lock:
            self._is_counting = False
            took = time.monotonic() - began
            self._due = time.monotonic() + max(_FRESH_SECONDS, 10 * took)
            self._done.set()
