"""Values that the workers of a task runner hold: here there are only references to them.

A value that is not persisted, and too large to come back with its answer, stays in the memory of the cluster that made
it. Its state carries a `HeldResult`: whoever asks for the value fetches it. A later task on the same cluster is given
the cluster's own reference instead, so that the value goes from worker to worker, and never through this process. It
goes as bytes that nobody changes: each task gets a value of its own, as if it had come from another process.
"""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from perdure._platform.lazy_import import LazyModule
from perdure._results.types import MISSING, UnpersistedResult

if TYPE_CHECKING:
    import pickle
else:  # most programs hold their values themselves
    pickle = LazyModule("pickle")

R = TypeVar("R")


class Packed:
    """A value as bytes that nobody changes; those of its arrays are apart, so that they are moved without a copy."""

    __slots__ = ("body", "buffers")

    def __init__(self, body: bytes, buffers: Sequence[Any]) -> None:
        self.body = body
        self.buffers = buffers

    @classmethod
    def of(cls, value: object) -> "Packed":
        """The value, whose arrays are not copied: it is to be kept before they change. Raises what pickling raises."""
        from perdure._serializers.references import dumps  # imports cloudpickle, which few programs need

        buffers: list[pickle.PickleBuffer] = []
        body = dumps(value, buffers.append)
        return cls(body, [each.raw() for each in buffers])

    def copy(self) -> "Packed":
        """The value as it is now."""
        return Packed(self.body, [bytes(each) for each in self.buffers])

    def value(self) -> Any:
        """A value of one's own, which may be changed. Raises what unpickling raises."""
        from perdure._serializers.references import load

        return load(io.BytesIO(self.body), [bytearray(each) for each in self.buffers])

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(self.body) + sum(memoryview(each).nbytes for each in self.buffers)

    def __sizeof__(self) -> int:  # engines ask it how much memory the value takes
        return object.__sizeof__(self) + sys.getsizeof(self.body) + self.size

    def __reduce_ex__(self, protocol: Any) -> tuple[object, ...]:
        apart = pickle.PickleBuffer if protocol >= 5 else bytes  # some connections of engines have an earlier protocol
        return Packed, (self.body, [apart(each) for each in self.buffers])


class Holder(Protocol):
    """A cluster that holds values."""

    def fetch(self, reference: object) -> Packed:
        """A value.

        Raises:
            ResultLost: it is gone.
        """

    def check(self, reference: object) -> None:
        """Raise ResultLost if it is known that a value is gone."""


class HeldResult(UnpersistedResult[R]):
    """A value that a worker of a cluster holds, until nobody here has this result any more."""

    __slots__ = ("_holder", "reference", "size")

    def __init__(self, reference: object, size: int, python_type: str) -> None:
        super().__init__(MISSING, python_type)
        self._holder: Holder | None = None  # None while it is on its way from the worker
        self.reference = reference  # the engine's, by which it keeps the value
        self.size = size

    @property
    def artifact_description(self) -> str:
        return f"Result of type `{self.python_type.rpartition('.')[2]}` in a cluster's memory"

    def is_at(self, holder: object) -> bool:
        """Whether it is that cluster which holds the value."""
        return self._holder is holder

    def hold(self, holder: Holder, reference: object) -> None:
        """It has come from the cluster, where the value is kept as long as there is the reference."""
        self._holder, self.reference = holder, reference

    def check(self) -> None:
        """Raise ResultLost if it is known that the value is gone."""
        assert self._holder is not None
        self._holder.check(self.reference)

    def load(self) -> R:
        """The value, from the cluster the first time and from memory after that.

        Raises:
            ResultLost: the worker that held it is gone.
        """
        if self._value is MISSING:
            assert self._holder is not None
            self._value = self._holder.fetch(self.reference).value()
        return self._value

    def __reduce__(self) -> tuple[object, ...]:
        if self._holder is None:
            return HeldResult, (self.reference, self.size, self.python_type)
        return UnpersistedResult, (self.load(), self.python_type)


class HeldValue:
    """Stands for a held value among the arguments of a call that goes where it is held."""

    __slots__ = ("result",)

    def __init__(self, result: HeldResult[object]) -> None:
        self.result = result

    def __repr__(self) -> str:
        return f"<{self.result.python_type} in the memory of a worker>"

    def __reduce__(self) -> tuple[object, ...]:
        self.result.check()
        return given, (_place_of.get()(self.result.reference),)


def given(place: int) -> object:
    """In a worker, the value that the engine has handed over at this place."""
    packed: Packed = _given.get()[place]
    return packed.value()


def _nowhere(_: object) -> int:
    raise TypeError("A value that a cluster holds goes nowhere but to its workers.")


_place_of: ContextVar[Callable[[object], int]] = ContextVar("perdure_place_of_held", default=_nowhere)
_given: ContextVar[Sequence[Packed]] = ContextVar("perdure_given", default=())


@contextmanager
def sending(place_of: Callable[[object], int]) -> Iterator[None]:
    """Within the block, held values are pickled as the places of their references."""
    token = _place_of.set(place_of)
    try:
        yield
    finally:
        _place_of.reset(token)


@contextmanager
def having(values: Sequence[Packed]) -> Iterator[None]:
    """Within the block, what was pickled so is read as these values."""
    token = _given.set(values)
    try:
        yield
    finally:
        _given.reset(token)
