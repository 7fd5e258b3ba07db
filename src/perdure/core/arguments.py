"""Futures and states anywhere inside arguments: finding them, and putting their values in their place."""

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from types import CoroutineType
from typing import Any

from perdure.core.annotations import Annotation, allow_failure, quote
from perdure.core.pending import Pending, PendingGroup
from perdure.core.states import State

Upstream = Pending | State[Any]
Replace = Callable[[Upstream, bool], Any]  # the upstream, and whether its failure is allowed

_ATOMS = frozenset({int, float, str, bytes, bool, type(None), complex})


def is_atom(value: Any) -> bool:
    """Whether the value cannot hold anything else."""
    return type(value) in _ATOMS


def only_atoms(values: Iterable[Any]) -> bool:
    """Whether none of the values can hold anything else: the usual case, told apart at a glance."""
    return all(type(value) in _ATOMS for value in values)


def upstreams_in(values: Iterable[Any]) -> list[Upstream] | None:
    """All the futures and states inside the values, in order; None if nothing in the values is to be replaced.

    A mark round a value, such as `quote`, is to be replaced too.
    """
    found: list[Upstream] = []

    def note(upstream: Upstream, _: bool) -> Upstream:
        found.append(upstream)
        return upstream

    before = list(values)
    after = _Replacer(note).visit(before, allowed=False)
    return None if after is before and not found else found


def replace_upstreams(value: Any, replace: Replace) -> Any:
    """The value with each future or state inside it replaced, marks taken off, and untouched parts kept as they are.

    Looks into lists, tuples (named ones too), sets, dicts, their subclasses, dataclasses and pydantic models.
    The futures of a mapped call become a list.
    """
    return _Replacer(replace).visit(value, allowed=False)


class _Replacer:
    def __init__(self, replace: Replace) -> None:
        self._replace = replace
        self._open: set[int] = set()  # containers being visited: a cycle is left as it is

    def visit(self, value: Any, allowed: bool) -> Any:
        if type(value) in _ATOMS:
            return value
        if isinstance(value, Pending | State):
            return self._replace(value, allowed)
        if isinstance(value, PendingGroup):
            return [self._replace(each, allowed) for each in value.members()]
        if isinstance(value, Annotation):
            if isinstance(value, quote):
                return value.value
            return self.visit(value.value, allowed or isinstance(value, allow_failure))
        if isinstance(value, CoroutineType):
            raise TypeError(
                f"The coroutine {value.__qualname__}(...) was not awaited. Write `await` before the call that made it."
            )
        if id(value) in self._open:
            return value
        self._open.add(id(value))
        try:
            return self._container(value, allowed)
        finally:
            self._open.discard(id(value))

    def _container(self, value: Any, allowed: bool) -> Any:
        if isinstance(value, list | tuple | set | frozenset):
            return self._sequence(value, allowed)
        if isinstance(value, Mapping) and isinstance(value, dict):
            return self._dict(value, allowed)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [each.name for each in dataclasses.fields(value)]
            return self._object(value, names, allowed)
        if _is_pydantic_model(value):
            return self._object(value, list(type(value).model_fields), allowed)
        return value

    def _sequence(self, value: Any, allowed: bool) -> Any:
        items = list(value)
        visited = [self.visit(each, allowed) for each in items]
        if _same(items, visited):
            return value
        kind = type(value)
        return kind(*visited) if hasattr(kind, "_fields") else _rebuilt(value, visited)

    def _dict(self, value: dict[Any, Any], allowed: bool) -> Any:
        items = [part for pair in value.items() for part in pair]
        visited = [self.visit(each, allowed) for each in items]
        if _same(items, visited):
            return value
        return _rebuilt(value, zip(visited[::2], visited[1::2], strict=True))

    def _object(self, value: Any, names: list[str], allowed: bool) -> Any:
        """A shallow copy with some attributes replaced: neither `__init__` nor validators run again."""
        items = [getattr(value, name, None) for name in names]
        visited = [self.visit(each, allowed) for each in items]
        if _same(items, visited):
            return value
        replaced = object.__new__(type(value))
        if hasattr(value, "__setstate__") and hasattr(value, "__pydantic_fields_set__"):
            replaced = value.model_copy()
        elif hasattr(value, "__dict__"):
            replaced.__dict__.update(value.__dict__)
        for name, new in zip(names, visited, strict=True):
            object.__setattr__(replaced, name, new)
        return replaced


def _same(before: list[Any], after: list[Any]) -> bool:
    return all(old is new for old, new in zip(before, after, strict=True))


def _rebuilt(value: Any, items: Iterable[Any]) -> Any:
    """A container of the same type, such as a defaultdict with its factory, with other items."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset, dict):
        return kind(items)
    if isinstance(value, tuple | frozenset):
        return kind(items)
    rebuilt = copy.copy(value)  # not its method `copy`, which gives a plain dict for most subclasses
    rebuilt.clear()
    if isinstance(value, list):
        rebuilt.extend(items)
    else:
        rebuilt.update(items)
    return rebuilt


def _is_pydantic_model(value: Any) -> bool:
    pydantic = sys.modules.get("pydantic")  # a value of a model exists only where pydantic is imported
    return pydantic is not None and isinstance(value, pydantic.BaseModel)
