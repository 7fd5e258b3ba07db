"""Whether two values are the same in all that pickling them would keep, types of every part included."""

import copyreg
import datetime as dt
import enum
import struct
import zoneinfo
from collections import Counter
from typing import Any

import numpy as np


def form(value: Any) -> Any:
    """What a value is, as tuples and texts that are equal for the same values alone."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind is float:
        return name, struct.pack(">d", value) if value == value else "nan"
    if kind is complex:
        return name, form(value.real), form(value.imag)
    if isinstance(value, enum.Enum):
        return name, value.name
    if isinstance(value, zoneinfo.ZoneInfo):
        return name, value.key
    if isinstance(value, np.generic):
        return name, value.dtype.str, "nan" if value != value and value.dtype.kind == "f" else value.tobytes()
    if isinstance(value, dt.datetime | dt.time):
        return name, value.replace(tzinfo=None).isoformat(), value.fold, form(value.tzinfo)
    if kind in (int, bool, str, bytes, type(None), dt.date, dt.timedelta):
        return name, repr(value)
    if isinstance(value, set | frozenset):
        return name, Counter(map(form, value)) and sorted(repr(form(item)) for item in value)
    if kind in (list, tuple):
        return name, tuple(map(form, value))
    if kind is dict:
        return name, tuple((form(key), form(item)) for key, item in value.items())
    if isinstance(value, type):
        return "type", name, value.__qualname__
    return name, _reduced(value)


def _reduced(value: Any) -> Any:
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return reduced
    function, arguments, *rest = reduced
    rest = [tuple(each) if hasattr(each, "__next__") else each for each in rest]
    known = function in (copyreg.__newobj__, copyreg.__reduce_ex__)  # type: ignore[attr-defined]
    return "new" if known else repr(function), form(list(arguments)), *map(form, _without_caches(value, rest))


def _without_caches(value: Any, rest: list[Any]) -> list[Any]:
    import functools

    def is_cache(name: str) -> bool:
        return isinstance(getattr(type(value), name, None), functools.cached_property)

    state = rest[0] if rest else None
    if isinstance(state, dict) and "__dict__" in state:  # of pydantic
        own = {name: item for name, item in state["__dict__"].items() if not is_cache(name)}
        return [state | {"__dict__": own}, *rest[1:]]
    if isinstance(state, dict):
        return [{name: item for name, item in state.items() if not is_cache(name)}, *rest[1:]]
    return rest
