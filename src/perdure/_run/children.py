"""The states that the runs which a flow run called have come to: of a million calls, in 32 bytes each.

The first ones are kept as they are, values and all, for a flow that returns None: its result is what they came to. Of
later ones the values are not kept. Nearly all of these are the same but for their run's id and their time, so that they
are packed into an array of numbers, and made again if somebody wants to see them.
"""

from array import array
from collections.abc import Iterator
from typing import Any

from perdure._model.state_types import StateType
from perdure._model.states import State

VALUES_KEPT = 10_000  # states that are kept with their values
_WIDTH = 4  # numbers of a packed state: two halves of its id, its time, and what it shares with others (0: not there)


class Children:
    """States by place, in the order of the calls; the place of a call that has not ended is empty."""

    def __init__(self, flow_run_id: str) -> None:
        self._flow_run_id = flow_run_id
        self._first: list[State[Any] | None] = []
        self._packed = array("Q")
        self._unlike: dict[int, State[Any]] = {}  # by place: those that cannot be packed
        self._shared: list[tuple[str, object]] = []  # names, and what stands for values
        self._numbers: dict[tuple[str, str], int] = {}  # of these, from 1 on

    def add(self) -> int:
        """A new place."""
        if len(self._first) < VALUES_KEPT:
            self._first.append(None)
            return len(self._first) - 1
        self._packed.extend((0, 0, 0, 0))
        return VALUES_KEPT + len(self._packed) // _WIDTH - 1

    def __len__(self) -> int:
        """How many places there are."""
        return len(self._first) + len(self._packed) // _WIDTH

    def put(self, place: int, state: State[Any]) -> None:
        """Keep a state as it is."""
        if place < VALUES_KEPT:
            self._first[place] = state
        else:
            self._packed[(place - VALUES_KEPT) * _WIDTH + _WIDTH - 1] = 0
            self._unlike[place] = state

    def put_completed(self, place: int, state: State[Any], python_type: str, data: object) -> bool:
        """Keep a completed task run's state in a few numbers, with the data that all of its type share.

        False if there is more to it than that. Only of places behind the first `VALUES_KEPT`.
        """
        run_id = state.task_run_id
        if run_id is None or state.message is not None or state.flow_run_id != self._flow_run_id:
            return False
        if hasattr(state, "_details"):
            return False
        key = state.name, python_type
        number = self._numbers.get(key)
        if number is None:
            self._shared.append((state.name, data))
            number = self._numbers[key] = len(self._shared)
        at = (place - VALUES_KEPT) * _WIDTH
        try:
            numbers = int(run_id[:8] + run_id[9:13] + run_id[14:18], 16), int(run_id[19:23] + run_id[24:], 16)
            self._packed[at : at + _WIDTH] = array("Q", (*numbers, state.time, number))
        except (ValueError, OverflowError):  # it is another system's
            return False
        return True

    def __iter__(self) -> Iterator[State[Any]]:
        """The states that are there."""
        yield from filter(None, self._first)
        for place in range(VALUES_KEPT, len(self)):
            at = (place - VALUES_KEPT) * _WIDTH
            head, tail, time, number = self._packed[at : at + _WIDTH]
            if number:
                yield self._state(f"{head:016x}", f"{tail:016x}", time, number)
            elif place in self._unlike:
                yield self._unlike[place]

    def _state(self, head: str, tail: str, time: int, number: int) -> State[Any]:
        name, data = self._shared[number - 1]
        id = f"{head[:8]}-{head[8:12]}-{head[12:]}-{tail[:4]}-{tail[4:]}"
        return State(StateType.COMPLETED, name, None, data, time, self._flow_run_id, id)
