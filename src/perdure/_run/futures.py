"""Handles on submitted task runs."""

import functools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._model.tracebacks import fold
from perdure._platform.named import NamedTuple
from perdure._run.interruptible_wait import Bell
from perdure._run.pending import Pending

R_co = TypeVar("R_co", covariant=True)
F = TypeVar("F", bound=Pending)

__all__ = ["AsyncFuture", "DoneAndNotDone", "Future", "PrefectFuture", "as_completed", "wait"]


_WAIT = "perdure.futures.wait and perdure.futures.as_completed wait for several of these futures"
# What the futures of concurrent.futures and asyncio have, and what these have for it. Their `wait` and `as_completed`
# look at some of it; they cannot do: a task that waits has to run what it waits for, where no thread is left for that.
_INSTEAD = {
    "_condition": f"concurrent.futures cannot wait for it: {_WAIT}",
    "_waiters": f"concurrent.futures cannot wait for it: {_WAIT}",
    "_state": f"its state is `future.state`; {_WAIT}",
    "add_done_callback": f"a task that takes the future runs once it is done; {_WAIT}",
    "cancel": "`cancel_flow_run` cancels the whole flow run",
    "cancelled": "write `future.state.is_cancelled()`",
    "done": "write `future.is_done`",
    "exception": "`future.result(raise_on_failure=False)` gives what the run raised",
    "running": "write `not future.is_done`",
}


class _Handle(Pending, Generic[R_co]):
    __slots__ = ()

    if not TYPE_CHECKING:  # type checkers know what there is

        def __getattr__(self, name: str) -> Any:
            if (instead := _INSTEAD.get(name)) is None:
                return self.__getattribute__(name)  # which raises what Python says
            raise AttributeError(f"A future of a task has no attribute {name!r}: {instead}.")

    def __eq__(self, other: object) -> bool:
        """Whether both stand for the same run: mapped calls keep states, and make futures of them when asked."""
        if self is other:
            return True
        return isinstance(other, _Handle) and bool(self.task_run_id) and self.task_run_id == other.task_run_id

    def __hash__(self) -> int:
        return hash(self.task_run_id)

    @property
    def is_done(self) -> bool:
        """Whether the run has come to its last state."""
        return self.ended is not None

    @property
    def state(self) -> State[R_co]:
        """The run's final state, or a pending one while it has not finished."""
        return self.get_state()

    def __class_getitem__(cls, parameters: object) -> Any:
        """`Future[int]`; the second parameter of `PrefectFuture[int, Sync]`, who waits how, is left out."""
        first = parameters[0] if isinstance(parameters, tuple) and len(parameters) == 2 else parameters
        return super().__class_getitem__(first)  # type: ignore[misc] # Generic has it

    def get_state(self) -> State[R_co]:
        """The run's final state, or a pending one while it has not finished."""
        return self.ended or State(StateType.PENDING, task_run_id=self.task_run_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_run_id!r}, {self.ended or 'not done'})"


