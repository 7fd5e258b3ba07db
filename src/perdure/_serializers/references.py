"""Classes and functions of programs (`__main__`) in pickles: by names, with a copy for processes without the program.

A class of a script that came back as a copy would be another class: `isinstance`, `==`, `is` of an enum's members and
`except` would not know its values any more. So a pickle names it, as it names a class of a module, and whoever reads
it takes the class that its process has. The copy, which cloudpickle makes, serves where there is none.
"""

import functools
import io
import logging
import pickle
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, BinaryIO
from weakref import WeakKeyDictionary, WeakValueDictionary

from perdure._model.errors import ResultUnreadable
from perdure._model.exceptions import portable
from perdure._platform import moved, programs
from perdure._platform.annotations import own_annotations
from perdure._platform.exception_reducers import are_changed
from perdure._platform.importable import is_importable
from perdure._serializers.class_copies import copying_pickler
from perdure._settings import settings

_logger = logging.getLogger("perdure.results")
_Named = type | FunctionType


@functools.cache
def referring_pickler() -> type[Any]:
    """A cloudpickle pickler that names what is a program's, and gives a copy beside it."""

    class ReferringPickler(copying_pickler()):  # type: ignore[misc] # it has no types
        """See the module."""

        def reducer_override(self, obj: object) -> Any:
            if isinstance(obj, _Named):
                reduced = _parametrized(obj) or _reduced(obj)
                if reduced is not None:
                    return reduced
            elif isinstance(obj, BaseException):
                carried = portable(obj)
                if carried is not obj:
                    return carried.__reduce__()
                if are_changed():
                    return obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            return super().reducer_override(obj)

    return ReferringPickler


@functools.cache
def sending_pickler() -> type[Any]:
    """A cloudpickle pickler for a process of our own that cannot import what the program is made of."""

    class SendingPickler(copying_pickler()):  # type: ignore[misc] # it has no types
        """See the function."""

        def reducer_override(self, obj: object) -> Any:
            if isinstance(obj, _Named):
                module = getattr(obj, "__module__", None)
                if isinstance(module, str) and not is_importable(module):
                    pickle_by_value(module)
            elif isinstance(obj, BaseException):
                carried = portable(obj)
                if carried is not obj:
                    return carried.__reduce__()
                if are_changed():
                    return obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            return super().reducer_override(obj)

    return SendingPickler


