"""The attributes that an object has beside its fields: read without its code, and set without it."""

import functools
import types
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

_Slots = dict[str, types.MemberDescriptorType]


def attributes_of(value: object, besides: Collection[str] = ()) -> dict[str, object]:
    """What is in an object's `__dict__` and slots, but for some names and what its cached properties keep there."""
    kind: Any = type(value)
    found = {name: item for name, item in getattr(value, "__dict__", {}).items() if name not in besides}
    for name, slot in _slots(kind).items():
        if name not in besides and hasattr(value, name):
            found[name] = slot.__get__(value)
    return {name: item for name, item in found.items() if not _is_cached(kind, name)}


def restore(made: object, attributes: dict[str, object]) -> None:
    """The reverse of `attributes_of`.

    Raises:
        ValueError: the object has no place for one.
    """
    kind: Any = type(made)
    slots = _slots(kind)
    for name, item in attributes.items():
        if name in slots:
            slots[name].__set__(made, item)
        elif hasattr(made, "__dict__"):
            made.__dict__[name] = item
        else:
            raise ValueError(f"it has no place for the attribute {name!r}")


@functools.lru_cache(maxsize=256)
def is_plain_object(kind: type) -> bool:
    """Whether objects of a class hold nothing but attributes: it derives from no class such as `dict` or `int`."""
    return all(base.__module__ != "builtins" or base is object for base in kind.__mro__) and _is_of_object(kind)


def _is_of_object(kind: type) -> bool:
    try:
        object.__new__(kind)
    except TypeError:  # another class written in C has to make it
        return False
    return True


def is_default(kind: type[BaseModel], name: str, values: dict[str, object]) -> bool:
    """Whether a field of a model has the value that it would have if it were not given."""
    field = kind.model_fields[name]
    if field.is_required():
        return False
    try:
        default = field.get_default(call_default_factory=True, validated_data=values)
        return type(default) is type(values[name]) and bool(default == values[name])
    except Exception:  # from the user's own code
        return False


@functools.lru_cache(maxsize=256)
def _slots(kind: type) -> _Slots:
    bases = [base for base in reversed(kind.__mro__) if base is not BaseModel]
    return {
        name: each
        for base in bases
        for name, each in vars(base).items()
        if isinstance(each, types.MemberDescriptorType) and base.__module__ != "builtins"
    }


def _is_cached(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), functools.cached_property) for base in kind.__mro__)
