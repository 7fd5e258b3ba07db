"""What counts of any other value: what its type's own reduction, that of pickles, says it is made of."""

import copyreg
import sys
from pickle import PickleBuffer, PicklingError
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from perdure._engine.identity.contents.content import Content, Raw, attributes, memoised, named, state_of
from perdure._engine.identity.names import name_of
from perdure._platform.exception_reducers import is_of_tblib
from perdure._platform.programs import is_program, is_worker, name_of_module

_PROTOCOL = 5  # the first that gives large buffers as they are
_MAKERS: tuple[object, ...] = (copyreg.__newobj__, copyreg.__newobj_ex__)  # type: ignore[attr-defined]


def reduced(value: Any) -> Content:
    """What a value's own reduction says: what makes it, from what, and its state.

    Raises:
        Exception: whatever the reduction raises: a value of this type cannot be pickled.
    """
    kind = type(value)
    if kind is PickleBuffer:
        return Content("buffer", {"bytes": Raw((value.raw(),))})
    reduce = copyreg.dispatch_table.get(kind)
    if reduce is not None and is_of_tblib(reduce):
        reduce = None
    reduction = value.__reduce_ex__(_PROTOCOL) if reduce is None else reduce(value)
    if isinstance(reduction, str):
        if not _is_called(value, reduction):
            raise PicklingError(
                f"its reduction says that it is called {reduction!r}, and that is not where it is found"
            )
        return Content(f"named {name_of(kind)}", {"module": name_of_module(_module_of(value)), "name": reduction})
    maker, arguments, state, items, entries, setter = (*reduction, None, None, None, None)[:6]
    parts: dict[str, object] = {"maker": _maker(maker)}
    if maker in _MAKERS and arguments and isinstance(arguments[0], type):
        arguments = (named(arguments[0]), *arguments[1:])
    parts["arguments"] = arguments
    if state is not None:
        parts["state"] = _state(state, kind)
    if items is not None:
        parts["items"] = list(items)
    if entries is not None:
        parts["entries"] = [tuple(each) for each in entries]
    if setter is not None:
        parts["setter"] = _maker(setter)
    beside = {} if reduce is not None or _declares_its_state(kind) else _beside(value, state)
    if beside:
        parts["attributes"] = attributes(beside)
    return Content(f"value {name_of(kind)}", parts)


def _is_called(value: object, name: str) -> bool:
    """Whether a name leads to a value: in its module, or, if it says none, in any. Others could have that name, too."""
    module = _module_of(value)
    if module:
        return (is_worker() and is_program(module)) or _found(module, name) is value
    return any(vars(each).get(name) is value for each in list(sys.modules.values()) if isinstance(each, ModuleType))


def _module_of(value: object) -> str:
    return str(getattr(value, "__module__", None) or "")


def _maker(maker: object) -> object:
    """What makes the value: by its name, where that leads to it."""
    if isinstance(maker, type | FunctionType) and is_found_by_name(maker):
        return named(maker)
    if isinstance(maker, BuiltinFunctionType):
        return maker
    found = is_found_by_name(maker) if hasattr(maker, "__qualname__") else False
    return named(maker) if found else maker


def is_found_by_name(value: Any) -> bool:
    """Whether a class or function is what its module has under its name.

    A process that runs another one's tasks has copies of what that one's program holds: they go by their names too.
    """
    if is_worker() and is_program(str(value.__module__)) and "<" not in value.__qualname__:
        return True
    return _found(str(getattr(value, "__module__", None)), str(getattr(value, "__qualname__", ""))) is value


def _found(module: str, qualified_name: str) -> object:
    found: object = sys.modules.get(module)
    for name in qualified_name.split("."):
        found = getattr(found, name, None)
    return found


def _state(state: Any, kind: type) -> object:
    """The state, in which the order of attributes does not count, nor does what was only memoised."""
    if _is_named(state):
        return _known(state, kind)
    if _is_pair(state):
        return tuple(None if each is None else _known(each, kind) for each in state)
    return state


def _is_pair(state: object) -> bool:
    """Whether a state is what Python makes of an object with slots: its `__dict__`, if it has one, and its slots."""
    if type(state) is not tuple or len(state) != 2:
        return False
    return _is_named(state[1]) and (state[0] is None or _is_named(state[0]))


def _is_named(state: object) -> bool:
    return type(state) is dict and all(type(name) is str for name in state)


def _known(state: dict[str, Any], kind: type) -> Content:
    forgotten = memoised(kind)
    kept = {name: item for name, item in state.items() if name not in forgotten}
    if _is_named(kept.get("__dict__")):  # as pydantic's models have it
        kept["__dict__"] = _known(kept["__dict__"], kind)
    return attributes(kept)


def has_only_attributes(kind: type) -> bool:
    """Whether objects of a class have nothing but attributes: it is derived from no type in C that holds more."""
    return not any(_is_in_c(base) for base in kind.__mro__[:-1])


def _is_in_c(kind: type) -> bool:
    if kind.__module__ == "typing":
        return False
    return not kind.__flags__ & _HEAP_TYPE or getattr(vars(kind).get("__new__"), "__self__", None) is kind


_HEAP_TYPE = 1 << 9  # such as classes in Python are, and some types in C


def says_what_counts(kind: type) -> bool:
    """Whether a user's class says by methods of its own what its objects are made of."""
    methods = (getattr(kind, name, None) for name in ("__reduce__", "__reduce_ex__", "__getstate__"))
    made = ("dataclasses", "pydantic", "attr", "_abc", "abc", "typing")
    return any(isinstance(each, FunctionType) and each.__module__.partition(".")[0] not in made for each in methods)


def _declares_its_state(kind: type) -> bool:
    """Whether a class in Python says what counts of its objects, and not only a type in C that it is derived from."""
    return any(
        isinstance(getattr(kind, name, None), FunctionType) for name in ("__reduce__", "__reduce_ex__", "__getstate__")
    )


def _beside(value: object, state: object) -> dict[str, object]:
    """Attributes that the reduction of a type in C leaves out, since a class derived from it has added them."""
    if _is_named(state) or _is_pair(state):
        return {}
    try:
        return state_of(value)
    except TypeError:
        return {}
