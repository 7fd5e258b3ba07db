"""What goes to a worker and comes back: batches of calls as bytes, and what the calls came to.

The calls of a batch share their task, its options, its flow run: these are pickled once. The arguments of each call are
pickled for themselves, and so is each value: two calls that were given the same list must not see each other's changes
to it only because they went in one batch, and a value is what it was when its call returned it.
"""

import pickle
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from perdure._engine.lifecycle.task_run import TaskCall
from perdure._model.exceptions import stand_in
from perdure._model.options import Resources
from perdure._model.records import Record
from perdure._model.states import State
from perdure._platform import forks
from perdure._platform.named import NamedTuple
from perdure._results import worker_values
from perdure._run.arguments import only_atoms
from perdure._run.context import RUN_FIELDS, TaskRunContext

# What calls of a task have in common, and what each has of its own.
_SHARED = ("owner", "options", "flow", "parent", "transaction", "passed", "tags", "storage", "serializer")
_OWN = tuple(name for name in RUN_FIELDS if name not in (*_SHARED, "generation"))


class Answer(NamedTuple):
    """What a call came to, with all that it reported."""

    place: int  # in its batch
    seconds: float  # that it took
    outcome: bytes  # the pickle of its state, or of None, and of an exception that is not in it
    records: Sequence[Record]
    is_awaited: bool  # whether the state may be seen only once these are committed


class Reported(NamedTuple):
    """What a call has reported that has not ended."""

    records: Sequence[Record]
    is_awaited: bool


class Returned(NamedTuple):
    """Calls that were not begun, and will not be."""

    places: Sequence[int]


class Sent(NamedTuple):
    """A batch on its way to a worker."""

    calls: Sequence[bytes]
    shared: bytes  # what the calls have in common
    held: Sequence[object]  # references of the values among their arguments that are held where they are to run
    resources: Resources  # that its calls need
    name: str  # of the first one's task, for people


Message = Answer | Reported | Returned


def packed_call(call: TaskCall, shared: "Shared") -> bytes:
    """A call without what it shares with others. Raises what pickling its arguments raises."""
    from perdure._serializers.references import sendable  # few programs use other processes; the others start faster

    run = call.run
    common = tuple(shared.place_of(getattr(run, name)) for name in _SHARED)

    def fields() -> tuple[Any, ...]:
        return common, tuple(getattr(run, name) for name in _OWN), call.cache_key

    if only_atoms(run.parameters.values()):
        return pickle.dumps(fields(), pickle.HIGHEST_PROTOCOL)
    with shared.sending():
        return _packed_fields(run, fields, sendable)


def _packed_fields(run: TaskRunContext, fields: Callable[[], object], sendable: Callable[[object], bytes]) -> bytes:
    try:
        return sendable(fields())
    except Exception:
        given, run.parameters = run.parameters, {name: _sendable(value) for name, value in run.parameters.items()}
        try:
            return sendable(fields())
        finally:
            run.parameters = given


def _sendable(value: object) -> object:
    """Of an exception, which was allowed, what can be pickled of it; all else as it is."""
    from perdure._serializers.references import sendable

    return stand_in(value, sendable) if isinstance(value, BaseException) else value


class Shared:
    """Objects that the calls of one batch have in common, by their places in a list."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._places: dict[int, int] = {}
        self.held: list[object] = []  # references of held values, by the places that the calls name
        self._held_places: dict[object, int] = {}

    def place_of(self, shared: object) -> int:
        """Where an object is in the list, by its identity."""
        place = self._places.get(id(shared))
        if place is None:
            place = self._places[id(shared)] = len(self._objects)
            self._objects.append(shared)
        return place

    def sending(self) -> AbstractContextManager[None]:
        """Within the block, what stands for a held value is pickled as its reference's place among those of the batch.

        The references travel beside the calls, so that the engine sees them.
        """
        return worker_values.sending(self._place_of_held)

    def _place_of_held(self, reference: object) -> int:
        if reference not in self._held_places:
            self._held_places[reference] = len(self.held)
            self.held.append(reference)
        return self._held_places[reference]

    def packed(self) -> bytes:
        """The list. Raises what pickling the task or its options raises."""
        from perdure._serializers.references import sendable

        return sendable(self._objects)


def call_of(packed: bytes, shared: Sequence[object]) -> TaskCall:
    """The call, in the worker. Raises what unpickling raises."""
    common, own, cache_key = pickle.loads(packed)
    run = TaskRunContext.__new__(TaskRunContext)
    for name, place in zip(_SHARED, common, strict=True):
        setattr(run, name, shared[place])
    for name, value in zip(_OWN, own, strict=True):
        setattr(run, name, value)
    run.generation = forks.generation
    return TaskCall(run, cache_key=cache_key)


def state_of(answer: Answer) -> tuple[State[Any] | None, BaseException | None]:
    """The state of a call, or None and why there is none. Raises what unpickling its value raises."""
    state, error = pickle.loads(answer.outcome)
    if state is not None and error is not None:
        state.data.remember(error)  # else it would be read again, and have no traceback
        error = None
    return state, error
