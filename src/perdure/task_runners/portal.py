"""Event loops for coroutines that are called from code that does not await."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

from perdure.core.steering import Bell

# How many portals the current code is nested in. Code that blocks inside a coroutine gets the next loop,
# since its own is busy waiting for it.
_depth: ContextVar[int] = ContextVar("perdure_portal_depth", default=0)


class Portal:
    """Event loops in threads of their own, one for each depth at which blocking code calls coroutines."""

    def __init__(self) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._lock = threading.Lock()

    def start(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Callable[[], Any]:
        """Start a coroutine in a loop; what is returned blocks until it has ended, and gives its outcome."""
        depth = _depth.get()
        loop = self._loop(depth)
        context = copy_context()
        context.run(_depth.set, depth + 1)
        done = Bell()
        task: asyncio.Task[Any] | None = None

        def begin() -> None:
            nonlocal task
            task = loop.create_task(function(*args), context=context)
            task.add_done_callback(lambda _: done.ring())

        loop.call_soon_threadsafe(begin)

        def outcome() -> Any:
            try:
                done.wait()
            except BaseException:  # Ctrl-C: the coroutine ends too, before we go on
                loop.call_soon_threadsafe(lambda: task and task.cancel())
                while task is None or not task.done():
                    done.wait()
                raise
            assert task is not None
            return task.result()

        return outcome

    def stop(self) -> None:
        """Stop the loops."""
        with self._lock:
            loops, self._loops = self._loops, []
        for loop in loops:
            loop.call_soon_threadsafe(loop.stop)

    def _loop(self, depth: int) -> asyncio.AbstractEventLoop:
        with self._lock:
            while len(self._loops) <= depth:
                loop = asyncio.new_event_loop()
                name = f"perdure-loop-{len(self._loops)}"
                threading.Thread(target=_run, args=(loop,), name=name, daemon=True).start()
                self._loops.append(loop)
            return self._loops[depth]


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
