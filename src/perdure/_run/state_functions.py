"""States, for code that makes, names or looks at them: `return Completed(message="nothing to do")`."""

from collections.abc import Coroutine
from typing import Any, TypeGuard

from perdure._model.colour import caller_is_async
from perdure._model.state_types import UNSUCCESSFUL
from perdure._model.states import (
    Fetchable,
    State,
    exception_from,
    is_states,
)


def is_state(obj: object) -> TypeGuard[State[Any]]:
    """Whether it is a state."""
    return isinstance(obj, State)


def is_state_iterable(obj: object) -> TypeGuard["list[State[Any]] | tuple[State[Any], ...] | set[State[Any]]"]:
    """Whether it is a list, tuple or set of only states, and not empty."""
    return is_states(obj)


def get_state_exception(state: State[object]) -> BaseException | Coroutine[Any, Any, BaseException]:
    """The exception that a failed, crashed or cancelled state stands for; in async code, a coroutine of it.

    Raises:
        ValueError: the state is none of these.
        TypeError: what it carries cannot be raised.
    """
    if state.type not in UNSUCCESSFUL:
        raise ValueError(f"The state {state!r} has no exception: only failed, crashed and cancelled ones have.")
    if caller_is_async():
        return _aexception(state)
    return exception_from(state, state.data.get() if isinstance(state.data, Fetchable) else state.data)


async def _aexception(state: State[object]) -> BaseException:
    return exception_from(state, await state.data.aget() if isinstance(state.data, Fetchable) else state.data)


def raise_state_exception(state: State[object]) -> Coroutine[Any, Any, None] | None:
    """Raise the exception of a failed, crashed or cancelled state; of another one, do nothing. In async code, awaited.

    Raises:
        Exception: what the run raised, or an error of its own if it raised none.
        ResultError: that was kept, but cannot be loaded.
    """
    if caller_is_async():
        return _araise(state)
    if state.type in UNSUCCESSFUL:
        state.fetch()
    return None


async def _araise(state: State[object]) -> None:
    if state.type in UNSUCCESSFUL:
        await state.afetch()
