"""Signal handlers of ours in the main thread: whose place they take, and why no forked child has them.

A child that is forked while a flow runs, as those of `multiprocessing.Pool` are, has to be ended by the signals that
would have ended it without Perdure. With a handler in Python it would not be: it notes the signal, and then goes to
wait for a lock that nobody will release. So each process begins with what stood there before ours, and signals that
come while it is being forked are held back until it has.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], object]

_replaced: dict[int, list[tuple[Handler, Any]]] = {}  # by signal: our handlers, and what stood there before each
_forking = threading.local()  # the signals that this thread blocked before it began to fork


def install(number: int, handler: Handler) -> None:
    """Have a signal handled by us, in the main thread, until `remove`."""
    before = signal.getsignal(number)
    _replaced.setdefault(number, []).append((handler, before))
    signal.signal(number, handler)


def remove(number: int, handler: Handler) -> None:
    """Put back what stood there before our handler, unless somebody has set another one since, or we never did."""
    entries = _replaced.get(number, [])
    place = next((at for at in range(len(entries) - 1, -1, -1) if entries[at][0] is handler), None)
    if place is None:
        return
    _, before = entries.pop(place)
    if place < len(entries):  # one of ours was installed on top, and now stands on what was below
        entries[place] = (entries[place][0], before)
    elif signal.getsignal(number) is handler:
        signal.signal(number, before)


def is_installed(number: int, handler: Handler) -> bool:
    """Whether it is our handler that a signal calls now."""
    return any(ours is handler for ours, _ in _replaced.get(number, ())) and signal.getsignal(number) is handler


def _hold_signals() -> None:
    numbers = [number for number, entries in _replaced.items() if entries]
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers) if numbers else None


def _let_signals_through() -> None:
    mask = getattr(_forking, "mask", None)
    if mask is not None:
        _forking.mask = None
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin_in_fork() -> None:
    """In a forked child: put back what stood there before all of ours."""
    for number, entries in _replaced.items():
        if entries and signal.getsignal(number) is entries[-1][0]:
            signal.signal(number, entries[0][1])
    _replaced.clear()
    _let_signals_through()


if sys.platform != "win32":
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_through, after_in_child=_begin_in_fork)
