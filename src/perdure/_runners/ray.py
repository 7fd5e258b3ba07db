"""Submitted tasks on a Ray cluster, in batches."""

import importlib.util
import pickle
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from perdure._model.errors import DefinitionError
from perdure._platform import providers
from perdure._platform.lazy_import import LazyModule
from perdure._results.worker_values import Packed
from perdure._runners.batches import BatchRefused, WorkerLost
from perdure._runners.clusters import ClusterTaskRunner, lost_value, needed
from perdure._runners.envelopes import Message, Sent
from perdure._runners.handshake import greeting
from perdure._runners.ray_board import Board

ray: Any = LazyModule("ray")

_SECONDS = 120.0  # that the board may take for an answer
_LONG = 0.15  # seconds from which on a batch may have something to say before it ends
_LOOK = 0.5  # seconds between two looks whether a batch was given up
_ROOM = 5.0  # seconds between two looks at how large the cluster is
_START_NODES = "Start nodes that have them: `ray start` takes --num-cpus, --num-gpus, --memory and --resources."
_OPTIONS = {"cpu": "num_cpus", "gpu": "num_gpus", "memory": "memory"}  # of Ray's tasks; the others are by name


class RayTaskRunner(ClusterTaskRunner):
    """Runs tasks on a Ray cluster. Short calls travel in batches; large values stay in Ray's object store.

    A process is connected to one Ray cluster at a time: if it is connected already, that one is used. Without an
    address, Ray takes the cluster that RAY_ADDRESS names, else starts one on this machine, which ends with the process.

    Args:
        address: of a cluster that runs, such as "10.0.0.1:6379", or "auto" for that of this machine.
        init_kwargs: further arguments of `ray.init`, such as `num_cpus`.

    Raises:
        DefinitionError: Ray is not installed, or the address is of Ray's client, whose values no other process has.
    """

    def __init__(self, address: str | None = None, init_kwargs: Mapping[str, object] | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise DefinitionError("RayTaskRunner needs the package ray. Install perdure[ray].")
        if address is not None and address.startswith("ray://"):
            raise DefinitionError(
                f"address={address!r} is of Ray's client, through which calls cannot travel in batches. Run the flow on"
                ' a machine of the cluster, with address="auto".'
            )
        if init_kwargs is not None and "address" in init_kwargs:
            raise DefinitionError("init_kwargs has an address: give it as address=.")
        self.address = address
        self.init_kwargs = init_kwargs
        super().__init__()

    def duplicate(self) -> "RayTaskRunner":
        """A runner of the same cluster, not started."""
        return type(self)(self.address, self.init_kwargs)

    def _reach(self) -> "_Cluster":
        self._greeting = greeting()
        return _cluster(self.address, self.init_kwargs or {})

    def _lane(self) -> "_Lane":
        return _Lane(self._place, self._greeting)

    def interrupt(self) -> None:
        """Have the tasks on the cluster be interrupted, where they can be, and begin no others of those sent."""
        lanes = [lane for lane in tuple(self._lanes.values()) if isinstance(lane, _Lane)]
        if self._place is not None and lanes:
            self._place.withdraw(lanes)


_reaching = threading.Lock()
_reached: "_Cluster | None" = None  # that this process is connected to


def _cluster(address: str | None, init_kwargs: Mapping[str, object]) -> "_Cluster":
    """The cluster that this process is connected to, by these arguments if it was not before."""
    global _reached
    with _reaching:
        if not ray.is_initialized():
            given = {"log_to_driver": False, **init_kwargs}
            try:
                ray.init(address=address, **given)
            except Exception as error:
                raise WorkerLost(f"the Ray cluster cannot be reached: {type(error).__name__}: {error}") from error
        if _reached is None or not _reached.is_alive():
            _reached = _Cluster(address)
        if address not in _reached.addresses:
            raise BatchRefused(
                f"This process is connected to the Ray cluster {_reached.addresses[3]}, and the runner's address is"
                f" {address}. Use one cluster in a process, or call ray.shutdown() between flows."
            )
        return _reached


class _Cluster:
    """This process's connection to a Ray cluster, with a board."""

    def __init__(self, address: str | None) -> None:
        context = ray.get_runtime_context()
        self.addresses = (None, "auto", "local", context.gcs_address, address)
        self._job = context.get_job_id()
        self.board = _new_board()
        self._has_answered = False  # whether a worker has had an answer of the board
        self._renewing = threading.Lock()
        self._run_batch: Any = ray.remote(providers.on_workers("ray"))
        self.came: dict[str, object] = {}  # Ray's references of values whose calls have not arrived, by their keys
        self._room, self._looked = 0, -_ROOM

    def is_alive(self) -> bool:
        """Whether it is still that of this process, and has its board."""
        try:
            if ray.get_runtime_context().get_job_id() != self._job:
                return False
            self.ask(self.board, "withdraw", [])
        except Exception:
            return False
        return True

    def ask(self, board: Any, method: str, /, *arguments: object) -> Any:
        """What a board says. Raises what Ray raises, if it does not answer."""
        return ray.get(getattr(board, method).remote(*arguments), timeout=_SECONDS)

    def note_answer(self, board: object) -> None:
        """A worker has had an answer of a board."""
        self._has_answered = self._has_answered or board is self.board

    def renew(self, board: object) -> bool:
        """A board is gone; whether the next batches have another one. One that has never answered gets no successor."""
        with self._renewing:
            if board is self.board and self._has_answered:
                self.board, self._has_answered = _new_board(), False
            return board is not self.board

    @property
    def room(self) -> int:
        """How many batches at once; looked at only now and then."""
        if time.monotonic() > self._looked + _ROOM:
            self._looked = time.monotonic()
            with suppress(Exception):  # the cluster is gone, which those who need it will see
                self._room = int(sum(each.get("CPU", 0) for each in _nodes()))
        return self._room

    def submit(self, batch: str, board: object, greeting: bytes, sent: Sent) -> object:
        """Have the cluster run a batch; Ray's reference of its outcome."""
        options = {}
        if sent.resources:
            options = _options(needed("Ray", _nodes(), sent.resources, sent.name, _START_NODES))
        payload = pickle.dumps((greeting, sent.shared, sent.calls), pickle.HIGHEST_PROTOCOL)
        # In a list, the values are not waited for before the batch begins: the worker says which of them is lost.
        return self._run_batch.options(name=sent.name, max_retries=0, **options).remote(
            batch, board, payload, list(sent.held)
        )

    def withdraw(self, lanes: Sequence["_Lane"]) -> None:
        """Have the batches of lanes not begin, or stop."""
        with suppress(Exception):  # the board is gone, so they do neither
            board = self.board
            those = [lane for lane in lanes if lane.board is board]
            workers = self.ask(board, "withdraw", [lane.batch for lane in those])
            for lane, worker in zip(those, workers, strict=True):
                if worker is None:
                    lane.unqueue()

    def reference(self, key: str) -> object:
        """Ray's reference of a value, which came with the answer."""
        return self.came.pop(key)

    def fetch(self, reference: object) -> Packed:
        """A value.

        Raises:
            ResultLost: it is gone.
        """
        try:
            packed: Packed = ray.get(reference)
        except Exception as error:
            raise lost_value("Ray", f"{type(error).__name__}: {error}") from error
        return packed

    def check(self, reference: object) -> None:
        """Whether a value is gone is known to who needs it."""


def _new_board() -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )  # it ends with us, and is near
    return ray.remote(Board).options(num_cpus=0, max_concurrency=10_000, scheduling_strategy=here).remote()


