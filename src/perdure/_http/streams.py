"""Answers that do not end by themselves: they are ended when the server stops, or their token is of no use any more."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from anyio import to_thread

from perdure._model.errors import OrchestratorError

_LOOK_SECONDS = 0.5


class Answering(Protocol):
    """A request that is being answered."""

    is_stream: bool

    @property
    def token_id(self) -> str | None:
        """Of the token, or session, that it came with."""


class Streams:
    """The requests that are being answered. `live` says which of some tokens and sessions are live."""

    def __init__(self, live: Callable[[Sequence[str]], set[str]] | None = None) -> None:
        self._live = live
        self._open: dict[asyncio.Task[object], Answering] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._watch: asyncio.Task[None] | None = None
        self.ending = False

    @contextmanager
    def ending_early(self, answering: Answering) -> Iterator[None]:
        """Within this, the task answers a request; where that is a stream, it leaves quietly when it is ended."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = answering
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
        finally:
            self._ended.discard(task)
            del self._open[task]

    def began(self, answering: Answering) -> None:
        """An answer turned out to be a stream: it ends at once if all are ending."""
        if self.ending:
            self._end(answering)
        elif self._live is not None and answering.token_id is not None and self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._look())

    def end(self) -> None:
        """End all streams, those that begin later too. Called on the server's event loop, once or again."""
        if not self.ending:
            self.ending = True
            for answering in self._streams():
                self._end(answering)

    async def _look(self) -> None:
        """While there is a stream of a token's, look which tokens are live, and end the streams of the others."""
        assert self._live is not None
        try:
            while ids := list({id for each in self._streams() if (id := each.token_id) is not None}):
                with suppress(OrchestratorError):  # the database may be back the next time
                    live = await to_thread.run_sync(self._live, ids)
                    for answering in self._streams():
                        if answering.token_id in ids and answering.token_id not in live:
                            self._end(answering)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._watch = None

    def _streams(self) -> list[Answering]:
        return [answering for answering in self._open.values() if answering.is_stream]

    def _end(self, answering: Answering) -> None:
        for task, each in self._open.items():
            if each is answering and task not in self._ended:
                self._ended.add(task)
                task.cancel()
