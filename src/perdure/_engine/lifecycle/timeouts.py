"""Ending a user's code when its time is up, in the thread or on the loop where it runs."""

import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType
from typing import Any

from perdure._model.errors import RunTimeout
from perdure._platform import signal_handlers as handlers
from perdure._platform.interruption import exception_in, may_be_left, raise_in_thread
from perdure._run.context import RunContext
from perdure._run.controller import is_interruptible
from perdure._run.interruptible_wait import ends_of_waits

_AGAIN = 0.005  # seconds until another try, where the time is up while the code may not be left
_SWALLOWED = 0.5  # seconds until it is looked whether what was raised has come to nothing
_CHAIN = 1_000  # exceptions that are looked at, each of which came up while the next was handled: that may be a circle


class EnclosingTimeout(BaseException):
    """Raised in the user's code. Not an Exception, so that `except Exception` there cannot swallow it.

    It travels up to the run whose time is up; the runs in between crash.
    """


class _Limit:
    """How long a call may take, and whether that is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_up = False  # and the exception has been raised
        self._around = sys.exception()  # what the caller handles

    def may_end(self, frame: FrameType | None, handled: BaseException | None) -> bool:
        """Whether to raise the exception where the code is now, which handles another one.

        It is raised again if it has come to nothing, as where the code has a bare `except`, or was in a `__del__`: but
        not in what cleans up because of it, nor in code of ours that reports how it ended.
        """
        if not may_be_left(frame):
            return False
        return not self.is_up or (is_interruptible(frame) and not self.is_handled(handled))

    def is_handled(self, error: BaseException | None) -> bool:
        """Whether the exception has been raised, and is what the code handles, or came before that."""
        for _ in range(_CHAIN if self.is_up else 0):
            if error is None or error is self._around:
                return False
            if isinstance(error, EnclosingTimeout):
                return True
            error = error.__context__
        return False


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
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    limit = (_Alarm if main else _Limit)(seconds)
    call = partial(function, *args, **kwargs)
    try:
        return _with_alarm(limit, call) if isinstance(limit, _Alarm) else _with_watcher(limit, call)
    except EnclosingTimeout as up:
        if not limit.is_up:
            raise
        error = _timeout(run, seconds).with_traceback(up.__traceback__)  # where the user's code was
    try:  # out of the block above, so that nothing takes what this one causes for a part of that one
        raise error
    finally:
        del error


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


class _Alarm(_Limit):
    """One that is a handler of SIGALRM."""

    is_armed = True

    def __call__(self, _: int, frame: FrameType | None) -> None:
        if not self.is_armed:
            return
        ends = self.may_end(frame, sys.exception())
        self.is_up = self.is_up or ends
        signal.setitimer(signal.ITIMER_REAL, _SWALLOWED if self.is_up else _AGAIN)
        if ends:
            raise EnclosingTimeout


def _with_alarm(alarm: _Alarm, call: Callable[[], object]) -> object:
    began = time.monotonic()
    outer, (left, _) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    if 0 < left <= alarm.seconds and not (isinstance(outer, _Alarm) and outer.is_handled(sys.exception())):
        return call()  # an enclosing limit comes first, and its handler is in place
    handlers.install(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, alarm.seconds)
        value = call()
        alarm.is_armed = False
        return value
    finally:
        alarm.is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        handlers.remove(signal.SIGALRM, alarm)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-6))


def _with_watcher(limit: _Limit, call: Callable[[], object]) -> object:
    thread = threading.get_ident()
    may_raise = threading.Lock()  # the thread takes it for ever once it leaves
    left = threading.Event()

    def watch() -> None:
        wait = limit.seconds
        while not left.wait(wait) and may_raise.acquire(blocking=False):
            try:
                handled = exception_in(thread) if limit.is_up else None
                may_end = partial(limit.may_end, handled=handled)
                limit.is_up |= raise_in_thread(thread, EnclosingTimeout, may_end, ends_of_waits)
            finally:
                may_raise.release()
            wait = _SWALLOWED if limit.is_up else _AGAIN

    try:
        threading.Thread(target=watch, name="perdure-timeout", daemon=True).start()
        return call()
    finally:
        may_raise.acquire()  # here at the latest comes what has been raised
        left.set()
