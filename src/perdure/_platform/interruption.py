"""Raising an exception in another thread: only where it can be raised, and never a moment later.

The problem: Python raises such an exception wherever the thread is once it runs again. Whoever looks where that is, and
then has it raised, may be too late: between the two other threads have run, and the exception comes in the middle of
what must not be left half done. The worst of it is the lock of a handler of `logging`, which is taken by one call and
released by another: an exception just between them has every thread that logs wait for ever.

The idea: look twice. The first look goes up the stack, which takes as long as it takes. The second one only compares
the innermost frame, with nothing after it at which Python lets another thread run: a `for` over `iter(f, None)` calls
`f` from C, and looking something up, comparing and entering a function of C are single steps.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, MappingProxyType

_LOOKS, _LOOK_SECONDS = range(20), 0.0005  # at whether a thread runs again, and so has raised its exception


class _TakenBack(BaseException):
    """Raised in this thread after an exception was taken back: Python 3.11 notes that there is none by raising one."""


def _stalls_others() -> bool:
    """Whether no thread can call a function while an exception waits for one that is blocked.

    So it is with Python 3.11 while it is traced, by a debugger or for coverage: each call looks for that exception
    again and again, until it has been raised. If the thread is blocked until another one does something, all of them
    hang. So an exception that is not raised soon is taken back, and the caller tries again.
    """
    if sys.version_info >= (3, 12):
        return False
    is_traced = (sys.gettrace() or threading.gettrace()) is not None
    return is_traced or any(frame.f_trace is not None for frame in sys._current_frames().values())


def raise_in_thread(
    thread: int,
    error: type[BaseException],
    may_raise_at: Callable[[FrameType], bool],
    ends_of_waits: Mapping[int, Callable[[], object]] = MappingProxyType({}),
) -> bool:
    """Have an exception raised in another thread, if it may be where that is; whether it will be.

    It is raised when Python code runs there again: in the innermost frame that `may_raise_at` was asked about, or at
    the first instruction of what that calls, or after the call that returns to what called it. If the thread has an
    entry in `ends_of_waits`, that is called: a function of C, which may raise RuntimeError.
    """
    import ctypes  # before the looks, for it takes long; few programs need it, and the others start faster

    have_raised = ctypes.pythonapi.PyThreadState_SetAsyncExc
    arguments = ctypes.c_ulong(thread), ctypes.py_object(error)
    take_back = ctypes.c_ulong(thread), ctypes.py_object()
    end = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_TakenBack)
    frames: dict[int, FrameType] = {}
    with _without_collecting():
        frame = sys._current_frames().get(thread)
        if frame is None or not may_raise_at(frame):
            return False
        stalls_others, place = _stalls_others(), frame.f_lasti
        try:
            for frames in iter(sys._current_frames, None):
                if frames[thread] is not frame:
                    return False
                have_raised(*arguments)
                break
            # From here on no function of Python's may be called, until the exception has been raised or taken back.
            end_wait = ends_of_waits.get(thread)
            if end_wait is not None:
                try:  # noqa: SIM105 - suppress() is Python's
                    end_wait()
                except RuntimeError:  # it has ended
                    pass
            if not stalls_others:
                return True
            for _ in _LOOKS:
                time.sleep(_LOOK_SECONDS)
                if sys._current_frames().get(thread) is not frame or frame.f_lasti != place:
                    return True
            try:
                have_raised(*take_back)
                have_raised(*end)
                while True:
                    time.sleep(0)
            except _TakenBack:
                return False
        except KeyError:  # the thread has ended
            pass
        finally:
            frames = {}  # else this frame, which is in it, would keep those of all threads
    return False


def frame_of(thread: int) -> FrameType | None:
    """Where another thread is; None if it has ended."""
    with _without_collecting():
        return sys._current_frames().get(thread)


_looking = threading.Lock()
_is_off = False


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Python holds a lock of its own while it looks where threads are, and up to 3.11 may collect garbage meanwhile.

    What that calls, a finalizer say, may let a thread run that needs the same lock to begin: then all wait for ever
    (CPython's issue 106883).
    """
    global _is_off
    if sys.version_info >= (3, 12):
        yield
        return
    with _looking:
        _is_off = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if _is_off:
                gc.enable()
            _is_off = False


def _renew() -> None:
    """In a forked child: some other thread of the parent may have been looking."""
    global _looking, _is_off
    _looking = threading.Lock()
    if _is_off:
        gc.enable()
    _is_off = False


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew)


_START = threading.Thread.start.__code__


def may_be_left(frame: FrameType | None) -> bool:
    """Whether what is half done where a frame is can stay so: no line is being logged there, and no thread begins."""
    while frame is not None:
        if holds_lock(frame):
            return False
        frame = frame.f_back
    return True


def holds_lock(frame: FrameType) -> bool:
    """Whether the code of a frame has locks that an exception could leave taken, or have released twice."""
    return frame.f_code is _START or str(frame.f_globals.get("__name__")).partition(".")[0] == "logging"