def sendable(value: object) -> bytes:
    """A pickle for a process of our own: what that process cannot import is in the pickle by value."""
    file = io.BytesIO()
    sending_pickler()(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


def dumps(value: object, take_buffer: Callable[[pickle.PickleBuffer], object] | None = None) -> bytes:
    """A pickle that names what is a program's, and has copies beside it; large buffers may be taken out of it."""
    file = io.BytesIO()
    referring_pickler()(file, pickle.HIGHEST_PROTOCOL, take_buffer).dump(value)
    return file.getvalue()


def _parametrized(kind: object) -> tuple[object, ...] | None:
    """How a generic model with its parameters is pickled, such as `Page[int]`: no module has it under its name."""
    generic = getattr(kind, "__pydantic_generic_metadata__", None)
    if not isinstance(generic, dict) or generic.get("origin") is None:
        return None
    return parametrized_model, (generic["origin"], generic["args"])


def _reduced(kind: object) -> tuple[object, ...] | None:
    """How a class or function of a program is pickled; None for all others."""
    module = getattr(kind, "__module__", None)
    if not isinstance(module, str) or not (programs.is_program(module) or not is_importable(module)):
        return None
    held_as = _name_in(kind, module)
    if held_as is None:
        return None
    name, project, copied = programs.name_of_module(module), project_of_module(module), _copy_of(kind, module)
    if programs.is_worker() and isinstance(kind, FunctionType):
        if copied is None:
            return None
        project = ""  # a function may have the name of what wraps it: which of them it is, its definition says
    return found_in_program, (name, project, held_as, definition_of(kind), copied)


def _name_in(kind: Any, module: str) -> str | None:
    """The name under which a program holds this very class or function; None if it does not.

    A class that a function made may be held under its own short name.
    """
    is_inside = "<locals>" in kind.__qualname__
    if programs.is_worker() and (module == "__main__" or module not in sys.modules):
        return kind.__qualname__ if "<" not in kind.__qualname__ else None  # the program is elsewhere
    name: str = kind.__name__ if is_inside else kind.__qualname__
    return name if module in sys.modules and programs.walk(sys.modules[module], name) is kind else None


def _copy_of(kind: object, module: str) -> bytes | None:
    """What cloudpickle makes of a class or function; None if it holds something that cannot be pickled."""
    pickle_by_value(module)
    file = io.BytesIO()
    try:
        copying_pickler()(file, pickle.HIGHEST_PROTOCOL).dump(kind)
    except Exception:
        return None
    return file.getvalue()


def pickle_by_value(module: str) -> None:
    """Have cloudpickle take a module's functions and classes as it takes those of a main program."""
    if module not in ("__main__", "__mp_main__") and module in sys.modules:
        import cloudpickle

        if module not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(sys.modules[module])


def project_of_module(module: str) -> str:
    """The project that a module's code belongs to: the setting's, or where the module is found."""
    declared = settings.current().project
    return programs.project_of_module(module) if declared is None else declared


# Reading


def found_in_program(name: str, project: str, qualified_name: str, definition: str, copy: bytes | None) -> object:
    """The class or function of a program that this process has; else the copy.

    Raises:
        ResultUnreadable: it has none, and there is no copy.
    """
    found = _found(name, project, qualified_name, definition)
    if found is not None:
        return found
    known: Any = _copies.get((name, qualified_name, definition))
    if known is None:
        if copy is None:
            raise ResultUnreadable(
                f"It holds {qualified_name!r} of the program {name!r}, which this process has not loaded. Read it in"
                f" {name}.py, or import that first."
            )
        known = known_class(name, qualified_name, definition) or _loaded_copy(name, qualified_name, copy)
        _copies[name, qualified_name, definition] = known
    return known


def parametrized_model(model: object, parameters: tuple[object, ...]) -> object:
    """A generic model of pydantic's with its parameters.

    Raises:
        ResultUnreadable: it is none.
    """
    if not isinstance(model, type) or not hasattr(model, "__pydantic_generic_metadata__"):
        raise ResultUnreadable(f"It gives parameters to {model!r}, which is not a generic model of pydantic.")
    return model[parameters]  # type: ignore[index]


_copies: "WeakValueDictionary[tuple[str, str, str], Any]" = WeakValueDictionary()
_said: set[tuple[str, str]] = set()


def _loaded_copy(name: str, qualified_name: str, copy: bytes) -> object:
    if (name, qualified_name) not in _said:
        _said.add((name, qualified_name))
        _logger.warning(
            "%r of the program %r is not in this process: a copy replaces it, which isinstance and except do"
            " not recognize as the class itself. Read the value in %s.py, or import that first.",
            qualified_name,
            name,
            name,
        )
    return pickle.loads(copy)


def _found(name: str, project: str, qualified_name: str, definition: str) -> object:
    """What this process has of the name, if it is of the same program, or defined alike."""
    if programs.is_worker() and (sent := known_class(name, qualified_name, definition)) is not None:
        return sent
    for module in programs.modules_named(name):
        found = programs.walk(module, qualified_name)
        # Its own name counts: a module may hold another's classes, under any name.
        own_name = qualified_name.rpartition(".")[2]
        if isinstance(found, _Named) and (found.__module__, found.__name__) == (module.__name__, own_name):
            has_file = getattr(module, "__file__", None) is not None  # a cell may have been run again, changed
            if has_file and project_of_module(module.__name__) == project:
                return found
            if definition_of(found) == definition:
                return found
    return None


def known_class(name: str, qualified_name: str, definition: str | None = None) -> type | None:
    """A class of a program that is not here, but was sent here with a task."""
    tracked = getattr(sys.modules.get("cloudpickle.cloudpickle"), "_DYNAMIC_CLASS_TRACKER_BY_ID", {})
    for kind in tuple(tracked.values()):
        if not isinstance(kind, type) or kind.__qualname__ != qualified_name:
            continue
        if programs.name_of_module(kind.__module__) == name and definition in (None, definition_of(kind)):
            return kind
    return None


class Unpickler(pickle.Unpickler):
    """Takes the main program for the module that others import it as, and the other way round."""

    def find_class(self, module: str, name: str, /) -> object:
        module = moved.standard(module)
        if module.startswith("perdure."):
            module = moved.current(f"{module}.{name}").removesuffix(f".{name}")
        elif module == "__main__":
            found = _of_main(name)
            return super().find_class(module, name) if found is None else found
        if module not in sys.modules:
            for program in programs.modules_named(module):
                return functools.reduce(getattr, name.split("."), program)
        return super().find_class(module, name)


def _of_main(qualified_name: str) -> object:
    """What a main program held, whose name is not known; of this one, or one that was loaded by its path."""
    if programs.is_worker():
        return known_class(programs.name_of_module("__main__"), qualified_name)
    held = (programs.walk(each, qualified_name) for each in (sys.modules["__main__"], *programs.loaded_modules()))
    return next((each for each in held if each is not None), None)


def load(file: BinaryIO, buffers: Any = None) -> Any:
    """The object of a pickle. Raises what unpickling raises."""
    return Unpickler(file, buffers=buffers).load()


# Definitions


_definitions: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()


def definition_of(kind: Any) -> str:
    """A digest of how a class or function is defined, the same for the same lines in another cell or process."""
    known = _definitions.get(kind)
    if known is None:
        import hashlib

        try:
            text = repr(_described_class(kind) if isinstance(kind, type) else _described(kind))
        except RecursionError:  # it holds a list that holds itself
            text = str(kind.__qualname__)
        known = _definitions[kind] = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return known


_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
_KEPT = frozenset({"__annotations__", "__slots__", "__match_args__"})


def _described(value: Any) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in (tuple, list):
        return kind.__name__, [_described(each) for each in value]
    if kind in (set, frozenset, dict):
        items = value.items() if kind is dict else value
        return kind.__name__, sorted(repr(_described(each)) for each in items)
    if kind is FunctionType:
        return (
            value.__qualname__,
            _described_code(value.__code__),
            _described(value.__defaults__),
            _described(value.__kwdefaults__),
        )
    if isinstance(value, staticmethod | classmethod):
        return kind.__name__, _described(value.__func__)
    if kind is property:
        return [_described(each) for each in (value.fget, value.fset, value.fdel)]
    if isinstance(value, type):
        return value.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _described_class(kind: type) -> object:
    members = getattr(kind, "__members__", None)
    if members is not None:  # of an enum
        return kind.__qualname__, _bases(kind), [(name, _described(each.value)) for name, each in members.items()]
    own = [
        (name, _described_class(value) if _is_inside(value, kind) else _described(value))
        for name, value in sorted({**_annotated(kind), **vars(kind)}.items())
        if not _is_made(name, value)
    ]
    return kind.__qualname__, _bases(kind), own


def _annotated(kind: type) -> dict[str, object]:
    """The annotations of a class, which are no member of it from Python 3.14 on."""
    annotations = own_annotations(kind)
    return {"__annotations__": annotations} if annotations else {}


def _is_inside(value: object, kind: type) -> bool:
    return isinstance(value, type) and value.__qualname__.startswith(f"{kind.__qualname__}.")


def _bases(kind: type) -> list[str]:
    return [base.__qualname__ for base in kind.__bases__]


def _is_made(name: str, value: object) -> bool:
    """Whether Python, and not the class's lines, has made a member."""
    if not (name.startswith("__") and name.endswith("__")):
        return name.startswith("_abc_")
    return name not in _KEPT and not isinstance(value, FunctionType)


def _described_code(code: CodeType) -> object:
    constants = [_described_code(each) if isinstance(each, CodeType) else _described(each) for each in code.co_consts]
    return code.co_code.hex(), constants, code.co_names, code.co_varnames, code.co_freevars
