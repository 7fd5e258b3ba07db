"""Calls that block, which async code awaits."""

from collections.abc import Callable, Coroutine
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, R]:
    """A coroutine that makes a call in another thread."""
    import asyncio  # programs without a loop do not pay for it

    return asyncio.to_thread(call, *args, **kwargs)
