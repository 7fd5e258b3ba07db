"""What task runners have in common whose workers are those of a cluster, which has an engine of its own."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from perdure._model.errors import ResultLost, ResultMissing
from perdure._model.options import Resources
from perdure._model.states import State
from perdure._results.types import PersistedResult
from perdure._results.worker_values import HeldResult, Holder
from perdure._runners.batches import BatchingTaskRunner, BatchRefused, Lane
from perdure._storages.local import LocalFileSystem


class Cluster(Holder, Protocol):
    """Where batches run, and the values are that they came to."""

    @property
    def room(self) -> int:
        """How many batches at once."""

    def reference(self, key: str) -> object:
        """The engine's reference of a value, by what a worker calls it."""


class ClusterTaskRunner(BatchingTaskRunner):
    """Runs tasks in the workers of a cluster, which it reaches when the first batch is to be sent."""

    def _begin(self) -> None:
        super()._begin()
        self._place: Any = None
        self._opening = threading.Lock()

    def _reach(self) -> Cluster:
        """The cluster.

        Raises:
            WorkerLost: it cannot be reached.
            BatchRefused: it cannot be used; the message says why.
        """
        raise NotImplementedError

    def _lane(self) -> Lane:
        """A way to the cluster, once it was reached."""
        raise NotImplementedError

    def _default_limit(self) -> int:
        return 1 if self._place is None else max(1, self._place.room)

    def _open(self) -> Lane:
        with self._opening:
            if self._place is None:
                self._place = self._reach()
                self.has_room()
            return self._lane()

    def has_room(self) -> None:
        """There may be more workers than before."""
        self._has_all = False
        for _ in range(min(len(self._queue), self._limit())):
            self._call_thread()

    def cancel(self) -> None:
        """Cancel all queued tasks, and give up those on the cluster, which are interrupted: they crash."""
        try:
            self.interrupt()
        finally:
            super().cancel()

    def stop(self, wait: bool = True) -> None:
        """Release the cluster, unless somebody has references of values that it holds."""
        super().stop(wait)
        self._release()

    def _leave(self) -> None:
        super()._leave()
        self._release()

    def _release(self) -> None:
        if self._stopping and not self._lanes:
            self._place = None

    def _checked(self, state: State[Any]) -> None:
        data = state.data
        if isinstance(data, HeldResult) and self._place is not None:
            data.hold(self._place, self._place.reference(data.reference))
        elif isinstance(data, PersistedResult) and not _is_here(data):
            raise ResultMissing(
                f"A worker has written the result to {data.location}, and here there is no such file. Have"
                " PERDURE_LOCAL_STORAGE_PATH be a folder that all machines share, or give the task a result_storage"
                " that they all reach."
            )


def _is_here(result: PersistedResult[object]) -> bool:
    """Whether a document that a worker wrote can be read here, which of local files is not sure."""
    return not isinstance(result.storage, LocalFileSystem) or result.storage.exists(result.storage_key)


def needed(
    engine: str, workers: Iterable[Mapping[str, float]], wanted: Resources, task: str, remedy: str
) -> dict[str, float]:
    """Resources as the cluster calls them.

    Raises:
        BatchRefused: no worker has them; `remedy` says how one would, with `{}` for what is wanted.
    """
    there = list(workers)
    names = {name.lower(): name for each in there for name in each}
    called = {names.get(name.lower(), name): amount for name, amount in wanted}
    if not any(all(each.get(name, 0) >= amount for name, amount in called.items()) for each in there):
        have = ", ".join(sorted({f"{name}={amount:g}" for each in there for name, amount in each.items()}))
        wants = ", ".join(f"{name}={amount:g}" for name, amount in wanted)
        raise BatchRefused(
            f"No worker of the {engine} cluster has the resources that the task '{task}' needs: {wants}. They"
            f" have {have or 'none'}. {remedy.format(wants.replace(', ', ' '))}"
        )
    return called


def lost_value(engine: str, why: str) -> ResultLost:
    """A value that the cluster held is gone."""
    return ResultLost(
        f"The value was in the memory of a {engine} worker, and is lost: {why}. Run the task again, or persist its"
        " result (persist_result=True), which outlives workers."
    )
