"""Copies of classes, by cloudpickle, with what it leaves out: slots, and the aliases of an enum's members."""

import enum
import functools
from types import MemberDescriptorType
from typing import Any


@functools.cache
def copying_pickler() -> type[Any]:
    """A cloudpickle pickler whose copies of classes have objects of the same layout, and all names of members."""
    import cloudpickle

    class CopyingPickler(cloudpickle.Pickler):  # type: ignore[misc] # it has no types
        """See the function."""

        def reducer_override(self, obj: object) -> object:
            reduced = super().reducer_override(obj)
            return _whole(obj, reduced) if isinstance(obj, type) and isinstance(reduced, tuple) else reduced

    return CopyingPickler


def _whole(kind: Any, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """How cloudpickle makes a class, with what is missing."""
    if len(reduced) < 6 or not isinstance(reduced[2], tuple):  # by its name
        return reduced
    maker, arguments, (members, slots), *rest = reduced
    if issubclass(kind, enum.Enum):
        named = {name: member.value for name, member in kind.__members__.items()}
        arguments = (*arguments[:3], named, *arguments[4:])
        members = {name: value for name, value in members.items() if name not in named}
    elif "__slots__" in vars(kind) and not hasattr(kind, "_fields"):  # named tuples say it themselves
        arguments = (*arguments[:3], {**arguments[3], "__slots__": kind.__slots__}, *arguments[4:])
        members = {name: value for name, value in members.items() if not _is_slot(value, kind)}
    return (maker, arguments, (members, slots), *rest)


def _is_slot(value: object, kind: type) -> bool:
    return isinstance(value, MemberDescriptorType) and value.__objclass__ is kind
