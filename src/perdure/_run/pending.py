"""A run that somebody may wait for: what futures are made of."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from perdure._model.colour import is_running, on_event_loop
from perdure._model.errors import CrashedRun, WouldDeadlock
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._run.interruptible_wait import Bell

# Whether the code is part of a submitted task. If it waits, it runs what it waits for, unless that has begun
# elsewhere: otherwise tasks that wait for tasks could use up all threads of their runner.
in_submitted_task: ContextVar[bool] = ContextVar("perdure_in_submitted_task", default=False)

# One lock for all: it is held for a few instructions, and a lock in each future would double its size.
_lock = threading.Lock()


def _renew_lock() -> None:
    """In a forked child: some other thread of the parent may have held it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


class Pending:
    """A task run on its way to a state. `ended` is the state that it came to, None until it has arrived."""

    __slots__ = ("__weakref__", "_callbacks", "begin", "depends_on", "ended", "loop", "task_run_id")

    def __init__(self, task_run_id: str, state: State[Any] | None = None) -> None:
        self.task_run_id = task_run_id
        self.ended = state
        self.begin: Callable[[], object] | None = None  # runs the task here, unless some thread has begun it
        self.depends_on: Sequence[Pending] = ()  # what has to arrive before it begins
        self.loop: Any = None  # the event loop on which it runs, if it does
        self._callbacks: tuple[Callable[[], None], ...] = ()

    def arrive(self, state: State[object]) -> None:
        """Set the final state of the run, and wake those who wait."""
        with _lock:
            if self.ended is not None:
                return  # it has ended already: what it came to first counts
            self.ended = state
            self.begin, self.depends_on, self.loop = None, (), None
            callbacks, self._callbacks = self._callbacks, ()
        stopped: BaseException | None = None
        for callback in callbacks:  # each of them, whatever the others raise: somebody waits for it
            try:
                callback()
            except Exception:
                logging.getLogger("perdure").exception("What follows the task run %s failed.", self.task_run_id)
            except BaseException as error:
                stopped = error
        if stopped is not None:
            raise stopped

    def leave_to_parent(self) -> None:
        """In a forked child: the run is its parent's, and never arrives here."""
        if self.ended is None:
            text = f"The task run {self.task_run_id} runs in the process that this one was forked from"
            error = CrashedRun(f"{text}: its result is not here.")
            self._callbacks = ()
            self.ended = State(StateType.CRASHED, None, str(error), error, task_run_id=self.task_run_id)

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back once the run has arrived, in the thread where it does; now if it has."""
        with _lock:
            if self.ended is None:
                self._callbacks = (*self._callbacks, callback)
                return
        callback()

    def block(self, timeout: float | None = None) -> bool:
        """Block until the run has arrived, or `timeout` seconds have passed; says whether it has.

        Raises:
            WouldDeadlock: the run needs the event loop that would be blocked.
        """
        self.prepare_to_block(timeout is not None)
        return self._wait(timeout)

    def prepare_to_block(self, is_limited: bool) -> None:
        """Run the task here, if that may be; `is_limited` says whether there is an end to the wait that follows.

        Raises:
            WouldDeadlock: the run needs the event loop that would be blocked.
        """
        if self.ended is None and on_event_loop():
            self._check_loop()
        # With a time limit it waits for a thread instead: what has begun here could not be left in time.
        if not is_limited and in_submitted_task.get():
            self._begin_here()

    def _begin_here(self) -> None:
        """Run the task in this thread, after all that it depends on, unless they have begun elsewhere."""
        seen: set[Pending] = set()
        to_do = [(self, False)]
        while to_do:
            each, is_ready = to_do.pop()
            if is_ready:
                for upstream in each.depends_on:
                    upstream._wait(None)
                begin = each.begin
                if begin is not None:
                    begin()
            elif each not in seen and each.ended is None:
                seen.add(each)
                to_do.append((each, True))
                to_do += [(upstream, False) for upstream in each.depends_on]

    def _wait(self, timeout: float | None) -> bool:
        if self.ended is None:
            arrived = Bell()
            self.when_done(arrived.ring)
            arrived.wait(timeout)
        return self.ended is not None

    def _check_loop(self) -> None:
        waiting: list[Pending] = [self]
        seen: set[Pending] = set()  # two futures may depend on the same one, and those two again
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            waiting += each.depends_on
            if each.loop is not None and is_running(each.loop):
                raise WouldDeadlock(
                    f"Waiting here for the task run {self.task_run_id} would block the event loop on which"
                    f" {'it' if each is self else f'the run {each.task_run_id}, which it depends on,'} runs."
                    " Write `await future.wait()` for the coroutine task first, or return the futures from the flow."
                )

    async def ablock(self) -> None:
        """Wait on the caller's event loop until the run has arrived."""
        import asyncio

        if self.ended is not None:
            return
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()

        def notify() -> None:
            if not arrived.done():
                arrived.set_result(None)

        def notify_loop() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(notify)

        self.when_done(notify_loop)
        await arrived


class PendingGroup:
    """Several task runs that stand, as one argument, for the list of their values."""

    def members(self) -> Iterator[Pending]:
        """The runs, in order."""
        raise NotImplementedError


def when_all_done(pending: "list[Pending]", callback: Callable[[], None]) -> None:
    """Call back once, when the last of these has arrived; now if all have."""
    remaining = len(pending)
    if not remaining:
        callback()
        return
    count = threading.Lock()

    def one_done() -> None:
        nonlocal remaining
        with count:
            remaining -= 1
            last = remaining == 0
        if last:
            callback()

    for each in pending:
        each.when_done(one_done)
