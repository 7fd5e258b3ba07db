"""Pickles of a project's constants, from which the functions and classes of the project that they hold are reached."""

import io
import pickle
import pickletools
from collections.abc import Callable
from types import FunctionType, MappingProxyType
from typing import Any

from perdure._engine.identity.contents.reduction import is_found_by_name

_OF_SETS = frozenset({"EMPTY_SET", "ADDITEMS", "FROZENSET"})
_BYTES_OF_SETS = (b"\x8f", b"\x90", b"\x91")
OwnName = Callable[[FunctionType | type], str | None]  # what stands for what is the project's own; None for all else


def pickled_constant(value: object, own_name: OwnName) -> bytes | None:
    """The pickle of an object; None if it holds a set, whose order is another one in each process.

    Raises:
        Exception: whatever pickling raises: the object, or a part of it, cannot be pickled.
    """
    file = io.BytesIO()
    _Pickler(file, own_name).dump(value)
    data = file.getvalue()
    return None if _has_sets(data) else data


class _Pickler(pickle.Pickler):
    """A pickler that asks about each function and class, and stands for those that their names do not lead to."""

    def __init__(self, file: io.BytesIO, own_name: OwnName) -> None:
        super().__init__(file, protocol=5)
        self._own_name = own_name

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, FunctionType | type):
            text = self._own_name(obj)
            if text is not None and not is_found_by_name(obj):
                return str, (text,)
        elif type(obj) is MappingProxyType:
            return str, ("mapping proxy", dict(obj))
        return NotImplemented


def _has_sets(data: bytes) -> bool:
    if not any(each in data for each in _BYTES_OF_SETS):
        return False
    return any(code.name in _OF_SETS for code, _, _ in pickletools.genops(data))
