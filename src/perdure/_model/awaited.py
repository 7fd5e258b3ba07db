"""Calls and values that async code awaits, and other code does not."""

import functools
from collections.abc import Callable, Generator
from typing import Any, ParamSpec, Self

from perdure._model.colour import caller_is_async
from perdure._platform.threads import in_thread

P = ParamSpec("P")


class AwaitableText(str):
    """A text. To await it gives it at once: users of Prefect do so in coroutines."""

    __slots__ = ()

    def __await__(self) -> Generator[object, None, Self]:
        return self
        yield


def perhaps_awaited(call: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> object:
    """What a call returns; in async code a coroutine of it, which runs in another thread."""
    return in_thread(call, *args, **kwargs) if caller_is_async() else call(*args, **kwargs)


def awaited_in_async_code(function: Callable[P, object]) -> Callable[P, Any]:
    """A plain function as it is, but for async code: there a coroutine of it, which runs in another thread."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return perhaps_awaited(function, *args, **kwargs)

    return call
