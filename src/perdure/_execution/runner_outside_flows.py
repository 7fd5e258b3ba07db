"""Where tasks run that are submitted outside all flows: threads that last until the process ends."""

import atexit
import logging
import os
import threading
from contextlib import suppress

from perdure._execution.map_window import unfinished_outside
from perdure._runners.threads import ThreadTaskRunner

_outside: ThreadTaskRunner | None = None  # runs what is submitted outside all flows
_outside_lock = threading.Lock()


def _forget_outside() -> None:
    """In a forked child: the parent's threads are not ours."""
    global _outside, _outside_lock
    _outside, _outside_lock = None, threading.Lock()
    unfinished_outside.clear()


def _end_outside() -> None:
    """As the process ends: wait for all that was submitted and mapped outside flows, as `concurrent.futures` does."""
    for mapped in tuple(unfinished_outside.values()):
        try:
            mapped.finish()
        except Exception:
            logging.getLogger("perdure").exception("A mapped iterable raised an exception as the process ended.")
    if _outside is not None:
        _outside.stop()


def _at_exit() -> None:
    # Before Python waits for threads: later, no thread can be started, and what was submitted may still need some.
    register = getattr(threading, "_register_atexit", atexit.register)
    with suppress(RuntimeError):  # it ends already
        register(_end_outside)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_outside)


def runner_outside() -> ThreadTaskRunner:
    """The runner of what is submitted outside all flows; made when the first one is."""
    global _outside
    with _outside_lock:
        if _outside is None:
            _outside = ThreadTaskRunner()
            _at_exit()
        return _outside
