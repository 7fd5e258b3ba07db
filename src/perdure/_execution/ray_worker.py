"""A batch of calls on a worker of a Ray cluster, whose sender has a `ray_board.Board`."""

import os
import pickle
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from perdure._execution.worker_batch import Batch, Post
from perdure._execution.worker_environment import Refused, environment_of
from perdure._model.errors import CancelRequested
from perdure._platform.lazy_import import LazyModule
from perdure._results.worker_values import Packed, having
from perdure._runners.clusters import lost_value
from perdure._runners.envelopes import Message, Returned

ray: Any = LazyModule("ray")  # it may not be installed

_LOOK = 0.5  # seconds between two looks whether a batch is to stop

Said = tuple[bytes, dict[str, object]]  # pickled messages, and Ray's references of the values that stay here


def run(batch: str, board: Any, payload: bytes, held: Sequence[object]) -> tuple[int, bytes, dict[str, object]] | str:
    """Run a batch: how often it has said something while it ran, and what it had to say at its end.

    Or why it cannot run here. `held` are Ray's references of values that are among the calls' arguments.
    """
    worker = f"{ray.util.get_node_ip_address()} (process {os.getpid()})"
    greeting, shared, calls = pickle.loads(payload)
    try:
        with environment_of(greeting, worker), having(_Held(held)):
            if not ray.get(board.claim.remote(batch, worker)):
                return 0, pickle.dumps([Returned(range(len(calls)))]), {}
            post = _RayPost(board, batch)
            post.batch = Batch(calls, shared, post)
            post.batch.run()
            return post.rest()
    except Refused as refused:
        return str(refused)


class _Held(Sequence[Packed]):
    """Values in the cluster, each fetched when a call needs it: so a lost one is the failure of no other call."""

    def __init__(self, references: Sequence[object]) -> None:
        self._references = references

    def __len__(self) -> int:
        return len(self._references)

    def __getitem__(self, place: Any) -> Any:
        try:
            return ray.get(self._references[place])
        except ray.exceptions.RayError as error:
            raise lost_value("Ray", f"{type(error).__name__}: {error}") from error


class _RayPost(Post):
    """Messages go back as the task's value; those of a batch that takes long are passed on by the board."""

    holds = True

    def __init__(self, board: Any, batch: str) -> None:
        super().__init__(self._add)
        self.batch: Batch
        self._board = board
        self._id = batch
        self._messages: list[Message] = []
        self._kept: dict[str, object] = {}  # Ray's references
        self._adding = threading.Lock()
        self._passing = threading.Lock()
        self._count = 0  # of what was passed on
        self._asked = time.monotonic()

    def _add(self, message: Message) -> None:
        with self._adding:
            self._messages.append(message)

    def keep(self, value: Packed) -> str:
        """Have Ray's store keep a value; the key by which its reference goes with the answer."""
        key, reference = uuid.uuid4().hex, ray.put(value)
        with self._adding:
            self._kept[key] = reference
        return key

    def pass_on(self) -> None:
        """Pass on what there is, while the batch runs, and hear whether it is to stop."""
        with self._passing:
            said = self._taken()
            if said is None and time.monotonic() < self._asked + _LOOK:
                return
            self._asked = time.monotonic()
            try:
                # In a list, so that Ray does not have the board wait for the values.
                goes_on = ray.get(self._board.say.remote(self._id, said))
                self._count += said is not None
            except ray.exceptions.RayError:  # whoever has sent the batch is gone
                goes_on = False
        if not goes_on:
            self.batch.stop()

    def rest(self) -> tuple[int, bytes, dict[str, object]]:
        """What was not passed on, once the batch has ended."""
        with self._passing:
            return self._count, *(self._taken() or (pickle.dumps([]), {}))

    def check(self) -> None:
        """Make sure that the batch is still this worker's.

        Raises:
            CancelRequested: it is not, or its sender is gone.
        """
        try:
            if ray.get(self._board.say.remote(self._id, None)):
                return
        except ray.exceptions.RayError:
            pass
        self.batch.stop()
        raise CancelRequested("The flow has given up this worker: what it does now does not count.")

    def _taken(self) -> Said | None:
        with self._adding:
            messages, self._messages = self._messages, []
            kept, self._kept = self._kept, {}
        if not messages:
            return None
        return pickle.dumps(messages), kept
