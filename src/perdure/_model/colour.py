"""Whether the code that calls us awaits: known from definitions, never guessed.

Each run sets its function's colour while it runs. Outside all runs, code on a running event loop is async; and so it
is within a plain function that has begun an event loop of its own, as `asyncio.run` does.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar

from perdure._model.unsupported_concurrency import check_loop_of_coroutines

# True: a coroutine function runs. Else a plain one does: the event loop in whose thread it was called, or False.
run_is_async: ContextVar[object] = ContextVar("perdure_run_is_async", default=None)


def _running_loop() -> object:
    """The event loop that runs in this thread, or None."""
    # A process that has not imported asyncio has no loop, and sync programs need not pay for the import. Nor has this
    # thread one while another thread is in the middle of that import: the module is there, and half empty.
    get = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return None if get is None else get()


def colour_of_plain_code() -> object:
    """What `run_is_async` is set to while a plain function runs here."""
    return _running_loop() or False


def _in_loop_of_its_own(colour: object) -> bool:
    """Whether the plain function that runs has begun an event loop, on which the caller is."""
    loop = _running_loop()
    return loop is not None and loop is not colour


def on_event_loop() -> bool:
    """Whether an event loop is running in this thread."""
    return _running_loop() is not None


def is_running(loop: object) -> bool:
    """Whether this very event loop is running in this thread."""
    return _running_loop() is loop


def caller_is_async() -> bool:
    """Whether the innermost run is a coroutine function or, outside all runs or on its own loop, a loop runs here."""
    colour = run_is_async.get()
    if colour is None:
        return on_event_loop()
    return colour is True or _in_loop_of_its_own(colour)


def outside_runs() -> bool:
    """Whether no run is around the caller, as in a notebook's cell: a loop that runs there is not ours."""
    return run_is_async.get() is None


def call_is_awaited() -> bool:
    """Whether whoever calls a coroutine function now awaits it: all but a flow or task that is not async.

    Outside all runs too, loop or not: `asyncio.run(my_flow())` makes the call before there is a loop.

    Raises:
        UnsupportedConcurrency: it does so on trio.
    """
    check_loop_of_coroutines()
    colour = run_is_async.get()
    return colour is None or colour is True or _in_loop_of_its_own(colour)


class FetchPolicy:
    """What `State.result()` does in async code when the caller does not choose; settings replace it."""

    fetch_in_async: Callable[[], bool] = staticmethod(lambda: False)
