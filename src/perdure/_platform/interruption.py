"""Raising an exception in another thread: only where it can be raised, and never a moment later.

The problem: Python raises such an exception wherever the thread is once it runs again. Whoever looks where that is, and
then has it raised, may be too late: between the two other threads have run, and the exception comes in the middle of
what must not be left half done. The worst of it is the lock of a handler of `logging`, which is taken by one call and
let go by another: an exception just between them has every thread that logs wait for ever.

The idea: look twice. The first look goes up the stack, which takes as long as it takes. The second one only compares
the innermost frame, with nothing after it at which Python lets another thread run: a `for` over `iter(f, None)` calls
`f` from C, and looking something up, comparing and entering a function of C are single steps.
"""

import sys
from collections.abc import Callable
from types import FrameType


def raise_in_thread(thread: int, error: type[BaseException], may_raise_at: Callable[[FrameType], bool]) -> bool:
    """Have an exception raised in another thread, if it may be where that is; whether it will be.

    It is raised when Python code runs there again: in the innermost frame that `may_raise_at` was asked about, or at
    the first instruction of what that calls, or after the call that returns to what called it.
    """
    import ctypes  # before the looks, for it takes long; few programs need it, and the others start faster

    have_raised = ctypes.pythonapi.PyThreadState_SetAsyncExc
    arguments = ctypes.c_ulong(thread), ctypes.py_object(error)
    frame = sys._current_frames().get(thread)
    if frame is None or not may_raise_at(frame):
        return False
    frames: dict[int, FrameType] = {}
    try:
        for frames in iter(sys._current_frames, None):
            if frames[thread] is frame:
                have_raised(*arguments)
                return True
            return False
    except KeyError:  # the thread has ended
        pass
    finally:
        frames = {}  # else this frame, which is in it, would keep those of all threads
    return False


def is_outside_logging(frame: FrameType | None) -> bool:
    """Whether no line is being logged where a frame is: a lock of logging's could be held for ever."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "logging":
            return False
        frame = frame.f_back
    return True
