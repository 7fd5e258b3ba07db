"""Answers that do not end by themselves: they are ended when the server is told to stop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Answering(Protocol):
    """A request that is being answered."""

    is_stream: bool


class Streams:
    """The requests that are being answered."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[object], Answering] = {}
        self.ending = False

    @contextmanager
    def ending_early(self, answering: Answering) -> Iterator[None]:
        """Within this, the task answers a request; where that is a stream, it leaves quietly when all are ended."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = answering
        try:
            yield
        except asyncio.CancelledError:
            if not (self.ending and answering.is_stream):
                raise
            task.uncancel()
        finally:
            del self._open[task]

    def began(self, answering: Answering) -> None:
        """An answer turned out to be a stream: it ends at once if all are ending."""
        if self.ending:
            self._end(answering)

    def end(self) -> None:
        """End all streams, those that begin later too. Called on the server's event loop, once or again."""
        if not self.ending:
            self.ending = True
            for answering in list(self._open.values()):
                if answering.is_stream:
                    self._end(answering)

    def _end(self, answering: Answering) -> None:
        for task, each in self._open.items():
            if each is answering:
                task.cancel()
