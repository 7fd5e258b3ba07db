"""`task.map`: one call for each item, submitted as there is room."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import copy_context
from io import IOBase
from typing import Any, Generic, TypeVar

from perdure import progress
from perdure.context import current_run, transaction_above
from perdure.core.annotations import Annotation, allow_failure, unmapped
from perdure.core.arguments import replace_upstreams
from perdure.core.colour import on_event_loop
from perdure.core.errors import MappingLengthMismatch, MappingMissingIterable, MissingResult
from perdure.core.pending import Pending, PendingGroup
from perdure.core.states import State
from perdure.engine.upstream import state_of
from perdure.futures import AsyncFuture, Future

R = TypeVar("R")
Parameters = dict[str, Any]
Submit = Callable[[Parameters], Future[Any] | AsyncFuture[Any]]

WINDOW = 1_000  # calls that are submitted and not finished, at most
_PATIENCE = 0.1  # seconds after which a wait for another thread's submitting looks again


class MappedFutures(PendingGroup, Generic[R]):
    """The futures of a mapped call, in the order of its items.

    At most `WINDOW` calls are waiting or running at a time; the rest are submitted as these finish.
    From a generator, items are taken in the thread (or on the loop) of whoever called `map`: as it
    iterates, waits, or ends its flow. What has finished is kept as its state alone; iterating over the calls
    of a generator lets go of them one by one, so that there may be millions.
    """

    def __init__(
        self, name: str, submit: Submit, rows: Iterator[Parameters], total: int | None, loop: Any, is_async: bool
    ) -> None:
        self._submit = submit
        self._rows = rows
        self._total = total
        self._loop = loop  # the caller's event loop, if it is async
        self._is_awaited = is_async and loop is not None  # whether the futures' methods are awaited
        self._entries: list[Pending | State[R] | None] = []  # None: handed on, and let go of
        self._unfinished = 0
        self._position = 0  # the index that was asked for last: a generator is not taken more than a window beyond it
        self._exhausted = False
        self._submitting = False
        self._error: BaseException | None = None
        self._error_is_known = False
        self._refusal: Exception | None = None  # why a call could not be submitted
        self._context = copy_context()  # where `map` was called: calls that are submitted later belong there too
        self._changed = threading.Condition(threading.Lock())
        self._bar = progress.bar(name, total)
        self._submit_more()
        if self._refusal is not None:
            raise self._refusal

    def __len__(self) -> int:
        """How many calls there are.

        Raises:
            TypeError: they come from a generator that has not ended.
        """
        if self._total is None and not self._exhausted:
            raise TypeError("How many calls a generator makes is not known until it has ended. Wait for them first.")
        return len(self._entries) if self._total is None else self._total

    def __getitem__(self, index: int) -> Future[R]:
        """The future of the item at an index, which is waited for until it is submitted."""
        if index < 0:
            index += len(self)
        if index < 0 or not self._is_submitted(index):
            raise IndexError(f"There are {len(self._entries)} mapped calls; there is none at {index}.")
        return self._future(index)

    def __iter__(self) -> Iterator[Future[R]]:
        """The futures; the next ones are submitted meanwhile. Those of a generator's items are handed on once."""
        index = 0
        while self._is_submitted(index):
            future = self._future(index)
            if self._total is None:
                self._entries[index] = None
            yield future
            del future  # while the next one is waited for
            index += 1

    def members(self) -> Iterator[Pending]:
        """The futures, which are kept: this is how they are searched for in arguments."""
        index = 0
        while self._is_submitted(index):
            yield self._future(index)
            index += 1

    def wait(self) -> None:
        """Wait until all calls have finished."""
        self.finish()

    def result(self, raise_on_failure: bool = True) -> Any:
        """The values, once all calls have finished; of a coroutine task in async code, a coroutine of them.

        A call that did not complete raises its exception, or has it among the values with `raise_on_failure=False`.
        """
        if self._is_awaited:
            return self._aresult(raise_on_failure)
        self.finish()
        return [state_of(self._entry(index)).fetch(raise_on_failure) for index in range(len(self._entries))]

    async def _aresult(self, raise_on_failure: bool) -> list[Any]:
        await self.afinish()
        return [await state_of(self._entry(index)).afetch(raise_on_failure) for index in range(len(self._entries))]

    def __await__(self) -> Generator[Any, None, "MappedFutures[R]"]:
        """The mapped futures themselves: `await task.map(...)` and `task.map(...)` are the same."""
        yield from ()
        return self

    def finish(self) -> None:
        """Submit what is left, and wait until all calls have finished."""
        index = 0
        while self._is_submitted(index):
            entry = self._entries[index]
            if isinstance(entry, Pending):
                entry.block()
            index += 1
        self._bar.close()

    def block(self, _: float | None = None) -> None:
        """Submit what is left, and wait; an error of the iterable is raised unless somebody has seen it."""
        if not self._is_settled():
            self.finish()
        self._bar.close()

    async def ablock(self) -> None:
        """The same, awaited."""
        if not self._is_settled():
            await self.afinish()
        self._bar.close()

    def _is_settled(self) -> bool:
        return self._exhausted and self._unfinished == 0 and (self._error is None or self._error_is_known)

    def stop(self) -> None:
        """Submit nothing more."""
        with self._changed:
            self._exhausted = True
            self._changed.notify_all()
        self._bar.close()

    async def afinish(self) -> None:
        """Submit what is left, and await all calls."""
        if self._loop is None:  # mapped by a sync task: its generator is taken in a thread
            import asyncio

            await asyncio.to_thread(self.finish)
            return
        index = 0
        while self._is_submitted(index):
            entry = self._entries[index]
            if isinstance(entry, Pending):
                await entry.ablock()
            index += 1
        self._bar.close()

    def _entry(self, index: int) -> Pending | State[R]:
        entry = self._entries[index]
        if entry is None:
            raise MissingResult(
                f"The future of call {index} was handed on already: those of a generator's items are handed on once."
                " Keep them in a list, or map over a list."
            )
        return entry

    def _future(self, index: int) -> Future[R]:
        entry = self._entry(index)
        if isinstance(entry, State):
            kind: Any = AsyncFuture if self._is_awaited else Future
            entry = kind(entry.task_run_id or "", entry)
        return entry  # type: ignore[return-value] # typed for the usual case, that of code that does not await

    def _is_submitted(self, index: int) -> bool:
        """Whether there is a call at an index, once that is known."""
        self._position = max(self._position, index)
        while len(self._entries) <= index and not self._exhausted:
            if self._loop is not None and on_event_loop():
                self._context.run(self._submit_next)  # nobody may block here, so the window gives way
                continue
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._submit_more)
            else:
                self._submit_more()
            with self._changed:
                if len(self._entries) <= index and not self._exhausted:
                    self._changed.wait(_PATIENCE)
        if len(self._entries) <= index and self._error is not None:
            self._error_is_known = True
            raise self._error
        return len(self._entries) > index

    def _has_room(self, window: int = WINDOW // 2) -> bool:
        # Half a window at a time: the threads that finish calls would otherwise queue up here after each one.
        ahead = 0 if self._total is not None else len(self._entries) - self._position
        return not self._exhausted and self._unfinished <= window and ahead <= window

    def _submit_more(self) -> bool:
        """Submit a window full, unless somebody is at it already; whether this was the one to do it."""
        while True:
            with self._changed:
                if self._submitting:
                    return False
                self._submitting = True
            try:
                while self._has_room(WINDOW - 1):
                    self._context.run(self._submit_next)
            finally:
                with self._changed:
                    self._submitting = False
                    self._changed.notify_all()
            if not self._has_room():  # else all finished before they could see that nobody was submitting
                return True

    def _submit_next(self) -> None:
        try:
            row = next(self._rows)
        except StopIteration:
            self._exhausted = True
            return
        except BaseException as error:  # the user's generator raised
            self._error, self._exhausted = error, True
            return
        try:
            future = self._submit(row)
        except Exception as error:
            self._error, self._refusal, self._exhausted = error, error, True
            return
        index = len(self._entries)
        with self._changed:
            self._unfinished += 1
        self._entries.append(future)
        future.when_done(lambda: self._one_done(index))

    def _one_done(self, index: int) -> None:
        entry = self._entries[index]
        if entry is not None:
            self._entries[index] = state_of(entry)
        with self._changed:
            self._unfinished -= 1
            goes_on = self._has_room()
            if goes_on:
                self._changed.notify_all()
            ended = self._exhausted and not self._unfinished
        self._bar.advance()
        if ended:
            self._bar.close()
        if not goes_on:
            return
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._submit_more)
        elif self._total is not None:  # a generator is left to the thread that it belongs to
            self._submit_more()


def mapped(
    name: str, parameters: Parameters, given: set[str], submit: Callable[[Parameters], Any], loop: Any, is_async: bool
) -> MappedFutures[Any]:
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
            item = _waited_for(value)
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
    futures: MappedFutures[Any] = MappedFutures(name, submit, _rows(name, columns, fixed), total, loop, is_async)
    if run is not None and run.flow is not None:
        run.flow.streams.append(futures)
    transaction = transaction_above(run)
    if transaction is not None:
        transaction.streams.append(futures)
    return futures


def _waited_for(value: Any) -> Any:
    """A future or state of a collection is mapped over by its items."""
    inner = value.value if isinstance(value, Annotation) else value
    if not isinstance(inner, Pending | State):
        return value
    if isinstance(inner, Pending):
        inner.block()
    items = replace_upstreams(inner, lambda upstream, _: state_of(upstream).fetch())
    return [allow_failure(item) for item in items] if isinstance(value, allow_failure) else items


def _is_iterable(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(
        value, str | bytes | bytearray | Mapping | IOBase | Annotation
    )


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
