"""`task.map` and `flow.map`: one call for each item of the arguments that are iterables."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

from perdure._engine.lifecycle.upstream import state_of
from perdure._execution.map_window import Mapped, Parameters, Submit, unfinished_outside
from perdure._model.argument_marks import Annotation, allow_failure, unmapped
from perdure._model.errors import MappingLengthMismatch, MappingMissingIterable
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._run.context import current_run, transaction_above
from perdure._run.futures import AsyncFuture, Future, checked_timeout
from perdure._run.pending import Pending
from perdure._runners.base import WINDOW
from perdure._session import session as sessions

R = TypeVar("R")

__all__ = ["AsyncMappedFutures", "MappedFutures", "mapped"]


class MappedFutures(Mapped[R], Sequence[Future[R]]):
    """The futures of a mapped call, in the order of its items: a list in all but that it is made as there is room.

    A window of calls, a thousand or more, is waiting or running at a time; the rest are submitted as these finish.
    """

    _future = Future

    @overload
    def __getitem__(self, index: int) -> Future[R]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Future[R]]: ...
    def __getitem__(self, index: int | slice) -> Future[R] | list[Future[R]]:
        """The future of the item at an index, or a list of futures; what is not yet submitted is waited for."""
        return self._get(index)  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Future[R]]:
        """The futures; the next ones are submitted meanwhile. Those of a generator's items are handed on once."""
        return self._iterate()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all calls have finished, at most `timeout` seconds; whether they have.

        Raises:
            ValueError: the timeout is negative.
        """
        return self.finish(_end(timeout))

    def states(self) -> list[State[R]]:
        """The states of all calls, once they have finished."""
        self.finish()
        return [state_of(self._entry(index)) for index in range(len(self._entries))]

    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> list[R]: ...
    @overload
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R | BaseException]: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The values, once all calls have finished.

        The exception of a call that did not complete is raised as soon as that is known, or is among the values with
        `raise_on_failure=False`.

        Raises:
            TimeoutError: some have not finished after `timeout` seconds.
            ValueError: the timeout is negative.
        """
        end = _end(timeout)
        is_done = self.finish(end, raise_on_failure)
        failure = self._first_failure() if raise_on_failure else None
        if failure is not None:
            try:
                return failure.fetch()
            except BaseException as error:
                fold(error)
                raise
        # A failure that ended the wait may be one whose future was handed on, and forgotten.
        if not (is_done or self.finish(end)):
            raise _too_late(self, timeout)
        try:
            return [state.fetch(raise_on_failure) for state in self.states()]
        except BaseException as error:
            fold(error)
            raise


class AsyncMappedFutures(Mapped[R], Sequence[AsyncFuture[R]]):
    """The futures of a mapped call of a coroutine task in async code: `wait` and `result` are awaited."""

    _future = AsyncFuture

    @overload
    def __getitem__(self, index: int) -> AsyncFuture[R]: ...
    @overload
    def __getitem__(self, index: slice) -> list[AsyncFuture[R]]: ...
    def __getitem__(self, index: int | slice) -> AsyncFuture[R] | list[AsyncFuture[R]]:
        """The future of the item at an index, or a list of futures."""
        return self._get(index)  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[AsyncFuture[R]]:
        """The futures; the next ones are submitted meanwhile. Those of a generator's items are handed on once."""
        return self._iterate()

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until all calls have finished, at most `timeout` seconds; whether they have.

        Raises:
            ValueError: the timeout is negative.
        """
        return await self.afinish(_end(timeout))

    async def states(self) -> list[State[R]]:
        """The states of all calls, once they have finished."""
        await self.afinish()
        return [state_of(self._entry(index)) for index in range(len(self._entries))]

    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> list[R]: ...
    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R | BaseException]: ...
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The values, once all calls have finished.

        The exception of a call that did not complete is raised as soon as that is known, or is among the values with
        `raise_on_failure=False`.

        Raises:
            TimeoutError: some have not finished after `timeout` seconds.
            ValueError: the timeout is negative.
        """
        end = _end(timeout)
        is_done = await self.afinish(end, raise_on_failure)
        failure = self._first_failure() if raise_on_failure else None
        if failure is not None:
            try:
                return await failure.afetch()
            except BaseException as error:
                fold(error)
                raise
        if not (is_done or await self.afinish(end)):
            raise _too_late(self, timeout)
        try:
            return [await state.afetch(raise_on_failure) for state in await self.states()]
        except BaseException as error:
            fold(error)
            raise


