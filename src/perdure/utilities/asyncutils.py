"""What async programs that were written for Prefect import: who waits how, and calls that block."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from perdure._platform.moved import export
from perdure._platform.threads import in_thread as run_sync_in_worker_thread

__all__ = ["Async", "Sync", "is_async_fn", "run_coro_as_sync", "run_sync_in_worker_thread"]

T = TypeVar("T")


def is_async_fn(func: Callable[..., object]) -> bool:
    """Whether a function, or what wrappers of it wrap, is a coroutine function."""
    return inspect.iscoroutinefunction(inspect.unwrap(func))


def run_coro_as_sync(coroutine: Coroutine[object, object, T], *, force_new_thread: bool = False) -> T:
    """Run a coroutine to its end, and give what it returns; on a running event loop, in another thread meanwhile.

    That loop stands still until then. Raises what the coroutine raises.
    """
    if not force_new_thread and asyncio._get_running_loop() is None:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, coroutine).result()


class Sync:
    """The second parameter of `PrefectFuture[int, Sync]`: its methods block."""


class Async:
    """The second parameter of `PrefectFuture[int, Async]`: its methods are awaited."""


export(globals())
