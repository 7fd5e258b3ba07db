"""Comparing two values: what is at each place of the one and of the other."""

import dataclasses
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from typing import Any, Literal

from perdure._results.comparison_arrays import compare_arrays, is_array
from perdure._results.comparison_changes import Change, Found, kind_of, short
from perdure._results.comparison_lines import differing_lines
from perdure._results.comparison_tables import columns_of, compare_tables

_MAX_DEPTH = 100
_PLAIN = (dict, list, tuple, str)
_USUAL = ("__eq__", "__reduce__", "__reduce_ex__", "__getstate__")
_MADE_IN_PYTHON = 1 << 9  # a class's flag: instances have no state that only C code knows
_SMALL = 10**18  # an index
_MAX_TEXT = 1_000_000  # characters of a text that is compared line by line


def compare(before: object, after: object) -> Found:
    """All that differs between two values; NaN equals NaN.

    Mappings are compared by key, lists by index, tables by column, arrays by region, texts by line, dataclasses and
    models by field, and others by `==`. Values of different types differ, except numbers that are equal.
    """
    found = Found()
    _compare(before, after, "", found, ())
    return found


def _compare(a: object, b: object, path: str, found: Found, above: tuple[tuple[int, int], ...]) -> None:
    here = (id(a), id(b))
    if a is b or here in above:  # a value that holds itself
        return
    if type(a) is type(b) and type(a) in _PLAIN and _is_equal(a, b):  # at once, where nothing of it differs
        return
    if type(a) is not type(b):
        if not _is_equal(a, b):
            _retyped(a, b, path, found)
        return
    if found.is_full:  # what is only counted is counted as a whole
        found.more += not _is_equal(a, b)
        return
    by_parts = len(above) < _MAX_DEPTH and _by_parts(a, b, path, found, (*above, here))
    if not by_parts and not _is_equal(a, b):
        found.add(Change(path, "changed", short(a), short(b)))


def _retyped(a: object, b: object, path: str, found: Found) -> None:
    if isinstance(a, int | float) and isinstance(b, int | float):
        found.add(Change(path, "changed", short(a), short(b)))
    else:
        found.add(Change(path, "retyped", f"{kind_of(a)} {short(a)}", f"{kind_of(b)} {short(b)}"))


def _by_parts(a: Any, b: Any, path: str, found: Found, above: tuple[tuple[int, int], ...]) -> bool:
    """Compare two values of one type by what they are made of; False if they are not made of parts."""
    if isinstance(a, str):
        _compare_texts(a, b, path, found)
    elif is_array(a):
        compare_arrays(a, b, path, found)
    elif (columns := columns_of(a)) is not None:
        compare_tables(columns, columns_of(b) or {}, path, found)
    elif isinstance(a, Mapping):
        _compare_mappings(a, b, path, found, above)
    elif (fields := _fields_of(a)) is not None:
        _compare_fields(fields, _fields_of(b) or {}, path, found, above)
    elif isinstance(a, Set):
        _compare_sets(a, b, path, found)
    elif isinstance(a, list | tuple):
        _compare_lists(a, b, path, found, above)
    elif isinstance(a, BaseException):
        _compare_fields({"args": a.args, **vars(a)}, {"args": b.args, **vars(b)}, path, found, above)
    else:
        return False
    return True


def _compare_mappings(
    a: Mapping[object, object], b: Mapping[object, object], path: str, found: Found, above: tuple[tuple[int, int], ...]
) -> None:
    for key, value in a.items():
        if key in b:
            _compare(value, b[key], _place(path, key, found), found, above)
        else:
            _lone("removed", value, path, key, found)
    for key, value in b.items():
        if key not in a:
            _lone("added", value, path, key, found)


def _place(path: str, key: object, found: Found) -> str:
    """Where an item is; of what is only counted, nobody asks."""
    return "" if found.is_full else f"{path}[{key if type(key) is int and abs(key) < _SMALL else short(key)}]"


def _lone(kind: Literal["added", "removed"], value: object, path: str, key: object, found: Found) -> None:
    """An item that only one of two values has."""
    if found.is_full:
        found.more += 1
    elif kind == "added":
        found.add(Change(_place(path, key, found), kind, after=short(value)))
    else:
        found.add(Change(_place(path, key, found), kind, before=short(value)))


def _fields_of(value: Any) -> dict[str, object] | None:
    """The fields of a dataclass, a pydantic model, a named tuple, or a plain object that knows no `==`."""
    names: Any = None
    if dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value)]
    elif isinstance(value, tuple):
        names = getattr(value, "_fields", None)
    elif isinstance(getattr(type(value), "model_fields", None), dict):
        names = [*type(value).model_fields, *(getattr(value, "__pydantic_extra__", None) or ())]
    return _state_of(value) if names is None else {name: getattr(value, name, None) for name in names}


def _state_of(value: object) -> dict[str, object] | None:
    """All that an object is made of, if that is no more than its attributes."""
    kind = type(value)
    usual = all(getattr(kind, name) is getattr(object, name) for name in _USUAL)
    if not usual or not kind.__flags__ & _MADE_IN_PYTHON or isinstance(value, Enum):
        return None
    state = object.__getstate__(value)
    if isinstance(state, tuple):  # with __slots__
        state = {**(state[0] or {}), **state[1]}
    return state if isinstance(state, dict) and state else None


def _compare_fields(
    a: dict[str, object], b: dict[str, object], path: str, found: Found, above: tuple[tuple[int, int], ...]
) -> None:
    for name in dict.fromkeys((*a, *b)):
        _compare(a.get(name), b.get(name), f"{path}.{name}", found, above)


def _compare_sets(a: Set[object], b: Set[object], path: str, found: Found) -> None:
    for text in sorted(map(short, a - b)):
        found.add(Change(path, "removed", before=text))
    for text in sorted(map(short, b - a)):
        found.add(Change(path, "added", after=text))


def _compare_lists(
    a: Sequence[object], b: Sequence[object], path: str, found: Found, above: tuple[tuple[int, int], ...]
) -> None:
    """By index; where something was put in or taken out, what is the same at the end is found from there."""
    end = 0
    if len(a) != len(b):
        start = _common(a, b)
        end = _common(a[start:][::-1], b[start:][::-1])
    both = min(len(a), len(b)) - end
    for index in range(both):
        _compare(a[index], b[index], _place(path, index, found), found, above)
    for index in range(both, len(a) - end):
        _lone("removed", a[index], path, index, found)
    for index in range(both, len(b) - end):
        _lone("added", b[index], path, index, found)


def _common(a: Sequence[object], b: Sequence[object]) -> int:
    """How many items at the start are the same."""
    count = 0
    for one, other in zip(a, b, strict=False):
        if type(one) is not type(other) or not _is_equal(one, other):
            break
        count += 1
    return count


def _compare_texts(a: str, b: str, path: str, found: Found) -> None:
    if a == b:
        return
    if found.is_full:
        found.more += 1
        return
    lines: tuple[str, ...] = ()
    if ("\n" in a or "\n" in b) and max(len(a), len(b)) <= _MAX_TEXT:
        lines = differing_lines(a, b)
    found.add(Change(path, "changed", short(a), short(b), lines=lines))


def _is_equal(a: object, b: object) -> bool:
    try:
        equal = a == b
        if not isinstance(equal, bool):
            equal = bool(equal.all() if hasattr(equal, "all") else equal)
        return equal or (bool(a != a) and bool(b != b))
    except Exception:  # from the values' own code: what cannot be compared is not known to be equal
        return False
