"""Handles on submitted task runs."""

import time
from collections.abc import Generator, Sequence
from typing import Any, Generic, Literal, TypeVar, overload

from perdure.core.pending import Pending
from perdure.core.states import State, StateType

R_co = TypeVar("R_co", covariant=True)


class _Handle(Pending, Generic[R_co]):
    __slots__ = ()

    @property
    def is_done(self) -> bool:
        """Whether the run has come to its last state."""
        return self.state is not None

    def get_state(self) -> State[R_co]:
        """The run's final state, or a pending one while it has not finished."""
        return self.state or State(StateType.PENDING, task_run_id=self.task_run_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_run_id!r}, {self.state or 'not done'})"


class Future(_Handle[R_co]):
    """A handle on a submitted task run; its methods block."""

    __slots__ = ()

    @overload
    def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    def wait(self, timeout: float | None) -> State[R_co] | None: ...
    def wait(self, timeout: float | None = None) -> State[R_co] | None:
        """Wait for the run to finish, at most `timeout` seconds; its state, or None if it has not finished."""
        self.block(timeout)
        return self.state

    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R_co | BaseException: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The run's value, once it has finished.

        A run that did not complete raises its exception, or returns it with `raise_on_failure=False`.

        Raises:
            TimeoutError: it has not finished after `timeout` seconds.
            UnfinishedRun: it never will, since what it depends on did not complete.
            MissingResult: the value was not kept.
        """
        if not self.block(timeout):
            raise _too_late(self, timeout)
        assert self.state is not None
        return self.state.fetch(raise_on_failure)


class AsyncFuture(_Handle[R_co]):
    """A handle on a task run that was submitted to the caller's event loop; its methods are awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, "AsyncFuture[R_co]"]:
        """The future itself: `await task.submit()` and `task.submit()` are the same."""
        yield from ()
        return self

    @overload
    async def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    async def wait(self, timeout: float | None) -> State[R_co] | None: ...
    async def wait(self, timeout: float | None = None) -> State[R_co] | None:
        """Wait for the run to finish, at most `timeout` seconds; its state, or None if it has not finished."""
        import asyncio

        try:
            async with asyncio.timeout(timeout):
                await self.ablock()
        except TimeoutError:
            return None
        return self.state

    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R_co | BaseException: ...
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """The run's value, once it has finished.

        A run that did not complete raises its exception, or returns it with `raise_on_failure=False`.

        Raises:
            TimeoutError: it has not finished after `timeout` seconds.
            UnfinishedRun: it never will, since what it depends on did not complete.
            MissingResult: the value was not kept.
        """
        state = await self.wait(timeout)
        if state is None:
            raise _too_late(self, timeout)
        return await state.afetch(raise_on_failure)


def _too_late(future: Pending, timeout: float | None) -> TimeoutError:
    return TimeoutError(f"The task run {future.task_run_id} has not finished after {timeout:g} second(s).")


def wait(futures: Sequence[Future[Any]], timeout: float | None = None) -> tuple[list[Future[Any]], list[Future[Any]]]:
    """Wait for futures, at most `timeout` seconds in all; those that are done, and those that are not."""
    end = None if timeout is None else time.monotonic() + timeout
    for future in futures:
        future.block(None if end is None else max(0.0, end - time.monotonic()))
    return [each for each in futures if each.is_done], [each for each in futures if not each.is_done]
