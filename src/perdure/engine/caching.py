"""Cache keys: what decides that a task need not run again."""

import functools
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

from perdure.context import TaskRunContext
from perdure.core.effects import Steps
from perdure.engine.hashing import digest_of_values
from perdure.engine.runs import user_call


def task_input_hash(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """A cache key from the task, its code and its arguments. For `cache_key_fn`.

    Raises:
        SerializationError: an argument cannot be hashed; it is named.
    """
    options = context.options
    return digest_of_values(options.key, _code_digest(options.function), parameters)


@functools.lru_cache(maxsize=1_000)
def _code_digest(function: Callable[..., Any]) -> str | None:
    code = getattr(function, "__code__", None)
    return None if code is None else digest_of_values(_parts(code))


def _parts(code: CodeType) -> tuple[Any, ...]:
    """What the code does: its instructions, and the constants and names that they use."""
    constants = tuple(_parts(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.co_code, constants, code.co_names


def cache_key_of(run: TaskRunContext) -> Steps[str | None]:
    """The run's cache key; the function that makes it may take (context, parameters), (parameters), or nothing.

    Raises:
        TypeError: it is neither text nor None.
    """
    function = run.options.cache_key_fn
    assert function is not None
    key = yield user_call(run, function, *_arguments(function, run))
    if key is not None and not isinstance(key, str):
        raise TypeError(
            f"cache_key_fn returned {key!r}, a {type(key).__name__}. Return text, or None for a run without caching."
        )
    return key


def _arguments(function: Callable[..., Any], run: TaskRunContext) -> tuple[Any, ...]:
    try:
        arity = _arity(function)
    except TypeError:  # a callable object that cannot be hashed
        arity = _arity.__wrapped__(function)
    return (run, run.parameters)[2 - arity :]


@functools.lru_cache(maxsize=1_000)
def _arity(function: Callable[..., Any]) -> int:
    """How many of (context, parameters) a cache key function takes."""
    positional = 0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return 2
        positional += parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    return min(positional, 2)
