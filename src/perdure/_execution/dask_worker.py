"""A batch of calls on a worker of a Dask cluster, whose scheduler has a `dask_scheduler.Batches`."""

import pickle
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from perdure._execution.worker_batch import Batch, Post
from perdure._execution.worker_environment import Refused, environment_of
from perdure._model.errors import CancelRequested
from perdure._platform.lazy_import import LazyModule
from perdure._results.worker_values import Packed, having
from perdure._runners.envelopes import Message, Reported, Returned

distributed: Any = LazyModule("distributed")  # of which two threads cannot import two parts at once

_running: dict[str, Batch] = {}  # in this process, by their ids


def run(batch: str, client: str, payload: bytes, held: Sequence[Packed]) -> list[Message] | str | None:
    """Run a batch; its messages that were not passed on before; or why it cannot run here; None if it had begun.

    `held` are values of the cluster's that are among the calls' arguments.
    """
    worker = distributed.get_worker()
    worker.stream_handlers["perdure-stop"] = _stop
    greeting, shared, calls = pickle.loads(payload)
    try:
        with environment_of(greeting, worker.address):
            refusal = _ask(worker, "perdure_claim", batch=batch, worker=worker.address, client=client)
            if refusal == "begun":
                return None
            if refusal == "withdrawn":
                return [Returned(range(len(calls)))]
            post = _DaskPost(worker, batch, client)
            with having(held):
                _running[batch] = post.batch = Batch(calls, shared, post)
                try:
                    post.batch.run()
                finally:
                    del _running[batch]
            return post.rest()
    except Refused as refused:
        return str(refused)


def _stop(batch: str) -> None:
    """The sender, or the scheduler, wants a batch to stop."""
    running = _running.get(batch)
    if running is not None:
        running.stop()


def _ask(worker: Any, handler: str, /, **fields: object) -> Any:
    return distributed.utils.sync(worker.loop, getattr(worker.scheduler, handler), **fields)


class _DaskPost(Post):
    """Messages go back as the task's value; those of a batch that takes long are passed on by the scheduler."""

    holds = True

    def __init__(self, worker: Any, batch: str, client: str) -> None:
        super().__init__(self._add)
        self.batch: Batch
        self._worker = worker
        self._of = {"batch": batch, "client": client}
        self._messages: list[Message] = []
        self._kept: dict[str, Packed] = {}
        self._adding = threading.Lock()
        self._passing = threading.Lock()

    def _add(self, message: Message) -> None:
        with self._adding:
            self._messages.append(message)

    def keep(self, value: Packed) -> str:
        """Have this worker keep a value in its memory; the key by which the cluster knows it."""
        key = f"perdure-value-{uuid.uuid4().hex}"
        with self._adding:
            self._kept[key] = value.copy()
        return key

    def pass_on(self) -> None:
        """Pass on what there is, while the batch runs."""
        if self._worker.status in (
            distributed.core.Status.closing,
            distributed.core.Status.closed,
            distributed.core.Status.failed,
        ):  # nobody waits for us any more
            self.batch.stop()
            return
        try:
            with self._passing:
                messages = self._taken()
                try:
                    if messages:
                        _ask(self._worker, "perdure_say", messages=pickle.dumps(messages), **self._of)
                except OSError:
                    self._take_again(messages)
                    raise
        except OSError:
            self.batch.stop()

    def _take_again(self, messages: Sequence[Message]) -> None:
        """Nobody knows whether the sender has these: what calls came to is said again, which it takes once."""
        with self._adding:
            self._messages[:0] = [each for each in messages if not isinstance(each, Reported)]

    def rest(self) -> list[Message]:
        """What was not passed on, once the batch has ended."""
        with self._passing:
            return self._taken()

    def check(self) -> None:
        """Make sure that the batch is still this worker's.

        Raises:
            CancelRequested: it is not, or the scheduler cannot be asked.
        """
        try:
            if _ask(self._worker, "perdure_holds", batch=self._of["batch"], worker=self._worker.address):
                return
        except OSError:
            pass
        self.batch.stop()
        raise CancelRequested("The cluster has given up this worker: what it does now does not count.")

    def _taken(self) -> list[Message]:
        with self._adding:
            messages, self._messages = self._messages, []
            kept, self._kept = self._kept, {}
        if kept:
            distributed.utils.sync(self._worker.loop, self._keep, kept)
        return messages

    async def _keep(self, kept: dict[str, Packed]) -> None:
        self._worker.update_data(data=kept)
        sizes = {key: value.size for key, value in kept.items()}
        await self._worker.scheduler.perdure_keep(client=self._of["client"], worker=self._worker.address, sizes=sizes)
