"""The window of a map: its calls are submitted as there is room, and their futures are kept.

The problem: `task.map(range(1_000_000))` must not make a million runs, contexts and pool entries before the first one
has finished; nor may a generator be drained that yields for ever, or reads a file in the thread that opened it. A
thread that only feeds the pool would solve the first, and would break the last: the caller's generator would run in a
thread that the caller does not know.

The idea: a window. At most `WINDOW` calls are submitted and unfinished, or more where the task runner takes more at
once. Nobody is employed to submit: whoever has just made room does it.

    map(...)            submits a window of calls, and returns
    a worker thread     finishes a call; when half of the window is free, it submits the next ones, or has the caller's
                        loop do it
    the caller          iterating, waiting, ending its flow: takes items of a generator, which are its own business

Half of the window, not one call: else each thread that finishes a call would queue for the right to submit one. From a
generator, items are taken in the caller's thread or loop alone, and at most a window ahead of what it has consumed;
what is handed on is forgotten (its entry becomes None), so that memory stays level over millions of items.

What always holds:

- `_unfinished` counts calls that were submitted and have not finished; it is changed under `_changed`.
- One thread submits at a time (`_submitting`). Who finds another at it leaves; so the one that is at it looks once
  more for room after it has said that it stops, or calls that all finish at that moment would leave nobody to go on.
- Entries are in the order of the items; a finished call's is its state alone, from which a future is made again.
- On an event loop nobody may block, so there the window gives way instead: the next call is submitted at once.
- An error of the user's iterable, or a call that is refused, ends the submitting; it is raised where the caller waits.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from perdure._engine.lifecycle.upstream import state_of
from perdure._execution import progress_bar as progress
from perdure._execution.mapped_entries import Entries
from perdure._model.colour import on_event_loop
from perdure._model.errors import ResultNotKept
from perdure._model.states import State
from perdure._run.futures import AsyncFuture, Future
from perdure._run.interruptible_wait import Bell
from perdure._run.pending import Pending, PendingGroup
from perdure._runners.base import WINDOW

R = TypeVar("R")
Parameters = dict[str, object]
Submitted = Future[object] | AsyncFuture[object]
Submit = Callable[[Parameters], Submitted]

_PATIENCE = 0.1  # seconds after which a wait for another thread's submitting looks again


unfinished_outside: "dict[int, Mapped[object]]" = {}  # by id: mapped calls outside all flows


class Mapped(PendingGroup, Generic[R]):
    """The futures of a mapped call, in the order of its items.

    A window of calls is waiting or running at a time; the rest are submitted as these finish.
    From a generator, items are taken in the thread (or on the loop) of whoever called `map`: as it
    iterates, waits, or ends its flow. What has finished is kept as its state alone; iterating over the calls
    of a generator forgets them one by one, so that there may be millions.
    """

    _future: type[Any]  # of what the futures are, once their runs have finished

    def __init__(
        self,
        name: str,
        submit: Submit,
        rows: Iterator[Parameters],
        total: int | None,
        loop: Any,
        window: int = WINDOW,
    ) -> None:
        self._submit = submit
        self._rows = rows
        self._total = total
        self._loop = loop  # the caller's event loop, if it is async
        self._window = window
        self._has_failed = False  # whether some call did not complete
        self._watchers: set[Callable[[], object]] = set()  # called at the first such call
        self._entries = Entries()
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

    def _get(self, index: int | slice) -> Any:
        """The future of the item at an index, or a list of futures; what is not yet submitted is waited for."""
        if isinstance(index, slice):
            return [self._future_at(each) for each in self._indices(index) if self._is_submitted(each)]
        if index < 0:
            index += len(self)
        if index < 0 or not self._is_submitted(index):
            raise IndexError(f"There are {len(self._entries)} mapped calls; there is none at {index}.")
        return self._future_at(index)

    def _indices(self, part: slice) -> range:
        start, stop, step = part.start or 0, part.stop, part.step or 1
        if self._total is None and stop is not None and min(start, stop, step) >= 0:  # of a generator, no more is taken
            return range(start, stop, step)
        while self._total is None and self._is_submitted(len(self._entries)):
            pass  # how many there are is known when the generator has ended
        return range(*part.indices(len(self)))

    def __add__(self, other: Iterable[object]) -> list[object]:
        return [*self.members(), *_members(other)]

    def __radd__(self, other: Iterable[object]) -> list[object]:
        return [*_members(other), *self.members()]

    def _iterate(self) -> Iterator[Any]:
        index = 0
        while self._is_submitted(index):
            future = self._future_at(index)
            if self._total is None:
                self._entries.forget(index)
            yield future
            del future  # while the next one is waited for
            index += 1

    @property
    def unfinished(self) -> int:
        """How many calls have been submitted and have not finished."""
        return self._unfinished

    @property
    def is_done(self) -> bool:
        """Whether all calls have finished."""
        return self._exhausted and not self._unfinished

    def members(self) -> Iterator[Pending]:
        """The futures, which are kept: this is how they are searched for in arguments."""
        index = 0
        while self._is_submitted(index):
            yield self._future_at(index)
            index += 1

    def __await__(self) -> Generator[object, None, object]:
        """The mapped futures themselves: `await task.map(...)` and `task.map(...)` are the same."""
        yield from ()
        return self

    def finish(self, end: float | None = None, fails_fast: bool = False) -> bool:
        """Submit what is left, and wait until all calls have finished; whether they have.

        Until `end`, a time of the monotonic clock; with `fails_fast`, until the first that does not complete.
        """
        bell = Bell()
        if fails_fast:
            self._watchers.add(bell.ring)
        try:
            index = 0
            while self._is_submitted(index, end):
                entry = self._entries.pending(index)
                if fails_fast and self._has_failed:
                    return False
                if entry is not None and not self._wait(entry, bell, end, fails_fast):
                    return False
                index += 1
        finally:
            self._watchers.discard(bell.ring)
        return self._has_all()

    def _has_all(self) -> bool:
        """After all that were submitted have been waited for: whether nothing more will be."""
        if not self._exhausted:
            return False
        # Who finishes the last call counts it a moment after its state can be seen: so `is_done` may not say it yet.
        self._close()
        return True

    def _wait(self, entry: Pending, bell: Bell, end: float | None, fails_fast: bool) -> bool:
        """Wait for a call; whether it has finished."""
        entry.prepare_to_block(end is not None)
        entry.when_done(bell.ring)
        while entry.ended is None and not (fails_fast and self._has_failed):
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            bell.wait(left)
        return entry.ended is not None

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
        self._close()

    def _close(self) -> None:
        self._bar.close()
        unfinished_outside.pop(id(self), None)

    async def afinish(self, end: float | None = None, fails_fast: bool = False) -> bool:
        """The same, awaited."""
        import asyncio

        if self._loop is None:  # mapped by a sync task: its generator is taken in a thread
            return await asyncio.to_thread(self.finish, end, fails_fast)
        failed = asyncio.get_running_loop().create_future()

        def fail() -> None:
            self._loop.call_soon_threadsafe(lambda: None if failed.done() else failed.set_result(None))

        if fails_fast:
            self._watchers.add(fail)
        try:
            async with asyncio.timeout(None if end is None else end - time.monotonic()):
                index = 0
                while self._is_submitted(index):
                    entry = self._entries.pending(index)
                    if fails_fast and self._has_failed:
                        return False
                    if entry is not None and entry.ended is None:
                        arrived = asyncio.ensure_future(entry.ablock())
                        try:
                            await asyncio.wait({arrived, failed}, return_when=asyncio.FIRST_COMPLETED)
                        finally:
                            arrived.cancel()
                    index += 1
        except TimeoutError:
            return False
        finally:
            self._watchers.discard(fail)
        return self._has_all()

    def _first_failure(self) -> State[object] | None:
        """The state of the first call, in order, that has finished and did not complete."""
        if self._has_failed:
            for entry in map(self._entries.get, range(len(self._entries))):
                state = entry.ended if isinstance(entry, Pending) else entry
                if state is not None and not state.is_completed():
                    return state
        return None

    def _entry(self, index: int) -> Pending | State[R]:
        entry = self._entries.get(index)
        if entry is None:
            raise ResultNotKept(
                f"The future of call {index} was handed on already: those of a generator's items are handed on once."
                " Keep them in a list, or map over a list."
            )
        return entry

    def _future_at(self, index: int) -> Any:
        entry = self._entry(index)
        if isinstance(entry, State):
            entry = self._future(entry.run_id or "", entry)
        return entry

    def _is_submitted(self, index: int, end: float | None = None) -> bool:
        """Whether there is a call at an index, once that is known; at `end`, whether there is one."""
        self._position = max(self._position, index)
        while len(self._entries) <= index and not self._exhausted and (end is None or time.monotonic() < end):
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

    def _has_room(self, window: int | None = None) -> bool:
        # Half a window at a time: the threads that finish calls would otherwise queue up here after each one.
        window = self._window // 2 if window is None else window
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
                while self._has_room(self._window - 1):
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
        future.when_done(lambda: self._one_done(index, future))

    def _one_done(self, index: int, future: Pending) -> None:
        state = state_of(future)
        self._entries.end(index, state)
        with self._changed:
            self._unfinished -= 1
            continues = self._has_room()
            if continues:
                self._changed.notify_all()
            ended = self._exhausted and not self._unfinished
        self._bar.advance()
        if ended:
            self._close()
        if not state.is_completed():
            self._has_failed = True
            for watch in tuple(self._watchers):
                watch()
        if not continues:
            return
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._submit_more)
        elif self._total is not None:  # a generator is left to the thread that it belongs to
            self._submit_more()


def _members(futures: Iterable[object]) -> Iterable[object]:
    return futures.members() if isinstance(futures, Mapped) else futures
