"""Other libraries' concurrency, found by what they did to this process: Perdure needs threads, or asyncio.

gevent and eventlet put greenlets in the place of threads and locks, for the whole process. Plain flows run in those as
in threads, if all of our locks are theirs; an event loop of ours would need a thread of its own, and has none.
"""

import _thread

from perdure._model.errors import UnsupportedConcurrency
from perdure._platform.finished_imports import imported

_allocate_lock = _thread.allocate_lock  # as it was when Perdure's own locks were made


def _patched_by() -> str | None:
    """The library whose greenlets are threads here, or None."""
    library = str(getattr(_thread.allocate_lock, "__module__", None)).partition(".")[0]
    return library if library in ("gevent", "eventlet") else None


def check_threads() -> None:
    """See to it that Perdure's locks and threads are of one kind.

    Raises:
        UnsupportedConcurrency: threads were replaced after Perdure was imported; waiting for one might never end.
    """
    if _thread.allocate_lock is not _allocate_lock and (library := _patched_by()) is not None:
        raise UnsupportedConcurrency(
            f"{library} replaced threads and locks after Perdure was imported, so that waits might never end. Have"
            f" {_PATCH[library]} come first in the program, before any other import."
        )


def check_loop_in_thread() -> None:
    """See to it that an event loop may be run in a thread beside the caller's.

    Raises:
        UnsupportedConcurrency: threads are greenlets here, which share one loop.
    """
    if (library := _patched_by()) is not None:
        raise UnsupportedConcurrency(
            f"Plain code called a coroutine task or flow, which needs an event loop in another thread; but {library}"
            " has replaced threads by greenlets. Make the task a plain function, or the flow a coroutine function that"
            " `asyncio.run` runs."
        )


def check_loop_of_coroutines() -> None:
    """See to it that what calls a coroutine task or flow here does not await it on trio.

    Raises:
        UnsupportedConcurrency: it does.
    """
    trio = imported("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        raise UnsupportedConcurrency(
            "Coroutine tasks and flows run on asyncio, and this is inside trio.run. Write `await"
            " trio.to_thread.run_sync(lambda: asyncio.run(my_flow()))`, or make the task a plain function."
        )


_PATCH = {"gevent": "`from gevent import monkey; monkey.patch_all()`", "eventlet": "`eventlet.monkey_patch()`"}

__all__ = ["check_loop_in_thread", "check_loop_of_coroutines", "check_threads"]
