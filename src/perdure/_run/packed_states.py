"""States of completed task runs in 32 bytes each: nearly all are the same but for their run's id and their time.

They are packed into an array of numbers, and made again if somebody wants to see them.
"""

from array import array
from collections.abc import Hashable
from typing import Any

from perdure._model.state_types import StateType
from perdure._model.states import State

_WIDTH = 4  # numbers of a state: two halves of its id, its time, and what it shares with others (0: it is not there)


class PackedStates:
    """States by place, of the task runs of one flow run; without its id, it is that of the first state."""

    def __init__(self, flow_run_id: str | None = None) -> None:
        self._flow_run_id = flow_run_id
        self._numbers = array("Q")
        self._shared: list[tuple[str, object]] = []  # names, and what else states have in common
        self._places: dict[tuple[str, Hashable], int] = {}  # of these, from 1 on

    def add(self) -> None:
        """A new place, which is empty."""
        self._numbers.extend((0, 0, 0, 0))

    def __len__(self) -> int:
        """How many places there are."""
        return len(self._numbers) // _WIDTH

    def put(self, place: int, state: State[Any], kind: Hashable, common: object) -> bool:
        """Pack a state but for its data; states of a kind have something in common. False if there is more to it."""
        run_id = state.task_run_id
        if not state.is_completed() or run_id is None or state.message is not None or hasattr(state, "_details"):
            return False
        if self._flow_run_id is None:
            self._flow_run_id = state.flow_run_id
        if state.flow_run_id != self._flow_run_id or self._flow_run_id is None:
            return False
        at = place * _WIDTH
        try:
            numbers = int(run_id[:8] + run_id[9:13] + run_id[14:18], 16), int(run_id[19:23] + run_id[24:], 16)
            self._numbers[at : at + _WIDTH] = array(
                "Q", (*numbers, state.time, self._shared_place(state.name, kind, common))
            )
        except (ValueError, OverflowError):  # it is another system's
            return False
        return True

    def _shared_place(self, name: str, kind: Hashable, common: object) -> int:
        place = self._places.get((name, kind))
        if place is None:
            self._shared.append((name, common))
            place = self._places[name, kind] = len(self._shared)
        return place

    def empty(self, place: int) -> None:
        """Have nothing in a place."""
        self._numbers[place * _WIDTH + _WIDTH - 1] = 0

    def common(self, place: int) -> Any:
        """What the state in a place has in common with others of its kind; None if it is empty."""
        number = self._numbers[place * _WIDTH + _WIDTH - 1]
        return self._shared[number - 1][1] if number else None

    def get(self, place: int, data: object) -> State[Any] | None:
        """The state in a place, with its data; None if it is empty."""
        at = place * _WIDTH
        head, tail, time, number = self._numbers[at : at + _WIDTH]
        if not number:
            return None
        name, _ = self._shared[number - 1]
        first, last = f"{head:016x}", f"{tail:016x}"
        id = f"{first[:8]}-{first[8:12]}-{first[12:]}-{last[:4]}-{last[4:]}"
        return State(StateType.COMPLETED, name, None, data, time, self._flow_run_id, id)