class Future(_Handle[R_co]):
    """A handle on a submitted task run; its methods block."""

    __slots__ = ()

    @overload
    def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    def wait(self, timeout: float | None) -> State[R_co] | None: ...
    def wait(self, timeout: float | None = None) -> State[R_co] | None:
        """Wait for the run to finish, at most `timeout` seconds; its state, or None if it has not finished.

        Raises:
            ValueError: the timeout is negative.
        """
        self.block(checked_timeout(timeout))
        return self.ended

    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R_co | BaseException: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The run's value, once it has finished.

        A run that did not complete raises its exception, or returns it with `raise_on_failure=False`.

        Raises:
            TimeoutError: it has not finished after `timeout` seconds.
            ValueError: the timeout is negative.
            UnfinishedRun: it never will, since what it depends on did not complete.
            ResultNotKept: the value was not kept.
        """
        if not self.block(checked_timeout(timeout)):
            raise _too_late(self, timeout)
        assert self.ended is not None
        try:
            return self.ended.fetch(raise_on_failure)
        except BaseException as error:
            fold(error)
            raise


class AsyncFuture(_Handle[R_co]):
    """A handle on a task run that was submitted to the caller's event loop; its methods are awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[object, None, "AsyncFuture[R_co]"]:
        """The future itself: `await task.submit()` and `task.submit()` are the same."""
        yield from ()
        return self

    @overload
    async def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    async def wait(self, timeout: float | None) -> State[R_co] | None: ...
    async def wait(self, timeout: float | None = None) -> State[R_co] | None:
        """Wait for the run to finish, at most `timeout` seconds; its state, or None if it has not finished.

        Raises:
            ValueError: the timeout is negative.
        """
        import asyncio

        try:
            async with asyncio.timeout(checked_timeout(timeout)):
                await self.ablock()
        except TimeoutError:
            return None
        return self.ended

    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R_co | BaseException: ...
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The run's value, once it has finished.

        A run that did not complete raises its exception, or returns it with `raise_on_failure=False`.

        Raises:
            TimeoutError: it has not finished after `timeout` seconds.
            ValueError: the timeout is negative.
            UnfinishedRun: it never will, since what it depends on did not complete.
            ResultNotKept: the value was not kept.
        """
        state = await self.wait(timeout)
        if state is None:
            raise _too_late(self, timeout)
        try:
            return await state.afetch(raise_on_failure)
        except BaseException as error:
            fold(error)
            raise


PrefectFuture = Future  # by which users of Prefect know it


def _too_late(future: Pending, timeout: float | None) -> TimeoutError:
    return TimeoutError(f"The run {future.task_run_id} has not finished after {timeout:g} second(s).")


def checked_timeout(timeout: float | None) -> float | None:
    """The seconds as they are.

    Raises:
        TypeError: they are no number, nor None.
        ValueError: they are negative.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout={timeout!r} must be a number of seconds, or None to wait without end.")
    if not timeout >= 0:
        raise ValueError(f"timeout={timeout!r} must be at least 0 seconds, or None to wait without end.")
    return timeout


class DoneAndNotDone(NamedTuple):
    """What `wait` gives."""

    done: list[Future[Any]]
    not_done: list[Future[Any]]


def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Wait for futures, at most `timeout` seconds in all; those that are done, and those that are not.

    Raises:
        ValueError: the timeout is negative.
    """
    seconds = checked_timeout(timeout)
    end = None if seconds is None else time.monotonic() + seconds
    waited_for = list(futures)
    for future in waited_for:
        future.block(None if end is None else max(0.0, end - time.monotonic()))
    done = [each for each in waited_for if each.is_done]
    return DoneAndNotDone(done, [each for each in waited_for if not each.is_done])


class _Completed(Generic[F]):
    """Futures in the order in which they finish, by `for` or, in async code, by `async for`."""

    def __init__(self, futures: Iterable[F], timeout: float | None) -> None:
        seconds = checked_timeout(timeout)
        self._timeout = timeout
        self._end = None if seconds is None else time.monotonic() + seconds
        self._unfinished = dict.fromkeys(futures)
        self._finished: deque[F] = deque()
        self._wake: Callable[[], object] = lambda: None
        for future in self._unfinished:
            future.when_done(functools.partial(self._note, future))

    def _note(self, future: F) -> None:
        self._finished.append(future)
        self._wake()

    def _seconds_left(self) -> float | None:
        left = None if self._end is None else self._end - time.monotonic()
        if left is not None and left <= 0:
            count = len(self._unfinished)
            raise TimeoutError(
                f"{count} {'run has' if count == 1 else 'runs have'} not finished after {self._timeout:g} second(s)."
            )
        return left

    def __iter__(self) -> Iterator[F]:
        bell = Bell()
        self._wake = bell.ring
        while self._unfinished:
            if not self._finished:
                next(iter(self._unfinished)).prepare_to_block(self._end is not None)
            while not self._finished:
                bell.wait(self._seconds_left())
            future = self._finished.popleft()
            del self._unfinished[future]
            yield future

    async def __aiter__(self) -> AsyncIterator[F]:
        import asyncio

        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.is_closed() or loop.call_soon_threadsafe(arrived.set)
        while self._unfinished:
            while not self._finished:
                arrived.clear()
                if self._finished:
                    break
                left = self._seconds_left()
                with suppress(TimeoutError):
                    await asyncio.wait_for(arrived.wait(), left)
            future = self._finished.popleft()
            del self._unfinished[future]
            yield future


def as_completed(futures: Iterable[F], timeout: float | None = None) -> _Completed[F]:
    """The futures in the order in which their runs finish: `for future in as_completed(futures)`.

    In async code, and for the futures of coroutine tasks there, `async for`.

    Raises:
        TimeoutError: while iterating: some have not finished after `timeout` seconds in all.
        ValueError: the timeout is negative.
    """
    return _Completed(futures, timeout)
