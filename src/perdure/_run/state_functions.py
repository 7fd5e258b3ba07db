"""States, for code that makes, names or looks at them: `return Completed(message="nothing to do")`."""

from collections import Counter
from collections.abc import Coroutine, Iterable
from typing import Any, Never, TypeGuard

from perdure._model.colour import caller_is_async
from perdure._model.state_types import UNSUCCESSFUL, StateType
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


def get_state_exception(state: State[object]) -> BaseException | Coroutine[object, Never, BaseException]:
    """The exception that a failed, crashed or cancelled state stands for; in async code, a coroutine of it.

    Raises:
        ValueError: the state is none of these.
        TypeError: what it carries cannot be raised.
    """
    if state.type not in UNSUCCESSFUL:
        raise ValueError(f"The state {state!r} has no exception: only failed, crashed and cancelled ones have.")
    if caller_is_async():
        return _aexception(state)
    return exception_from(state, state.data.load() if isinstance(state.data, Fetchable) else state.data)


async def _aexception(state: State[object]) -> BaseException:
    return exception_from(state, await state.data.aget() if isinstance(state.data, Fetchable) else state.data)


def raise_state_exception(state: State[object]) -> Coroutine[object, Never, None] | None:
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


class StateGroup:
    """Several states, counted by their types."""

    def __init__(self, states: Iterable[State[Any]]) -> None:
        self.states = list(states)
        self.type_counts = Counter(state.type for state in self.states)
        self.total_count = len(self.states)
        self.cancelled_count = self.type_counts[StateType.CANCELLED]
        self.fail_count = self.type_counts[StateType.FAILED] + self.type_counts[StateType.CRASHED]
        self.paused_count = self.type_counts[StateType.PAUSED]
        self.not_final_count = sum(not state.is_final() for state in self.states)

    def all_completed(self) -> bool:
        """Whether all ended as they should."""
        return self.type_counts[StateType.COMPLETED] == self.total_count

    def all_final(self) -> bool:
        """Whether all have ended."""
        return self.not_final_count == 0

    def any_cancelled(self) -> bool:
        """Whether one was cancelled."""
        return self.cancelled_count > 0

    def any_failed(self) -> bool:
        """Whether one failed or crashed."""
        return self.fail_count > 0

    def any_paused(self) -> bool:
        """Whether one is paused."""
        return self.paused_count > 0

    def counts_message(self) -> str:
        """How many there are of each type: "total=3 'COMPLETED'=2 'FAILED'=1"."""
        unfinished = [f"not_final={self.not_final_count}"] if self.not_final_count else []
        counts = (f"{str(kind)!r}={count}" for kind, count in self.type_counts.items())
        return " ".join([f"total={self.total_count}", *unfinished, *counts])
