"""Ending a user's code when its time is up, in the thread or on the loop where it runs."""

import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType
from typing import Any

from perdure._model.errors import RunTimeout
from perdure._platform import signal_handlers as handlers
from perdure._platform.interruption import may_be_left, raise_in_thread
from perdure._run.context import RunContext
from perdure._run.interruptible_wait import ends_of_waits

_AGAIN = 0.005  # seconds until another try, where the time is up while the code may not be left


class EnclosingTimeout(BaseException):
    """Raised in the user's code. Not an Exception, so that `except Exception` there cannot swallow it.

    It travels up to the run whose time is up; the runs in between crash.
    """


class _Limit:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_up = False


def call_within(
    run: RunContext,
    seconds: float,
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> Any:
    """Call a function that is ended after some seconds.

    In the main thread by a signal, which interrupts blocking system calls. In other threads, as soon
    as Python code runs again: a blocking call there is waited for, unless it waits for a run.

    Raises:
        RunTimeout: the time was up.
    """
    limit = _Limit(seconds)
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    try:
        return (_with_alarm if main else _with_watcher)(limit, partial(function, *args, **kwargs))
    except EnclosingTimeout as up:
        if not limit.is_up:
            raise
        raise _timeout(run, seconds).with_traceback(up.__traceback__) from None  # where the user's code was


@asynccontextmanager
async def alimited(run: RunContext, seconds: float) -> AsyncIterator[None]:
    """End the coroutine in the block after some seconds, at its next await.

    Raises:
        RunTimeout: the time was up.
    """
    import asyncio

    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            yield
    except TimeoutError as up:
        if deadline.expired():
            interrupted = up.__cause__ or up  # what the code was interrupted by: where it was
            raise _timeout(run, seconds).with_traceback(interrupted.__traceback__) from None
        raise


def _timeout(run: RunContext, seconds: float) -> RunTimeout:
    kind = "Flow" if run.is_flow else "Task"
    error = RunTimeout(f"{kind} run exceeded timeout of {seconds:g} second(s)")
    error.run_id = run.id
    return error


# Neither of the next two is a context manager: a signal may come on the way into its exit, outside its own code.


def _with_alarm(limit: _Limit, call: Callable[[], object]) -> object:
    armed = True

    def expire(_: int, frame: FrameType | None) -> None:
        if armed and may_be_left(frame):
            limit.is_up = True
            raise EnclosingTimeout
        if armed:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    began = time.monotonic()
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    if outer and outer <= limit.seconds:  # an enclosing limit comes first, and its handler is in place
        return call()
    handlers.install(signal.SIGALRM, expire)
    try:
        signal.setitimer(signal.ITIMER_REAL, limit.seconds)
        value = call()
        armed = False
        return value
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        handlers.remove(signal.SIGALRM, expire)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - began), 1e-6))


def _with_watcher(limit: _Limit, call: Callable[[], object]) -> object:
    thread = threading.get_ident()
    lock = threading.Lock()
    left = threading.Event()

    def watch() -> None:
        left.wait(limit.seconds)
        while not left.is_set():
            with lock:
                if not left.is_set() and raise_in_thread(thread, EnclosingTimeout, may_be_left, ends_of_waits):
                    limit.is_up = True
                    return
            left.wait(_AGAIN)

    try:
        threading.Thread(target=watch, name="perdure-timeout", daemon=True).start()
        return call()
    finally:
        with lock:
            left.set()
