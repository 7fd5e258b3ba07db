"""A board: an actor beside the sender of batches to a Ray cluster. It knows who runs one, and what that one says.

Ray runs a batch once, and tells its sender when it has ended, or its worker is gone. It has no way to a batch that
runs. So each worker asks the board before it begins a batch, and says there while it runs what its sender is to know
before it ends; the answer tells it whether it is to stop.
"""

import asyncio
from collections import deque


class Board:
    """Knows which worker runs which batch of calls. Its methods run on one loop, so nothing happens at once."""

    def __init__(self) -> None:
        self._claims: dict[str, str] = {}  # by batch: the worker that runs it
        self._withdrawn: set[str] = set()  # batches that are not to begin, or are to stop
        self._said: dict[str, deque[object]] = {}  # by batch: what its sender has not heard
        self._changed: dict[str, asyncio.Event] = {}

    # What senders ask.

    async def withdraw(self, batches: list[str]) -> list[str | None]:
        """Have batches not begin, or stop; for each the worker that runs it, or None if it has not begun."""
        self._withdrawn.update(batches)
        return [self._claims.get(batch) for batch in batches]

    async def hear(self, batch: str) -> object:
        """What a batch has said next, waited for; None once it has ended."""
        said = self._said.setdefault(batch, deque())
        changed = self._changed.setdefault(batch, asyncio.Event())
        while not said and self._changed.get(batch) is changed:
            changed.clear()
            await changed.wait()
        return said.popleft() if said else None

    async def end(self, batch: str) -> str | None:
        """The batch is over, whatever its worker may think; the worker that ran it, if one had begun."""
        if batch in self._claims:
            self._withdrawn.discard(batch)
        else:  # it has not begun, and must not now
            self._withdrawn.add(batch)
        self._said.pop(batch, None)
        changed = self._changed.pop(batch, None)
        if changed is not None:
            changed.set()
        return self._claims.pop(batch, None)

    # What workers ask.

    async def claim(self, batch: str, worker: str) -> bool:
        """Have a worker run a batch, unless that was withdrawn."""
        if batch in self._withdrawn:
            return False
        self._claims[batch] = worker
        return True

    async def say(self, batch: str, said: object) -> bool:
        """Tell the sender something while the batch runs, if there is something; whether it is to go on."""
        if said is not None and batch in self._claims:
            self._said.setdefault(batch, deque()).append(said)
            if batch in self._changed:
                self._changed[batch].set()
        return batch in self._claims and batch not in self._withdrawn
