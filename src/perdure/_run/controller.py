"""Reaching a flow run's code from outside while it runs: in its threads and on its event loops."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from perdure._model.errors import CancelRequested
from perdure._model.records import CancelRecord
from perdure._model.state_types import FINAL
from perdure._platform import signal_handlers as handlers
from perdure._platform.interruption import holds_lock, raise_in_thread
from perdure._run.interruptible_wait import Bell, ends_of_waits

# What is sent to the main thread, and to the children of a process task runner: by default it is ignored,
# so that one which comes too late does no harm.
SIGNAL: signal.Signals | None = getattr(signal, "SIGURG", None)  # None on Windows


class Activity:
    """A thread that runs code of a flow run, or of a task that was submitted by one."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._is_left = self._is_notified = False
        self._lock = threading.Lock()
        self.thread = threading.get_ident()
        self._takes_signals = _takes_signals()

    @property
    def is_open(self) -> bool:
        """Whether it is still to be notified."""
        state = self._run.state
        return not (self._is_notified or self._is_left or (state is not None and state.type in FINAL))

    def interrupt(self) -> None:
        """Raise `CancelRequested` in the thread, once, if it is the user's code that runs there or if it waits.

        In the main thread that is at once; in others when Python runs again.
        """
        if self._takes_signals:
            assert SIGNAL is not None
            signal.pthread_kill(self.thread, SIGNAL)
            return
        with self._lock:
            if self.is_open and raise_in_thread(self.thread, CancelRequested, is_interruptible, ends_of_waits):
                self._is_notified = True

    def notify(self, frame: FrameType | None) -> None:
        """The same here, in the main thread, which a signal has interrupted in the frame."""
        if self.is_open and is_interruptible(frame):
            self._is_notified = True
            self._run.flow.controller.check()

    def leave(self) -> None:
        """The thread runs the code no longer: from here on it is not interrupted."""
        with self._lock:
            self._is_left = True


# Modules that call the user's code; of some, the functions that do. Elsewhere in Perdure nothing is interrupted: what
# is begun there is brought to its end, and the next call of a task or flow raises `CancelRequested` anyway.
_CALLERS: dict[str, tuple[str, ...]] = {
    # Not `drive`, round these: it cannot tell the steps what is raised just as it goes back to where it began.
    "perdure._engine.drivers": ("call", "_acall", "_next_item", "_anext_item"),
    "perdure._engine.lifecycle.timeouts": (),
    "perdure._execution.map_window": (),
    "perdure._execution.mapping": (),
}


_TESTS = "perdure.testing."  # whose tasks are like anybody's


def is_interruptible(frame: FrameType | None) -> bool:
    """Whether a thread is in the user's code, or in what that calls; or waits for something of ours."""
    if frame is not None and frame.f_code is Bell.wait.__code__:
        return True
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith("perdure.") and not module.startswith(_TESTS):
            functions = _CALLERS.get(module)
            return functions is not None and (not functions or frame.f_code.co_name in functions)
        if holds_lock(frame):
            return False
        frame = frame.f_back
    return False


class LoopActivity:
    """An asyncio task that runs the coroutine of a flow run."""

    def __init__(self, run: Any) -> None:
        import asyncio

        self._run = run
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_notified = self.is_cancelled = self._is_left = False
        self.thread = id(self)  # other tasks of its thread are notified, too

    @property
    def is_open(self) -> bool:
        """Whether it is still to be notified."""
        state = self._run.state
        return not (self._is_notified or self._is_left or (state is not None and state.type in FINAL))

    def interrupt(self) -> None:
        """Cancel the task, once, from whatever thread."""
        if not self._is_notified:
            self._is_notified = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        state = self._run.state
        if not self._is_left and state.type not in FINAL and self._task is not None:
            self.is_cancelled = self._task.cancel()

    def leave(self) -> None:
        """The coroutine has ended; if it was cancelled, the task that it was part of continues."""
        self._is_left = True
        if self.is_cancelled and self._task is not None:
            self._task.uncancel()


