"""What async programs that were written for Prefect import: who waits how, and calls that block."""

import inspect
from collections.abc import Callable

from perdure._platform.moved import export
from perdure._platform.threads import in_thread as run_sync_in_worker_thread

__all__ = ["Async", "Sync", "is_async_fn", "run_sync_in_worker_thread"]


def is_async_fn(func: Callable[..., object]) -> bool:
    """Whether a function, or what wrappers of it wrap, is a coroutine function."""
    return inspect.iscoroutinefunction(inspect.unwrap(func))


class Sync:
    """The second parameter of `PrefectFuture[int, Sync]`: its methods block."""


class Async:
    """The second parameter of `PrefectFuture[int, Async]`: its methods are awaited."""


export(globals())
