"""How a thread waits for something of ours, so that whoever interrupts the thread ends the wait."""

import threading
from collections.abc import Callable
from contextlib import suppress

ends_of_waits: dict[int, Callable[[], None]] = {}  # by threads that wait: what ends the wait, a function of C


class Bell:
    """What one thread waits for; whoever interrupts the thread rings it, too."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout: float | None = None) -> None:
        """Block until it rings, or some seconds have passed. Signals are handled meanwhile, so Ctrl-C works here."""
        thread = threading.get_ident()
        ends_of_waits[thread] = self._lock.release
        try:
            self._lock.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        finally:
            ends_of_waits.pop(thread, None)

    def ring(self) -> None:
        """End the wait; again does nothing."""
        with suppress(RuntimeError):
            self._lock.release()
