"""The states that the runs which a flow run called have come to: of a million calls, in 32 bytes each.

The first ones are kept as they are, values and all, for a flow that returns None: its result is what they came to. Of
later ones the values are not kept.
"""

from collections.abc import Iterator
from typing import Any

from perdure._model.states import State
from perdure._run.packed_states import PackedStates

VALUES_KEPT = 10_000  # states that are kept with their values


class Children:
    """States by place, in the order of the calls; the place of a call that has not ended is empty."""

    def __init__(self, flow_run_id: str) -> None:
        self._first: list[State[Any] | None] = []
        self._packed = PackedStates(flow_run_id)
        self._unlike: dict[int, State[Any]] = {}  # by place: those that cannot be packed

    def add(self) -> int:
        """A new place."""
        if len(self._first) < VALUES_KEPT:
            self._first.append(None)
            return len(self._first) - 1
        self._packed.add()
        return len(self) - 1

    def __len__(self) -> int:
        """How many places there are."""
        return len(self._first) + len(self._packed)

    def put(self, place: int, state: State[Any]) -> None:
        """Keep a state as it is."""
        if place < VALUES_KEPT:
            self._first[place] = state
        else:
            self._packed.empty(place - VALUES_KEPT)
            self._unlike[place] = state

    def put_completed(self, place: int, state: State[Any], python_type: str, data: object) -> bool:
        """Keep a completed task run's state in a few numbers, with the data that all of its type share.

        False if there is more to it than that. Only of places behind the first `VALUES_KEPT`.
        """
        return self._packed.put(place - VALUES_KEPT, state, python_type, data)

    def __iter__(self) -> Iterator[State[Any]]:
        """The states that are there."""
        yield from filter(None, self._first)
        for place in range(len(self._packed)):
            state = self._packed.get(place, self._packed.common(place)) or self._unlike.get(VALUES_KEPT + place)
            if state is not None:
                yield state
