"""Whether the code that calls us awaits: known from definitions, never guessed.

Each run sets its function's colour while it runs. Outside all runs, code on a running event loop is async.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

run_is_async: ContextVar[bool | None] = ContextVar("perdure_run_is_async", default=None)


def on_event_loop() -> bool:
    """Whether an event loop is running in this thread."""
    # A process that has not imported asyncio has no loop, and sync programs need not pay for the import.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def is_running(loop: Any) -> bool:
    """Whether this very event loop is running in this thread."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is loop


def caller_is_async() -> bool:
    """Whether the innermost run is a coroutine function or, outside all runs, a loop is running here."""
    colour = run_is_async.get()
    return on_event_loop() if colour is None else colour


def call_is_awaited() -> bool:
    """Whether whoever calls a coroutine function now awaits it: all but a flow or task that is not async.

    Outside all runs too, loop or not: `asyncio.run(my_flow())` makes the call before there is a loop.
    """
    return run_is_async.get() is not False


class FetchPolicy:
    """What `State.result()` does in async code when the caller does not choose; settings replace it."""

    fetch_in_async: Callable[[], bool] = staticmethod(lambda: False)
