"""Containers of the standard library and of well-known libraries: taking them apart, and putting them together.

What is put together has the type and all else of what it was: neither `__init__` nor validators run again.
"""

import collections
import copy
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any

from perdure._platform.named import NamedTuple

ATOMS = frozenset({int, float, str, bytes, bool, type(None), complex})


class Container(NamedTuple):
    """How values of a type are taken apart and put together."""

    parts: Callable[[Any], Iterable[object]]
    rebuilt: Callable[[Any, Sequence[Any]], object]  # from the value itself and other parts, as many as it has


@functools.lru_cache(maxsize=1_000)
def container_of(kind: type) -> Container | None:
    """How values of a type are taken apart; None for those that are not."""
    for base in kind.__mro__:
        if base in _BY_TYPE:
            return _BY_TYPE[base]
    if dataclasses.is_dataclass(kind):
        return _object_of([each.name for each in dataclasses.fields(kind)])
    if hasattr(kind, "__attrs_attrs__"):
        return _object_of([each.name for each in kind.__attrs_attrs__])
    return _MODEL if _is_model(kind, "pydantic") else _OLD_MODEL if _is_model(kind, "pydantic.v1") else None


def _is_model(kind: type, module: str) -> bool:
    pydantic = sys.modules.get(module)  # a value of a model exists only where pydantic is imported
    model = getattr(pydantic, "BaseModel", None)
    return model is not None and issubclass(kind, model)


# Sequences


def _items(value: Any, parts: Sequence[object]) -> object:
    kind = type(value)
    if hasattr(kind, "_fields") and hasattr(kind, "_make"):  # a named tuple
        return kind._make(parts)
    return kind(parts)


def _in_place(value: Any, parts: Sequence[object]) -> object:
    """A copy with other items, such as a deque with its limit."""
    if type(value) in (list, set):
        return type(value)(parts)
    rebuilt = copy.copy(value)
    rebuilt.clear()
    if isinstance(value, set):
        set.update(rebuilt, parts)
    else:
        rebuilt.extend(parts)
    return rebuilt


# Mappings


def _pairs(value: Mapping[object, object]) -> list[object]:
    return [part for pair in value.items() for part in pair]


def _mapping(value: dict[object, object], parts: Sequence[object]) -> object:
    pairs = zip(parts[::2], parts[1::2], strict=True)
    if type(value) is dict:
        return dict(pairs)
    rebuilt = copy.copy(value)  # not its method `copy`, which gives a plain dict for most subclasses
    rebuilt.clear()
    base = collections.OrderedDict if isinstance(value, collections.OrderedDict) else dict
    for key, each in pairs:
        base.__setitem__(rebuilt, key, each)  # what subclasses do as well, as a Counter or a checking dict, was done
    return rebuilt


def _proxy(_: object, parts: Sequence[object]) -> object:
    return MappingProxyType(dict(zip(parts[::2], parts[1::2], strict=True)))


def _views_of(base: type[dict[object, object]]) -> dict[type, Container]:
    return {
        type(base().keys()): Container(iter, lambda _, parts: base.fromkeys(parts).keys()),
        type(base().values()): Container(iter, lambda _, parts: base(enumerate(parts)).values()),
        type(base().items()): Container(iter, lambda _, parts: base(parts).items()),
    }


# Objects


def _object_of(names: Sequence[str]) -> Container:
    def parts(value: object) -> list[object]:
        return [getattr(value, name, _MISSING) for name in names]

    def rebuilt(value: object, parts: Sequence[object]) -> object:
        return _with_attributes(_twin(value), names, parts)

    return Container(parts, rebuilt)


class _Missing:
    """Stands for an attribute that is not there."""


_MISSING = _Missing()


def _twin(value: object) -> object:
    """Another object with the same attributes."""
    kind: Any = type(value)
    twin = kind.__new__(kind) if isinstance(value, SimpleNamespace) else object.__new__(kind)
    if hasattr(value, "__dict__"):
        twin.__dict__.update(value.__dict__)
    for name in _slots_of(kind):
        if hasattr(value, name):
            object.__setattr__(twin, name, getattr(value, name))
    return twin


@functools.lru_cache(maxsize=1_000)
def _slots_of(kind: type) -> tuple[str, ...]:
    slots: list[str] = []
    for base in kind.__mro__:
        own = base.__dict__.get("__slots__", ())
        names = (own,) if isinstance(own, str) else tuple(own)
        slots += [f"_{base.__name__.lstrip('_')}{name}" if _is_private(name) else name for name in names]
    return tuple(name for name in slots if name not in ("__dict__", "__weakref__"))


def _is_private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _with_attributes(twin: object, names: Iterable[str], parts: Sequence[object]) -> object:
    for name, part in zip(names, parts, strict=True):
        if part is not _MISSING:
            object.__setattr__(twin, name, part)
    return twin


def _namespace(value: object, parts: Sequence[object]) -> object:
    return _with_attributes(_twin(value), tuple(vars(value)), parts)


def _fields_of_model(value: Any) -> list[object]:
    names = type(value).model_fields
    return [*(getattr(value, name, None) for name in names), *(value.__pydantic_extra__ or {}).values()]


def _model(value: Any, parts: Sequence[object]) -> object:
    names, extra = tuple(type(value).model_fields), tuple(value.__pydantic_extra__ or ())
    twin: Any = _with_attributes(value.model_copy(), names, parts[: len(names)])
    if extra:
        twin.__pydantic_extra__.update(zip(extra, parts[len(names) :], strict=True))
    return twin


def _old_model(value: Any, parts: Sequence[object]) -> object:
    return _with_attributes(value.copy(), tuple(vars(value)), parts)


_MODEL = Container(_fields_of_model, _model)
_OLD_MODEL = Container(lambda value: vars(value).values(), _old_model)
_VIEWED = _object_of(["_mapping"])
_DATA = _object_of(["data"])

_BY_TYPE: dict[type, Container] = {
    list: Container(iter, _in_place),
    set: Container(iter, _in_place),
    tuple: Container(iter, _items),
    frozenset: Container(iter, _items),
    collections.deque: Container(iter, _in_place),
    dict: Container(_pairs, _mapping),
    MappingProxyType: Container(_pairs, _proxy),
    **_views_of(dict),
    **_views_of(collections.OrderedDict),
    collections.abc.KeysView: _VIEWED,
    collections.abc.ValuesView: _VIEWED,
    collections.abc.ItemsView: _VIEWED,
    collections.UserDict: _DATA,
    collections.UserList: _DATA,
    collections.ChainMap: _object_of(["maps"]),
    SimpleNamespace: Container(lambda value: vars(value).values(), _namespace),
}
