"""Submitted tasks on a Dask cluster, in batches."""

import atexit
import importlib.util
import os
import pickle
import signal
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from perdure._model.errors import DefinitionError
from perdure._platform import providers
from perdure._platform.lazy_import import LazyModule
from perdure._results.worker_values import Packed
from perdure._runners.base import Work
from perdure._runners.batches import BatchRefused, WorkerLost
from perdure._runners.clusters import ClusterTaskRunner, lost_value, needed
from perdure._runners.envelopes import Message, Sent
from perdure._runners.handshake import greeting
from perdure._runners.main_guard import why_unguarded

dask: Any = LazyModule("dask")
distributed: Any = LazyModule("distributed")

_SECONDS = 30.0  # that the scheduler may take for an answer
_START_WORKERS = 'Start workers with --resources "{}".'
_UNREACHABLE = (OSError, RuntimeError, AttributeError)  # what Dask raises then; of some things, a client has None


class DaskTaskRunner(ClusterTaskRunner):
    """Runs tasks on a Dask cluster. Short calls travel in batches; large values stay in the cluster's memory.

    Each flow run has a client of its own. Without an address and a class, it takes the scheduler that Dask's own
    configuration names (DASK_SCHEDULER_ADDRESS), else it starts processes on this machine.

    Args:
        address: of a scheduler that runs, such as "tcp://10.0.0.1:8786" or "tls://10.0.0.1:8786".
        cluster_class: what makes a cluster for each flow run, which is closed at its end: a class, or where to import
            it from, such as "dask_jobqueue.SLURMCluster".
        cluster_kwargs: its arguments.
        client_kwargs: arguments of `distributed.Client`, such as `security`.

    Raises:
        DefinitionError: Dask is not installed, or the arguments do not go together.
    """

    def __init__(
        self,
        address: str | None = None,
        cluster_class: "str | Callable[..., object] | None" = None,
        cluster_kwargs: Mapping[str, object] | None = None,
        client_kwargs: Mapping[str, object] | None = None,
    ) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise DefinitionError("DaskTaskRunner needs the package distributed. Install perdure[dask].")
        if address is not None and (cluster_class is not None or cluster_kwargs is not None):
            raise DefinitionError(
                f"address={address!r} is a cluster that runs already: give cluster_class and cluster_kwargs only"
                " without an address."
            )
        self.address = address
        self.cluster_class = cluster_class
        self.cluster_kwargs = cluster_kwargs
        self.client_kwargs = client_kwargs
        super().__init__()

    def duplicate(self) -> "DaskTaskRunner":
        """A runner of the same cluster, not started."""
        return type(self)(self.address, self.cluster_class, self.cluster_kwargs, self.client_kwargs)

    def submit(self, work: Work) -> None:
        """Queue the task."""
        if isinstance(self.cluster_class, str):  # here: some may be imported by the main thread only
            self.cluster_class = _imported(self.cluster_class)
        super().submit(work)

    def _reach(self) -> "_Cluster":
        return _Cluster(self)

    def _lane(self) -> "_Lane":
        return _Lane(self._place)

    def interrupt(self) -> None:
        """Have the tasks on the cluster be interrupted, where they can be, and begin no others of those sent."""
        if self._place is not None:
            self._place.withdraw([lane.batch for lane in tuple(self._lanes.values()) if isinstance(lane, _Lane)])


class _Future(Protocol):
    """What is used of Dask's futures."""

    key: str
    status: str

    def result(self) -> Any: ...
    def exception(self) -> Any: ...
    def release(self) -> object: ...
    def add_done_callback(self, hear: "Callable[[_Future], object]", /) -> object: ...