def _nodes() -> list[dict[str, float]]:
    """What each node has of the resources that Ray counts."""
    return [each["Resources"] for each in ray.nodes() if each["Alive"]]


def _options(needed: Mapping[str, float]) -> dict[str, object]:
    """Resources as options of a Ray task, which takes one processor if they do not say how many."""
    own = {_OPTIONS[name.lower()]: amount for name, amount in needed.items() if name.lower() in _OPTIONS}
    return {**own, "resources": {name: amount for name, amount in needed.items() if name.lower() not in _OPTIONS}}


class _Lane:
    """A thread's way to the cluster: one batch after another, wherever Ray runs it."""

    def __init__(self, cluster: _Cluster, greeting: bytes) -> None:
        self._cluster = cluster
        self._greeting = greeting
        self.batch = ""
        self.board: Any = None  # that workers ask about the batch
        self._outcome: object = None  # Ray's reference of what comes of the batch; None once all has come
        self._heard: object = None  # and of what it says next, once it takes long
        self._count = 0  # of what it has said
        self._is_given_up = False

    def begin(self, sent: Sent) -> None:
        """Send a batch."""
        self.batch, self._count, self._heard = uuid.uuid4().hex, 0, None
        try:
            self.board = self._cluster.board
            self._outcome = self._cluster.submit(self.batch, self.board, self._greeting, sent)
        except BatchRefused:
            raise
        except Exception as error:
            raise BatchRefused(f"Ray does not take the batch: {type(error).__name__}: {error}") from error

    def receive(self, _: float) -> Sequence[Message]:
        """The messages of the batch that have come. Those of a short one come together, so nothing is lingered for."""
        if self._outcome is None:
            raise WorkerLost(f"the batch {self.batch} has ended without an answer of the call")
        if self._heard is None:
            if ray.wait([self._outcome], timeout=_LONG)[0]:
                return self._ended()
            self._listen()
        while not self._is_given_up:
            done, _rest = ray.wait([self._heard, self._outcome], timeout=_LOOK)
            if self._heard in done:
                return self._next_heard()
            if done:
                return self._ended()
        raise self._lost("it was given up")

    def _listen(self) -> None:
        self._heard = self.board.hear.remote(self.batch)

    def _next_heard(self) -> Sequence[Message]:
        try:
            said = ray.get(self._heard)
        except Exception as error:
            raise self._lost(f"{type(error).__name__}: {error}") from error
        self._count += 1
        self._cluster.note_answer(self.board)
        self._listen()
        return self._messages(*said)

    def _messages(self, packed: bytes, values: Mapping[str, object]) -> Sequence[Message]:
        self._cluster.came.update(values)
        messages: Sequence[Message] = pickle.loads(packed)
        return messages

    def _ended(self) -> Sequence[Message]:
        try:
            outcome = ray.get(self._outcome)
        except Exception as error:
            cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else None
            if cause is None or isinstance(cause, ray.exceptions.TaskCancelledError):
                raise self._lost(f"{type(error).__name__}: {error}") from error
            if isinstance(cause, ray.exceptions.RayActorError):  # the board was gone when the batch was to begin
                self._outcome = None
                raise WorkerLost(str(cause), 0 if self._cluster.renew(self.board) else None) from error
            outcome = f"A Ray worker cannot run Perdure's tasks: {type(cause).__name__}: {cause}"
        if isinstance(outcome, str):
            self._done()
            raise BatchRefused(outcome)
        self._cluster.note_answer(self.board)
        count, messages, values = outcome
        said: list[Message] = []
        while self._count < count:  # what it has said is on its way here
            if self._heard is None:
                self._listen()
            said += self._next_heard()
        self._done()
        return [*said, *self._messages(messages, values)]

    def _lost(self, why: str) -> WorkerLost:
        """Ray has given the batch up: what may have begun of it?"""
        self._outcome = None
        try:
            worker = self._cluster.ask(self.board, "end", self.batch)
        except ray.exceptions.RayActorError:
            self._cluster.renew(self.board)
            return WorkerLost("the actor beside the flow that knows which Ray worker runs it has died")
        except Exception:
            return WorkerLost(f"the Ray cluster cannot be reached, after: {why}")
        return WorkerLost(f"Ray worker {worker} is gone: {why}" if worker else why, None if worker else 0)

    def _done(self) -> None:
        self._outcome = self._heard = None
        self.board.end.remote(self.batch)

    def unqueue(self) -> None:
        """The batch was withdrawn before a worker has begun it: have Ray not wait for one."""
        outcome = self._outcome
        if outcome is not None:
            ray.cancel(outcome, force=False)

    def interrupt(self) -> None:
        """The runner interrupts all batches at once."""

    def kill(self) -> None:
        """End the batch's process, if it runs, and give it up."""
        outcome, self._is_given_up = self._outcome, True
        if outcome is not None:
            with suppress(Exception):  # it has ended
                ray.cancel(outcome, force=True)

    def close(self) -> None:
        """There is nothing more to know of the batch."""
        if self._outcome is not None:
            with suppress(Exception):  # the cluster is gone
                self._done()