def _end(timeout: float | None) -> float | None:
    seconds = checked_timeout(timeout)
    return None if seconds is None else time.monotonic() + seconds


def _too_late(futures: Mapped[Any], timeout: float | None) -> TimeoutError:
    return TimeoutError(f"{futures.unfinished} mapped calls have not finished after {timeout:g} second(s).")


def mapped(
    name: str,
    parameters: Parameters,
    given: set[str],
    submit: Submit,
    loop: object,
    is_async: bool,
) -> MappedFutures[object] | AsyncMappedFutures[object]:
    """Submit a call for each item of the parameters that can be iterated over.

    Raises:
        MappingMissingIterable: there is no such parameter.
        MappingLengthMismatch: their lengths differ.
    """
    fixed: Parameters = {}
    columns: Parameters = {}
    for key, value in parameters.items():
        if isinstance(value, unmapped):
            fixed[key] = value.value
        elif key in given:
            item = _column(value)
            (columns if _is_iterable(item) else fixed)[key] = item
        else:
            fixed[key] = value
    if not columns:
        shown = ", ".join(f"{key}={value!r}" for key, value in parameters.items()) or "nothing"
        raise MappingMissingIterable(
            f"{name}.map got nothing to map over: {shown[:500]}. Give it a list or another iterable,"
            " or call submit for a single call."
        )
    total = _length(name, columns)
    run = current_run.get()
    kind = AsyncMappedFutures if is_async and loop is not None else MappedFutures
    window = WINDOW if run is None or run.flow is None else sessions.current().task_runner_of(run.flow).window
    futures: Any = kind(name, submit, _rows(name, columns, fixed), total, loop, window)
    if run is not None and run.flow is not None:
        run.flow.streams.append(futures)
    else:
        unfinished_outside[id(futures)] = futures
        if futures.is_done:  # whoever finished the last call may have been here before
            unfinished_outside.pop(id(futures), None)
    transaction = transaction_above(run)
    if transaction is not None:
        transaction.streams.append(futures)
    return futures  # type: ignore[no-any-return]


class _Allowed:
    """Items, each of which is allowed to fail."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[object]:
        return map(allow_failure, self._items)


def _column(value: object) -> object:
    """What is gone through for an argument: a future or state of a collection stands for its items."""
    if isinstance(value, allow_failure):
        if isinstance(value.value, Pending):
            value.value.block()
        if isinstance(value.value, Pending | State) and not state_of(value.value).is_completed():
            return value  # what failed is the same for all calls: its exception
        items = _column(value.value)
        return _Allowed(items) if _is_iterable(items) else value
    if not isinstance(value, Pending | State):
        return value
    if isinstance(value, Pending):
        value.block()
    return state_of(value).fetch()


def _is_iterable(value: object) -> bool:
    """Whether a value is one for each call. Texts, mappings, models, tables and open files are single values."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | bytearray | Mapping | Annotation):
        return False
    kind = type(value)
    if getattr(value, "ndim", None) == 0:  # an array of one number
        return False
    return not any(hasattr(kind, name) for name in _OF_SINGLE_VALUES)


# Of tables (pandas, Polars and more), whose iteration gives columns or their names; of files; and of pydantic's models.
_OF_SINGLE_VALUES = ("columns", "column_names", "read", "__pydantic_validator__", "__fields_set__")


def _length(name: str, columns: Parameters) -> int | None:
    lengths = {key: length for key, value in columns.items() if (length := _known_length(value)) is not None}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise MappingLengthMismatch(
            f"{name}.map got iterables of different lengths: {shown}. Make them equal, or wrap what is"
            " the same for all calls in unmapped(...)."
        )
    return next(iter(lengths.values())) if len(lengths) == len(columns) else None


def _known_length(value: Any) -> int | None:
    try:
        return len(value)
    except TypeError:  # a generator, or mapped over one
        return None


def _rows(name: str, columns: Parameters, fixed: Parameters) -> Iterator[Parameters]:
    try:
        for items in zip(*columns.values(), strict=True):
            yield fixed | dict(zip(columns, items, strict=True))
    except ValueError as error:
        if "zip()" not in str(error):
            raise
        raise MappingLengthMismatch(f"{name}.map got iterables of different lengths: {error}.") from None
