"""What counts of a value, as plain parts: what the walker that makes digests goes through instead of the value."""

import functools
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from math import nan
from operator import ne
from typing import Any

from perdure._engine.identity.names import name_of
from perdure._platform.named import NamedTuple


class Content(NamedTuple):
    """The parts that count of a value of some kind. Their order counts."""

    kind: str
    parts: Mapping[str, object]
    keeps_former: bool = True  # whether the digests that `former_hashing` made of such values were right


class Raw(NamedTuple):
    """Bytes, in pieces that count as one."""

    pieces: tuple[memoryview | bytes, ...]


class Named(NamedTuple):
    """A class or function that counts by its name."""

    name: str


class Unordered(NamedTuple):
    """Parts of which the order does not count."""

    parts: tuple[object, ...]


Describe = Callable[[Any], Content | None]  # None for what counts by its type's own reduction after all


def named(kind: object) -> Named:
    """A class or function by its name."""
    return Named(name_of(kind))


def attributes(values: Mapping[str, object]) -> Content:
    """Attributes of an object: the order in which they were set does not count."""
    return Content("attributes", {f".{name}": values[name] for name in sorted(values)})


class _Codes(dict[type, int]):
    def __missing__(self, _: type) -> int:
        return 0


_CODES = _Codes({str: 1, bytes: 2, int: 3, float: 4, bool: 5, type(None): 6})


def objects(values: Sequence[object]) -> Content:
    """Many values, one after the other: those of common types all at once."""
    types = set(map(type, values))
    if len(types) == 1:
        kinds = bytes([_CODES[types.pop()]]) * len(values)
    else:
        kinds = bytes(map(_CODES.__getitem__, map(type, values)))
    parts: dict[str, object] = {"count": len(values), "kinds": Raw((kinds,))}
    for code in sorted(set(kinds)):
        if code != _CODES[type(None)]:
            alone = kinds.count(code) == len(kinds)
            chosen = values if alone else [each for each, kind in zip(values, kinds, strict=True) if kind == code]
            parts[f"of kind {code}"] = _PACKED[code](chosen)
    return Content("objects", parts)


def _texts(values: Sequence[str]) -> object:
    joined = "\0".join(values)
    if joined.count("\0") == len(values) - 1:  # that says where each ends
        return Raw((joined.encode("utf-8", "surrogatepass"),))
    return _lengths(values), Raw(("".join(values).encode("utf-8", "surrogatepass"),))


def _pieces(values: Sequence[bytes]) -> object:
    return _lengths(values), Raw((b"".join(values),))


def _lengths(values: Sequence[Sized]) -> Raw:
    return _little(array("q", map(len, values)))


def _integers(values: Sequence[int]) -> object:
    try:
        return _little(array("q", values))
    except OverflowError:
        return list(values)


def _floats(values: Sequence[float]) -> Raw:
    if any(map(ne, values, values)):  # one NaN is like another
        values = [nan if each != each else each for each in values]
    return _little(array("d", values))


def _little(numbers: "array[int] | array[float]") -> Raw:
    if sys.byteorder == "big":
        numbers.byteswap()
    return Raw((memoryview(numbers).cast("B"),))


_PACKED: dict[int, Callable[[Sequence[Any]], object]] = {
    0: list,
    1: _texts,
    2: _pieces,
    3: _integers,
    4: _floats,
    5: lambda values: Raw((bytes(values),)),
}


# Hashes, which differ with a process's seed, and an address: libraries keep them in objects of their classes.
_REMEMBERED = {"attrs": "_attrs_cached_hash", "msgspec": "__msgspec_cached_hash__", "sklearn": "_stop_words_id"}


def memoised(kind: type) -> frozenset[str]:
    """The names under which objects of a class keep what a `cached_property` came to, or a library only remembers."""
    return _memoised(kind)


@functools.lru_cache(maxsize=1_000)
def _memoised(kind: type) -> frozenset[str]:
    libraries = {str(base.__module__).partition(".")[0] for base in kind.__mro__}
    if hasattr(kind, "__attrs_attrs__"):
        libraries.add("attrs")
    found = {name for library, name in _REMEMBERED.items() if library in libraries}
    for base in kind.__mro__:
        found |= {name for name, member in vars(base).items() if isinstance(member, functools.cached_property)}
    return frozenset(found)


def state_of(value: object) -> dict[str, Any]:
    """An object's own attributes, in its `__dict__` and its slots, without what it has only memoised."""
    state = object.__getstate__(value)
    own, slots = state if isinstance(state, tuple) else (state, None)
    found = {**(own or {}), **(slots or {})}
    forgotten = memoised(type(value))
    return {name: item for name, item in found.items() if name not in forgotten}


def only(values: Iterable[object], kind: type) -> bool:
    """Whether all the values are of exactly this type."""
    return all(type(each) is kind for each in values)
