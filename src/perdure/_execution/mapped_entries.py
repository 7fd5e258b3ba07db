"""What the calls of a map have come to, by index: of a million, in 50 bytes each and their values."""

from typing import Any

from perdure._model.states import State
from perdure._results.types import LiteralResult, UnpersistedResult
from perdure._run.packed_states import PackedStates
from perdure._run.pending import Pending


class Entries:
    """Futures, then the states that these have come to, until they are forgotten."""

    def __init__(self) -> None:
        self._entries: list[Pending | State[Any] | None] = []  # None: packed, or forgotten
        self._values: list[object] = []  # of those that are packed
        self._packed = PackedStates()

    def __len__(self) -> int:
        """How many calls there are."""
        return len(self._entries)

    def append(self, future: Pending) -> None:
        """A further call, which runs."""
        self._packed.add()
        self._values.append(None)
        self._entries.append(future)

    def pending(self, index: int) -> Pending | None:
        """The future of a call that had not ended when somebody looked last."""
        entry = self._entries[index]
        return entry if isinstance(entry, Pending) else None

    def get(self, index: int) -> Pending | State[Any] | None:
        """The future of a call, or its state once it has ended; None if it was forgotten."""
        entry = self._entries[index]
        if entry is not None:
            return entry
        kind = self._packed.common(index)
        return None if kind is None else self._packed.get(index, _data_of(kind, self._values[index]))

    def end(self, index: int, state: State[Any]) -> None:
        """A call has ended; not kept if it was forgotten."""
        if self._entries[index] is None:
            return
        data = state.data
        if data.__class__ in (UnpersistedResult, LiteralResult) and data.has_cached_object():
            kind = data.__class__, getattr(data, "python_type", None)
            self._values[index] = data.load()
            if self._packed.put(index, state, kind, kind):
                self._entries[index] = None  # at last: who looks meanwhile finds the future
                return
            self._values[index] = None
        self._entries[index] = state

    def forget(self, index: int) -> None:
        """Nobody asks for a call any more."""
        self._entries[index] = self._values[index] = None
        self._packed.empty(index)


def _data_of(kind: tuple[type[Any], str | None], value: object) -> object:
    of, python_type = kind
    return UnpersistedResult(value, python_type) if of is UnpersistedResult else LiteralResult(value)
