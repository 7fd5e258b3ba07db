"""What counts of values of the standard library whose own reduction says too little, too much, or nothing."""

import functools
import operator
import pathlib
import sys
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, CellType, CodeType, MappingProxyType, MethodType, ModuleType, UnionType
from typing import Any
from weakref import WeakSet

from perdure._engine.identity.contents.content import Content, Describe, Raw, Unordered, attributes, named, state_of
from perdure._engine.identity.contents.reduction import reduced
from perdure._engine.identity.names import name_of


def describer_of(kind: type) -> Describe | None:
    """What says of values of one of these types what counts of them."""
    for base, describe in _DESCRIBERS.items():
        if kind is base or (base in _WITH_SUBCLASSES and issubclass(kind, base) and not _reduces_itself(kind, base)):
            return describe
    return None


def _reduces_itself(kind: type, base: type) -> bool:
    """Whether a class derived from one of these says itself what counts of its objects."""
    return any(
        getattr(kind, name) is not getattr(base, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__")
    )


def _set(value: set[object] | frozenset[object]) -> Content:
    parts: dict[str, object] = {"items": Unordered(tuple(value))}
    if beside := state_of(value):
        parts["attributes"] = attributes(beside)
    return Content(f"set {name_of(type(value))}", parts)


def _path(value: object) -> Content:
    parts: dict[str, object] = {"path": str(value)}
    if beside := getattr(value, "__dict__", None):
        parts["attributes"] = attributes(beside)
    return Content(f"path {name_of(type(value))}", parts, keeps_former=not beside)


def _partial(value: functools.partial[object]) -> Content:
    parts = {"function": value.func, "arguments": value.args, "keywords": attributes(value.keywords)}
    return Content(f"partial {name_of(type(value))}", {**parts, "attributes": attributes(state_of(value))})


def _method(value: MethodType) -> Content:
    return Content("method", {"function": value.__func__, "of": value.__self__})


def _cached_function(value: Any) -> Content:
    return Content("cached function", {"function": value.__wrapped__, "parameters": value.cache_parameters()})


def _wrapper(value: Any) -> Content:
    return Content(f"wrapper {type(value).__name__}", {"function": value.__func__})


def _property(value: property) -> Content:
    return Content(f"property {name_of(type(value))}", {"get": value.fget, "set": value.fset, "delete": value.fdel})


def _union(value: Any) -> Content:
    """As `int | None` counts before Python 3.14, where it was no `Optional[int]`."""
    return Content("value types.UnionType", {"maker": functools.reduce, "arguments": (operator.or_, value.__args__)})


def _module(value: ModuleType) -> Content:
    return Content("module", {"name": value.__name__})


def _builtin(value: BuiltinFunctionType) -> Content | None:
    if isinstance(value.__self__, ModuleType | type(None)):
        return Content("builtin", {"name": named(value)})
    return Content("builtin method", {"name": value.__name__, "of": value.__self__})


def _memory(value: memoryview) -> Content:
    parts = {"format": value.format, "shape": value.shape, "bytes": Raw((value.tobytes(),))}
    return Content("memory", parts)


def _proxy(value: MappingProxyType[object, object]) -> Content:
    return Content("proxy", {"of": dict(value)})


def _view(value: Iterable[object]) -> Content:
    return Content(f"view {type(value).__name__}", {"items": list(value)})


def _code(value: CodeType) -> Content:
    names = ("co_name", "co_flags", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_code", "co_names")
    parts = {name: getattr(value, name) for name in (*names, "co_varnames", "co_freevars", "co_cellvars")}
    handlers = {"co_exceptiontable": value.co_exceptiontable} if value.co_exceptiontable else {}
    return Content("code", {**parts, "co_consts": value.co_consts, **handlers})


def _exception(value: BaseException) -> Content | None:
    """An exception that has a cause: reductions leave that out. None for others."""
    if value.__cause__ is None:
        return None
    content = reduced(value)
    return content._replace(parts={**content.parts, "cause": value.__cause__}, keeps_former=False)


def _weak_set(value: WeakSet[object]) -> Content:
    return Content("weak set", {"items": Unordered(tuple(value))})


def _cell(value: CellType) -> Content:
    try:
        return Content("cell", {"holds": value.cell_contents})
    except ValueError:
        return Content("cell", {})


_WITH_SUBCLASSES = (set, frozenset, pathlib.PurePath, functools.partial, property, BuiltinFunctionType, BaseException)
_VIEWS: tuple[Mapping[object, object], ...] = ({},)
_DESCRIBERS: dict[type, Describe] = {
    set: _set,
    frozenset: _set,
    pathlib.PurePath: _path,
    functools.partial: _partial,
    MethodType: _method,
    CodeType: _code,
    WeakSet: _weak_set,
    BaseException: _exception,
    functools._lru_cache_wrapper: _cached_function,
    staticmethod: _wrapper,
    classmethod: _wrapper,
    property: _property,
    ModuleType: _module,
    BuiltinFunctionType: _builtin,
    memoryview: _memory,
    MappingProxyType: _proxy,
    CellType: _cell,
    **({UnionType: _union} if sys.version_info >= (3, 14) else {}),  # before, by its own reduction
    **{type(view): _view for each in _VIEWS for view in (each.keys(), each.values(), each.items())},
}