class RunController:
    """What a root flow run and all below it share, so that they can be cancelled together."""

    __slots__ = (
        "_announced",
        "_deadline",
        "_ended_outside",
        "_lock",
        "activities",
        "flows",
        "is_over",
        "lost",
        "request",
    )

    def __init__(self) -> None:
        self.request: CancelRecord | None = None
        self.lost: str | None = None  # why the flow run is no longer this process's
        self.is_over = False  # nobody waits for its code any more: the ends of all of its runs are reported
        self.activities: list[Activity | LoopActivity] = []
        self.flows: list[Any] = []  # the flow runs that have begun and not ended
        self._lock = threading.Lock()
        self._announced = False
        self._ended_outside: bool | None = None
        self._deadline = 0.0

    def cancel(self, request: CancelRecord) -> None:
        """Have the flow run be cancelled: its grace period begins."""
        self._deadline = time.monotonic() + request.grace / 1_000_000
        self.request = request

    def lose(self, request: CancelRecord, why: str) -> bool:
        """Have the code of the flow run end, since another process has the run; False if it has ended or is lost."""
        with self._lock:
            if self.lost is not None:
                return False
            self.lost, self.is_over, self._announced = why, True, True
        self.cancel(request)
        return True

    @property
    def seconds_left(self) -> float:
        """Seconds of the grace period that are left."""
        return max(0.0, self._deadline - time.monotonic())

    def take_end(self, outside: bool = False) -> bool:
        """Whether it is for the caller to bring the outermost flow run to its end: the run itself, or one outside."""
        with self._lock:
            if self._ended_outside is None:
                self._ended_outside = outside
            return self._ended_outside is outside

    def check(self) -> None:
        """Raise `CancelRequested` if nothing of the flow run may begin any more."""
        if self.request is not None:  # a run that is lost has a request, too
            raise CancelRequested(self.lost or f"Cancelled by {self.request.asked_by}.")

    def interrupt(self) -> None:
        """Interrupt the innermost activity of each thread, unless that has been done."""
        threads: set[int] = set()
        for activity in reversed(tuple(self.activities)):
            if activity.thread not in threads:
                threads.add(activity.thread)
                if activity.is_open:
                    activity.interrupt()

    def announce(self) -> bool:
        """Whether it is for the caller to report that the flow run is being cancelled: once."""
        with self._lock:
            before, self._announced = self._announced, True
        return not before

    def take_back(self) -> None:
        """It could not be reported: who announces next, may."""
        self._announced = False

    def active(self, run: Any, on_loop: bool = False) -> "_Active":
        """Within the block, this thread or asyncio task runs the code of the run, and can be interrupted."""
        return _Active(self.activities, LoopActivity(run) if on_loop else Activity(run))


class _Active:
    """The `with` block of an activity; a generator would take twice as long."""

    __slots__ = ("_activities", "_activity")

    def __init__(self, activities: list[Activity | LoopActivity], activity: Activity | LoopActivity) -> None:
        self._activities = activities
        self._activity = activity

    def __enter__(self) -> None:
        self._activities.append(self._activity)

    def __exit__(self, *_: object) -> None:
        try:
            self._activity.leave()
        finally:
            self._activities.remove(self._activity)


_controlled: list[tuple[RunController, CancelRecord | None]] = []  # those whose code runs in the main thread


@contextmanager
def taking_signals(controller: RunController, request: CancelRecord | None = None) -> Iterator[None]:
    """Within the block, which is in the main thread, the code of the flow run can be interrupted by a signal.

    `request` is what the signal stands for, in a process that hears of it by nothing else.
    """
    if SIGNAL is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _controlled.append((controller, request))
    if signal.getsignal(SIGNAL) is signal.SIG_DFL:
        handlers.install(SIGNAL, _on_signal)
    try:
        yield
    finally:
        _controlled.remove((controller, request))
        if not _controlled and _takes_signals():
            handlers.remove(SIGNAL, _on_signal)


def _takes_signals() -> bool:
    is_main = threading.get_ident() == threading.main_thread().ident
    return is_main and SIGNAL is not None and signal.getsignal(SIGNAL) is _on_signal


def _on_signal(_: int, frame: FrameType | None) -> None:
    main = threading.get_ident()
    for controller, request in tuple(_controlled):
        controller.request = controller.request or request
        if controller.request is not None:
            innermost = next((each for each in reversed(controller.activities) if each.thread == main), None)
            if isinstance(innermost, Activity):
                innermost.notify(frame)