class _Cluster:
    """A client of the cluster, which lives as long as somebody needs it: the runner, or a result that is held there."""

    def __init__(self, runner: DaskTaskRunner) -> None:
        from perdure._runners import dask_scheduler

        self._runner = weakref.ref(runner)
        self._lanes: dict[str, _Lane] = {}  # by their batches
        self.greeting = greeting()
        cluster = _made(runner)
        try:
            given = runner.address if cluster is None else cluster
            client = distributed.Client(given, **{"set_as_default": False, **(runner.client_kwargs or {})})
        except Exception as error:
            _close(None, cluster)
            reason = f"the Dask cluster cannot be reached: {type(error).__name__}: {error}"
            if str(given).startswith("tls://") and "security" not in (runner.client_kwargs or {}):
                reason += '. With TLS, give client_kwargs={"security": distributed.Security(...)}'
            raise WorkerLost(reason) from error
        self.client: Any = client
        _endings[:] = [each for each in _endings if each.is_alive()]
        atexit.unregister(_wait_for_endings)
        atexit.register(_wait_for_endings)  # so it comes before what Dask does then
        weakref.finalize(self, _end, os.getpid(), client, cluster)
        hear = weakref.WeakMethod(self._hear)
        client._stream_handlers["perdure"] = lambda **fields: (heard := hear()) and heard(**fields)
        client.register_plugin(dask_scheduler.Batches())
        self.room: int = self.ask("hello", client=client.id)

    def ask(self, handler: str, /, **fields: object) -> Any:
        """What the scheduler says. Raises what is `_UNREACHABLE`, also if it does not answer."""
        return self.client.sync(
            getattr(self.client.scheduler, f"perdure_{handler}"), callback_timeout=_SECONDS, **fields
        )

    def _hear(
        self, about: str | None = None, messages: bytes | None = None, lost: str | None = None, room: int | None = None
    ) -> None:
        lane = self._lanes.get(about or "")
        if room is not None:
            self.room = room
            runner = self._runner()
            if runner is not None:  # threads are started elsewhere than in the client's loop
                threading.Thread(target=runner.has_room, name="perdure-room", daemon=True).start()
        elif lane is not None:
            lane.inbox.put((lane.batch, lost if messages is None else messages))

    def submit(self, lane: "_Lane", batch: str, sent: Sent) -> "_Future":
        """Have the cluster run a batch; Dask's future of its outcome."""
        self._lanes[batch] = lane
        payload = pickle.dumps((self.greeting, sent.shared, sent.calls), pickle.HIGHEST_PROTOCOL)
        resources = (
            needed("Dask", self.ask("resources"), sent.resources, sent.name, _START_WORKERS) if sent.resources else None
        )
        future: _Future = self.client.submit(
            providers.on_workers("dask"),
            batch,
            self.client.id,
            payload,
            *sent.held,
            key=batch,
            pure=False,
            retries=0,
            resources=resources,
        )
        future.add_done_callback(lambda done: lane.inbox.put((batch, done)))
        return future

    def forget(self, batch: str) -> None:
        """Nothing more is to be known of a batch."""
        self._lanes.pop(batch, None)
        self.client._send_to_scheduler({"op": "perdure-end", "batch": batch})

    def withdraw(self, batches: Sequence[str]) -> list[str | None] | None:
        """Have batches not begin, or stop; for each the worker that runs it, if one does. None: nobody knows."""
        try:
            return self.ask("withdraw", client=self.client.id, batches=list(batches)) if batches else []
        except _UNREACHABLE:
            return None

    def reference(self, key: str) -> "_Future":
        """Dask's future of a value that a worker keeps for this client."""
        future: _Future = distributed.Future(key, self.client)
        self.client._send_to_scheduler({"op": "client-desires-keys", "keys": [key], "client": self.client.id})
        return future

    def fetch(self, reference: Any) -> Packed:
        """A value.

        Raises:
            ResultLost: it is gone.
        """
        try:
            packed: Packed = reference.result()
        except Exception as error:
            raise lost_value("Dask", f"{type(error).__name__}: {error}") from error
        return packed

    def check(self, reference: Any) -> None:
        """Raise ResultLost if it is known that a value is gone."""
        if reference.status in ("lost", "cancelled"):
            raise lost_value("Dask", f"its worker is gone ({reference.key})")


