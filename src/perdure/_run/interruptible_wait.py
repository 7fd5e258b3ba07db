"""How a thread waits for something of ours, so that whoever interrupts the thread ends the wait."""

import threading
from collections.abc import Callable
from contextlib import suppress

_waits: "dict[int, Bell]" = {}  # what each thread waits for, by its number


class Bell:
    """What one thread waits for; whoever interrupts the thread rings it, too."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout: float | None = None) -> None:
        """Block until it rings, or some seconds have passed. Signals are handled meanwhile, so Ctrl-C works here."""
        thread = threading.get_ident()
        _waits[thread] = self
        try:
            self._lock.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        finally:
            _waits.pop(thread, None)

    def ring(self) -> None:
        """End the wait; again does nothing."""
        with suppress(RuntimeError):
            self._lock.release()


def end_of_wait(thread: int) -> Callable[[], None] | None:
    """What ends what the thread of this number waits for: a function of C. None if it does not wait."""
    bell = _waits.get(thread)
    return None if bell is None else bell._lock.release
