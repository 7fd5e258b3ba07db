"""Runs that a worker claims before it can begin them, where runs are so short that it can soon.

Whoever claims holds up all others who do. So workers whose runs take hundredths of a second claim several more with
those that they begin, and begin them as soon as others end. What cannot be begun within half a second, since a run
takes longer than those before it, is given back to the queue, as if nobody had claimed it.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence

from perdure._rooms.deployments.port import QueuedRun
from perdure._worker.jobs import Known

_SECONDS = 0.25  # in which what is claimed ahead is to be begun
_LATE_SECONDS = 0.5
_MOST = 16
_WEIGHT = 0.2  # of a run, among those before it


class Ahead:
    """Claimed runs of a worker that begins so many at once; any thread may ask what they are."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._runs: deque[tuple[QueuedRun, Known | None]] = deque()
        self._since = 0.0
        self._usual: float | None = None  # seconds that a run takes

    def note(self, seconds: float) -> None:
        """A run took so long, in a process that was ready for it."""
        self._usual = seconds if self._usual is None else (1 - _WEIGHT) * self._usual + _WEIGHT * seconds

    @property
    def room(self) -> int:
        """How many runs may be claimed ahead."""
        if self._limit is None or self._usual is None:
            return 0
        return min(_MOST, int(_SECONDS * self._limit / max(self._usual, 0.001)))

    def put(self, runs: Sequence[tuple[QueuedRun, Known | None]]) -> None:
        """Keep runs that were claimed just now."""
        with self._lock:
            self._runs.extend(runs)
        self._since = time.monotonic()

    def next(self) -> tuple[QueuedRun, Known | None] | None:
        """The run that is to be begun first."""
        with self._lock:
            return self._runs.popleft() if self._runs else None

    def held(self) -> list[QueuedRun]:
        """Those that have not been begun."""
        with self._lock:
            return [run for run, _ in self._runs]

    def is_late(self) -> bool:
        """Whether they have waited for too long."""
        return bool(self._runs) and time.monotonic() - self._since > _LATE_SECONDS

    def given_back(self) -> None:
        """They are nobody's any more; nothing is claimed ahead until it is known anew how long runs take."""
        with self._lock:
            self._runs.clear()
        self._usual = None


__all__ = ["Ahead"]