class _Lane:
    """A thread's way to the cluster: one batch after another, wherever Dask runs it."""

    def __init__(self, cluster: _Cluster) -> None:
        self._cluster = cluster
        self.batch = ""
        self._future: _Future | None = None
        # What there is to know, in order, each with the batch that it is about: messages as bytes, the name of the
        # worker that is lost, at last Dask's future. None: the lane is given up.
        self.inbox: SimpleQueue[tuple[str, Any] | None] = SimpleQueue()

    def begin(self, sent: Sent) -> None:
        """Send a batch."""
        self._done()
        self.batch = f"{sent.name.replace('-', '_')}-{uuid.uuid4().hex}"
        try:
            self._future = self._cluster.submit(self, self.batch, sent)
        except _UNREACHABLE as error:
            raise BatchRefused(f"The Dask scheduler cannot be reached: {type(error).__name__}: {error}") from error

    def receive(self, _: float) -> Sequence[Message]:
        """The messages of the batch. They come together, so there is nothing to linger for."""
        if self._future is None:  # all has come, and not of all its calls
            raise WorkerLost(f"Dask's task {self.batch} has ended without an answer of the call")
        heard = self.inbox.get()
        if heard is None:
            raise WorkerLost("it was given up")
        about, what = heard
        if about != self.batch:
            return ()
        if isinstance(what, bytes):
            messages: Sequence[Message] = pickle.loads(what)
            return messages
        if isinstance(what, str):
            raise WorkerLost(f"Dask worker {what} is gone")
        return self._outcome(what)

    def _outcome(self, future: "_Future") -> Sequence[Message]:
        why = ""
        if future.status == "finished":
            try:
                outcome = future.result()
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if isinstance(outcome, str):
                    raise BatchRefused(outcome)
                if outcome is not None:
                    self._done()
                    messages: Sequence[Message] = outcome
                    return messages
        elif future.status == "error":
            failure = future.exception()
            if not isinstance(failure, distributed.KilledWorker):
                raise BatchRefused(f"A Dask worker cannot run Perdure's tasks: {type(failure).__name__}: {failure}")
            why = f"Dask has tried {failure.last_worker.address} last"
        raise self._abandoned(why or f"Dask's task is {future.status}")

    def _abandoned(self, why: str) -> WorkerLost:
        """The error of a batch that Dask has given up: it says whether calls of it may have begun."""
        known = self._cluster.withdraw([self.batch])
        if known is None:
            return WorkerLost(f"the Dask scheduler cannot be reached, after: {why}")
        (worker,) = known
        return WorkerLost(
            f"Dask worker {worker} is gone, or was given up: {why}" if worker else why, None if worker else 0
        )

    def _done(self) -> None:
        if self._future is not None:
            self._cluster.forget(self.batch)
            self._future.release()
            self._future = None

    def interrupt(self) -> None:
        """The runner interrupts all batches at once."""

    def kill(self) -> None:
        """Give up the batch."""
        self.inbox.put(None)

    def close(self) -> None:
        """Have Dask forget the batch: it is not to run it again."""
        with suppress(Exception):  # the scheduler is gone, or the client
            self._done()


def _made(runner: DaskTaskRunner) -> object:
    """A cluster of the flow run's own; None if it uses one that is there.

    Raises:
        BatchRefused: its processes would run the main program anew.
        WorkerLost: it cannot be made.
    """
    chosen = runner.cluster_class
    if chosen is None:
        if runner.address is not None or dask.config.get("scheduler-address", None) is not None:
            return None
        chosen = distributed.LocalCluster
    elif isinstance(chosen, str):
        chosen = _imported(chosen)
    given = dict(runner.cluster_kwargs or {})
    if chosen is distributed.LocalCluster:
        given = {"dashboard_address": ":0"} | given
        why = why_unguarded() if given.get("processes") is not False and _imports_main() else None
        if why is not None:
            raise BatchRefused(why)
    try:
        return chosen(**given)
    except Exception as error:
        raise WorkerLost(f"{chosen} cannot be made: {type(error).__name__}: {error}") from error


def _imported(path: str) -> Callable[..., object]:
    """A class, by where it is. What its module does to Ctrl-C, as dask_jobqueue's does, is undone."""
    module, _, name = path.rpartition(".")
    handler = signal.getsignal(signal.SIGINT)
    try:
        made: Callable[..., object] = getattr(importlib.import_module(module), name)
    finally:
        if signal.getsignal(signal.SIGINT) is not handler and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
    return made


def _imports_main() -> bool:
    """Whether processes that Dask starts import the main program."""
    return bool(dask.config.get("distributed.worker.multiprocessing-method", None) != "fork")


def _end(owner: int, client: Any, cluster: object) -> None:
    """Nobody needs the client any more. Whoever released it last may be in the midst of anything."""
    if os.getpid() != owner:
        return
    ending = threading.Thread(target=_close, args=(client, cluster), name="perdure-dask-close", daemon=True)
    try:
        ending.start()
    except RuntimeError:  # Python ends
        _close(client, cluster)
    else:
        _endings.append(ending)


_endings: list[threading.Thread] = []


def _wait_for_endings() -> None:
    for ending in _endings:
        ending.join(_SECONDS)


def _close(client: Any, cluster: Any) -> None:
    for each in (client, cluster):
        if each is not None:
            with suppress(Exception):
                each.close()
