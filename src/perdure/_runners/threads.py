"""Submitted tasks in threads of this process, or one after another in the caller's."""

import os
import threading
from collections import deque
from contextlib import suppress
from functools import cache
from typing import Any

from perdure._model.errors import DefinitionError
from perdure._platform import forks
from perdure._runners.base import WINDOW, Work, for_each
from perdure._settings import settings


class SequentialTaskRunner:
    """Runs each task at once, in the thread that submits it."""

    lends_threads = False
    takes_coroutines = False
    max_workers: int | None = 1
    window = WINDOW

    def duplicate(self) -> "SequentialTaskRunner":
        """Itself: it keeps nothing."""
        return self

    def submit(self, work: Work) -> None:
        """Run the task here and now."""
        work.run_here()

    def cancel(self) -> None:
        """Nothing waits here."""

    def interrupt(self) -> None:
        """All runs in this process."""

    def stop(self, wait: bool = True) -> None:
        """Nothing is held here."""


class ThreadTaskRunner:
    """Runs tasks concurrently in threads.

    Args:
        max_workers: how many tasks run at once. Without it, the setting PERDURE_TASK_RUNNER_MAX_WORKERS,
            else 4 more than the machine has processors, but at most 32.

    Raises:
        DefinitionError: `max_workers` is less than 1.
    """

    lends_threads = True  # a thread that waits for queued work may run it itself
    takes_coroutines = False  # a coroutine flow runs its coroutine tasks on its own loop
    window: int = WINDOW

    def __init__(self, max_workers: int | None = None) -> None:
        self.max_workers = checked_workers(max_workers)
        self._begin()

    def _begin(self) -> None:
        self._generation = forks.generation
        self._queue: deque[Work] = deque()
        self._wake = threading.Condition(threading.Lock())
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._has_all = False  # as many threads as there may be
        self._stopping = False

    def duplicate(self) -> "ThreadTaskRunner":
        """A runner with the same limit, not started."""
        return type(self)(self.max_workers)

    def submit(self, work: Work) -> None:
        """Queue the task; threads are started as they are needed, up to the limit."""
        if self._generation != forks.generation:  # the threads and what they were to run are the parent's
            self._begin()
        self._queue.append(work)
        # Looked at after the queue has it: a thread that goes idle now finds it there (see `_await_work`).
        if self._idle or not self._has_all:
            self._call_thread()

    def _call_thread(self) -> None:
        """Have a thread look at the queue: one that is idle, or a new one if there may be more."""
        with self._wake:
            if self._idle:
                self._idle -= 1  # that thread is spoken for, though it has not woken up yet
                self._wake.notify()
                return
            if len(self._threads) >= self._limit():
                self._has_all = True
                return
            thread = self._new_thread()
        try:
            self._start(thread)
        except Exception:
            if not self._threads:
                raise

    def _start(self, thread: threading.Thread) -> None:
        """Start a thread; if the system has no more threads for us, the others have to do."""
        try:
            thread.start()
        except Exception:
            with self._wake:
                self._threads.remove(thread)
                self._has_all = bool(self._threads)
            raise

    def _new_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name=f"perdure-worker-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        return thread

    def cancel(self) -> None:
        """Cancel all queued tasks."""
        if self._generation != forks.generation:
            self._begin()
        for_each(self._taken_back(), lambda work: work.cancel())

    def _taken_back(self) -> list[Work]:
        """All that is queued, and is not any more."""
        works: list[Work] = []
        with self._wake:  # or a thread that looks at the queue, and then takes, would find another one than it saw
            while self._queue:
                with suppress(IndexError):  # a thread has taken the last one meanwhile
                    works.append(self._queue.popleft())
        return works

    def interrupt(self) -> None:
        """All runs in this process."""

    def stop(self, wait: bool = True) -> None:
        """End the threads once the queue is empty, and wait for them, but never for the calling one."""
        if self._generation != forks.generation:
            self._begin()
        with self._wake:
            self._stopping = True
            self._idle = 0
            self._wake.notify_all()
        for thread in tuple(self._threads) if wait else ():
            # One whose start was interrupted by Ctrl-C is not alive, and ends by itself.
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join()

    def _limit(self) -> int:
        limit = self.max_workers or settings.current().task_runner_max_workers
        return limit or self._default_limit()

    def _default_limit(self) -> int:
        return min(32, _processors() + 4)

    def _work(self) -> None:
        work: Any = None
        try:
            while (work := self._next()) is not None:
                try:
                    self._run(work)
                except BaseException as error:  # of our own code: the run comes to an end, whatever it is
                    work.crash(error)
                if self._generation != forks.generation:  # the task has forked, and this is the child
                    return
                work = None  # the task's arguments are not kept while this thread waits
        except BaseException as error:
            if work is not None:
                work.crash(error)
            raise
        finally:
            try:
                self._leave()
            finally:
                self._replace_thread()

    def _replace_thread(self) -> None:
        """This thread ends; if it was not stopped, another one takes its place while there is work."""
        if self._generation != forks.generation:
            return
        with self._wake:
            if self._stopping:
                return
            self._threads.remove(threading.current_thread())
            self._has_all = False
            thread = self._new_thread() if self._queue else None
        if thread is None:
            return
        try:
            self._start(thread)
        except Exception as error:
            why = error
            if not self._threads:  # nobody is left who would run what is queued
                for_each(self._taken_back(), lambda work: work.crash(why))

    def _next(self) -> Any:
        """The next work for `_run`, waited for; None when the runner stops."""
        while True:
            try:
                return self._queue.popleft()
            except IndexError:
                if not self._await_work():
                    return None

    def _await_work(self) -> bool:
        """Wait until the queue has something; whether it has, and the runner does not stop.

        The thread is idle before it looks. Who queues something looks for idle threads after that. So one of the two
        sees the other, though what is queued takes no lock.
        """
        with self._wake:
            while True:
                self._idle += 1
                if self._queue or self._stopping:
                    self._idle -= 1
                    return bool(self._queue)
                self._wake.wait()

    def _run(self, work: Any) -> None:
        work.run_here()

    def _leave(self) -> None:
        """The thread ends."""


@cache
def _processors() -> int:
    """How many the machine has; asked once, since the system looks into files for it."""
    return os.cpu_count() or 1


def checked_workers(max_workers: int | None) -> int | None:
    """The number as it is.

    Raises:
        DefinitionError: it is not a whole number of at least 1.
    """
    if max_workers is not None and (
        isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1
    ):
        raise DefinitionError(f"max_workers={max_workers!r} must be a whole number of at least 1, or None.")
    return max_workers
