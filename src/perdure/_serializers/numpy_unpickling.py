"""What rebuilds numpy's arrays from memory, with forged pickles in mind: no pointer is ever taken from a text of bytes.

An array is a description of memory, and a pickle may describe its bytes as objects, which ends the process or worse. So
arrays and scalars are rebuilt by the functions that their own pickles call, as these call them, and never by a call of
their class; and what a dtype says of itself has to be true. numpy is imported by nobody but the pickle.
"""

import importlib
import pickle
from collections.abc import Callable
from math import prod
from typing import Any, NoReturn

from perdure._platform.named import NamedTuple

_HOLDS_OBJECTS = 1  # a flag of dtypes: their items are counted references


class Item(NamedTuple):
    """The description of a dtype."""

    size: int | None  # bytes; None if it comes with its state
    has_objects: bool
    is_flexible: bool = False  # its state may give another size


def is_memory(named: object) -> bool:
    """Whether a class is one of arrays or scalars, which may be named and rebuilt, but not called."""
    return isinstance(named, type) and any(_path(base) in _MEMORY for base in named.__mro__)


def is_dtype(named: object) -> bool:
    """Whether a class is one of dtypes, whose states are checked."""
    return isinstance(named, type) and any(_path(base) == "numpy.dtype" for base in named.__mro__)


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


_MEMORY = ("numpy.ndarray", "numpy.generic")


def item_of(*args: object) -> Item:
    """What a dtype is that is made with the arguments, before it gets its state."""
    dtype = importlib.import_module("numpy").dtype
    if not args or not isinstance(args[0], str):  # numpy.record, or a class of scalars
        return Item(None, False, is_flexible=True)
    return real_item(dtype(args[0]))


def real_item(dtype: Any) -> Item:
    """What a dtype is."""
    return Item(dtype.itemsize, dtype.hasobject, dtype.kind in "SUV")


def checked(state: Any, item: Item, look: Callable[[Any], Item]) -> Item:
    """What a dtype is that has an item's kind and gets a state; `look` says what the dtypes in the state are.

    Raises:
        pickle.UnpicklingError: the state says something that is not true, or is none.
    """
    try:
        _, _, part, names, fields, size, _, flags, *_ = state
        found = _parts(part, names, fields, look)
        size = size if type(size) is int and size >= 0 and item.is_flexible else item.size
        has_objects = item.has_objects or any(each.has_objects for _, each in found)
        whole = -1 if size is None else size
        inside = all(at >= 0 and each.size is not None and at + each.size <= whole for at, each in found)
        if size is None or state[5] > size or not inside or (has_objects and not flags & _HOLDS_OBJECTS):
            _refuse()
    except (TypeError, ValueError, LookupError):
        _refuse()
    return Item(size, has_objects)


def _parts(part: Any, names: Any, fields: Any, look: Callable[[Any], Item]) -> list[tuple[int, Item]]:
    """Where the parts of a dtype begin, in bytes, and what they are."""
    found = []
    if part is not None:
        inner, shape = part
        of = look(inner)
        count = prod(shape) if isinstance(shape, tuple) else shape
        found.append((0, Item(None if of.size is None else of.size * count, of.has_objects)))
    if fields is not None:
        if not all(type(name) is str and name in fields for name in names):
            _refuse()
        found += [(at, look(inner)) for inner, at, *_ in fields.values()]
    if any(type(at) is not int for at, _ in found):
        _refuse()
    return found


def _refuse() -> NoReturn:
    raise pickle.UnpicklingError("a dtype of numpy describes its items wrongly")


# In the place of numpy's own functions


def _reconstruct(kind: object, shape: object, code: object) -> object:
    _check_empty(shape, code)
    return importlib.import_module("numpy").ndarray.__new__(kind, (0,), "b")


def _mareconstruct(kind: object, base: object, shape: object, code: object) -> object:
    _check_empty(shape, code)
    return importlib.import_module("numpy.ma.core")._mareconstruct(kind, base, (0,), "b")


def _check_empty(shape: object, code: object) -> None:
    if shape != (0,) or code not in (b"b", "b"):  # as every array is pickled; what it holds is in its state
        raise pickle.UnpicklingError("an array of numpy is rebuilt with memory that nobody has written")


def _newobj(kind: Any, *args: object) -> object:
    _check_called(kind)
    return kind.__new__(kind, *args)


def _newobj_ex(kind: Any, args: Any, kwargs: Any) -> object:
    _check_called(kind)
    return kind.__new__(kind, *args, **kwargs)


def _reconstructor(kind: object, base: object, state: object) -> object:
    _check_called(kind)
    _check_called(base)
    import copyreg

    return copyreg._reconstructor(kind, base, state)  # type: ignore[attr-defined]


def _check_called(kind: Any) -> None:
    if is_memory(kind):
        raise pickle.UnpicklingError(f"{kind.__qualname__} would be called with memory")


STAND_INS: dict[str, Callable[..., object]] = {
    "numpy._core.multiarray._reconstruct": _reconstruct,
    "numpy.ma.core._mareconstruct": _mareconstruct,
    "copyreg.__newobj__": _newobj,
    "copyreg.__newobj_ex__": _newobj_ex,
    "copyreg._reconstructor": _reconstructor,
}
