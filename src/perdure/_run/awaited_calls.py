"""Calls that async code awaits, and other code does not."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from perdure._model.colour import caller_is_async
from perdure._platform.threads import in_thread

P = ParamSpec("P")


def awaited_in_async_code(function: Callable[P, object]) -> Callable[P, Any]:
    """A plain function as it is, but for async code: there a coroutine of it, which runs in another thread."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        if not caller_is_async():
            return function(*args, **kwargs)
        return in_thread(function, *args, **kwargs)

    return call
