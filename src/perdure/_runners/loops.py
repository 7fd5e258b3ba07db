"""Event loops for coroutines that are called from code that does not await."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import Any

from perdure._model.unsupported_concurrency import check_loop_in_thread
from perdure._run.interruptible_wait import Bell

# How many portals the current code is nested in. Code that blocks inside a coroutine gets the next loop,
# since its own is busy waiting for it.
_depth: ContextVar[int] = ContextVar("perdure_portal_depth", default=0)


class Portal:
    """Event loops in threads of their own, one for each depth at which blocking code calls coroutines."""

    def __init__(self) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._calls: set[_Call] = set()  # that somebody waits for
        self._lock = threading.Lock()

    def start(self, function: Callable[..., Coroutine[object, object, object]], *args: object) -> Callable[[], Any]:
        """Start a coroutine in a loop; what is returned blocks until it has ended, and gives its outcome.

        Raises:
            UnsupportedConcurrency: no loop can be run in another thread.
        """
        check_loop_in_thread()
        depth = _depth.get()
        loop = self._loop(depth)
        context = copy_context()
        context.run(_depth.set, depth + 1)
        call = _Call()

        def begin() -> None:
            try:
                call.task = loop.create_task(function(*args), context=context)
                call.task.add_done_callback(lambda _: call.end())
            except BaseException as error:
                call.end(error)
                raise

        with self._lock:
            if loop not in self._loops:
                raise _stopped_error()
            self._calls.add(call)
            loop.call_soon_threadsafe(begin)

        def outcome() -> Any:
            try:
                call.done.wait()
            except BaseException:  # Ctrl-C: the coroutine ends too, before we go on
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(lambda: call.task and call.task.cancel())
                while not call.has_ended:
                    call.done.wait()
                raise
            finally:
                self._calls.discard(call)
            return call.outcome()

        return outcome

    def stop(self) -> None:
        """Stop the loops."""
        with self._lock:
            loops, self._loops = self._loops, []
        for loop in loops:
            with suppress(RuntimeError):  # its thread has died
                loop.call_soon_threadsafe(loop.stop)

    def _loop(self, depth: int) -> asyncio.AbstractEventLoop:
        with self._lock:
            while len(self._loops) <= depth:
                loop = asyncio.new_event_loop()
                name = f"perdure-loop-{len(self._loops)}"
                threading.Thread(target=self._run, args=(loop,), name=name, daemon=True).start()
                self._loops.append(loop)
            return self._loops[depth]

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            with self._lock:
                if loop in self._loops:  # it ends without having been asked to
                    self._loops.clear()
            loop.close()
            for call in tuple(self._calls):  # nobody else notifies those who wait
                if call.task is None or call.task.get_loop() is loop:
                    call.end(_stopped_error())


class _Call:
    """A coroutine that runs in a loop, and what it comes to."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.done = Bell()
        self.has_ended = False
        self._error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Have those who wait get to know that it has ended, or that with an error it never will."""
        if not self.has_ended:
            self._error, self.has_ended = error, True
            self.done.ring()

    def outcome(self) -> Any:
        """What the coroutine returned."""
        if self._error is not None:
            raise self._error
        assert self.task is not None
        return self.task.result()


def _stopped_error() -> RuntimeError:
    return RuntimeError("The event loop for coroutines that are called from sync code has been stopped.")
