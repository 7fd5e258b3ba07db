"""What distinguishes functions of one name: closures that a factory made, lambdas, partials, bound methods.

A function at the top level of a module is known by its name. Others share theirs, so what they hold counts, and their
code. What a function holds counts as it was when the function was first asked about, for as long as it is the same
object: lists that calls are noted in, and variables that the function itself sets, make no new function of it.
"""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from perdure._engine.identity.digests import digest_of_values
from perdure._engine.identity.names import name_of
from perdure._model.errors import SerializationError

_Held = dict[str, tuple[Any, str]]  # by variable, what it holds and the digest of that
_first_looks = threading.RLock()  # of several threads that call at once, one looks before any call changes what is held
_held: "WeakKeyDictionary[FunctionType, _Held]" = WeakKeyDictionary()
_DEFAULTS = "(defaults)"  # no variable's name


def _renew_lock() -> None:
    """In a forked child: some other thread of the parent may have held it."""
    global _first_looks
    _first_looks = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


def has_own_name(function: object) -> bool:
    """Whether a function is the only one of its name: a plain one at the top level of a module, or in a class there."""
    if type(function) is FunctionType:
        return "<" not in function.__code__.co_qualname
    return isinstance(function, BuiltinFunctionType) or hasattr(function, "__objclass__")


def distinction_of(function: Callable[..., object]) -> str:
    """A digest of what distinguishes a function from others of its name."""
    return _described(function, ())


def _described(value: object, within: tuple[object, ...]) -> str:
    """What stands for a value, or for a function: its name, if that is its own."""
    try:
        return digest_of_values(value, stand_in=functools.partial(_standing_for, within=(*within, value)))
    except (SerializationError, RecursionError):  # a lock, a connection
        return name_of(type(value))


def _standing_for(value: Any, within: tuple[object, ...]) -> str | None:
    value = getattr(getattr(value, "options", None), "function", value)  # of a task or flow
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, type) or (callable(value) and has_own_name(value)):
        return f"{getattr(value, '__module__', None)}.{value.__qualname__}" if _is_odd(value) else name_of(value)
    if isinstance(value, MethodType):
        return f"{_called(value.__func__, within)} of {_described(value.__self__, within)}"
    if isinstance(value, functools.partial):
        return f"{_called(value.func, within)} with {_described((value.args, value.keywords), within)}"
    if isinstance(value, FunctionType):
        return _made(value, within)
    return None


def _called(function: object, within: tuple[object, ...]) -> str:
    """What stands for what a method or a partial calls."""
    text = _standing_for(function, within)
    return _described(function, within) if text is None else text


def _is_odd(value: object) -> bool:
    return not isinstance(getattr(value, "__module__", None), str)  # a method of a builtin class


def _made(function: FunctionType, within: tuple[object, ...]) -> str:
    if any(each is function for each in within[:-1]):  # it holds itself
        return "itself"
    from perdure._engine.identity.source_files import own_source  # few tasks are closures

    with _first_looks:
        variables = [(name, _looked_at(function, name, value, within)) for name, value in _variables(function)]
        defaults = _defaults(function, within)
    return digest_of_values(name_of(function), own_source(function.__code__), variables, defaults)


def _looked_at(function: FunctionType, name: str, value: object, within: tuple[object, ...]) -> str:
    """What stands for a variable's value, as it was when it was first looked at."""
    held = _held.setdefault(function, {})
    known = held.get(name)
    if known is None or (known[0] is not value and name not in _written(function.__code__)):
        known = held[name] = value, _described(value, (*within, function))
    return known[1]


def _defaults(function: FunctionType, within: tuple[object, ...]) -> str:
    """The same for its defaults."""
    held = _held.setdefault(function, {})
    defaults = function.__defaults__, function.__kwdefaults__
    known = held.get(_DEFAULTS)
    if known is None or any(before is not now for before, now in zip(known[0], defaults, strict=True)):
        known = held[_DEFAULTS] = defaults, _described(defaults, (*within, function))
    return known[1]


def _variables(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # nothing is in it yet
            continue


@functools.lru_cache(maxsize=10_000)
def _written(code: CodeType) -> frozenset[str]:
    """The variables of enclosing functions that the code sets."""
    import dis

    own = {each.argval for each in dis.get_instructions(code) if each.opname in ("STORE_DEREF", "DELETE_DEREF")}
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(own & set(code.co_freevars)).union(*map(_written, inner))
