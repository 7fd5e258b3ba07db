"""Looking at values without running any code of theirs: types, names, attributes that are plainly there."""

import sys
from types import GetSetDescriptorType, MemberDescriptorType, MethodDescriptorType, ModuleType
from typing import Any

from perdure._platform.printable import printable
from perdure._platform.redaction import mro_of, namespace_of

_TYPE_LENGTH = 200  # characters
_module = type.__dict__["__module__"].__get__
kind_name = type.__dict__["__name__"].__get__
_qualname = type.__dict__["__qualname__"].__get__


def name_of(kind: type) -> str:
    """A type's name with its module, such as `builtins.dict`."""
    module = _module(kind)
    name = f"{module if type(module) is str else '?'}.{_qualname(kind)}"
    return printable(name[:_TYPE_LENGTH])


def package_of(kind: type) -> str:
    """The name of the package that a type says it is of."""
    module = _module(kind)
    return module.partition(".")[0] if type(module) is str else ""


def is_a(kind: type, base: type) -> bool:
    """Whether a type is another or derives from it. Neither `__class__` nor a metaclass is asked."""
    return type.__subclasscheck__(base, kind)


def is_exactly(kind: type, *kinds: type) -> bool:
    """Whether a type is one of some others; `in` would ask its metaclass."""
    return any(kind is each for each in kinds)


def loaded(module: str, name: str) -> Any:
    """What a module has under a name; None if the program has not imported it. Nothing is imported by this."""
    found = sys.modules.get(module)
    if found is None or not is_a(type(found), ModuleType):
        return None
    # Not getattr: a lazy module would load itself.
    return ModuleType.__getattribute__(found, "__dict__").get(name)


def is_any(kind: type, module: str, *names: str) -> bool:
    """Whether a type is, or derives from, one of the classes of a module."""
    return any(isinstance(base, type) and is_a(kind, base) for base in (loaded(module, each) for each in names))


def is_of(kind: type, package: str) -> bool:
    """Whether a type is really a package's own: one that only says so in `__module__` is not found there."""
    return package_of(kind) == package and loaded(_module(kind), _qualname(kind)) is kind


def attribute(value: object, name: str) -> Any:
    """An instance's attribute if it is plainly there, in its dict or in a slot.

    Raises:
        AttributeError: it is not, or only code could tell.
    """
    held = attributes(value)
    if name in held:
        return held[name]
    for kind in mro_of(type(value)):
        if name in namespace_of(kind):
            found = namespace_of(kind)[name]
            if is_exactly(type(found), MemberDescriptorType, GetSetDescriptorType):
                return found.__get__(value)
            break
    raise AttributeError(name)


def attributes(value: object) -> dict[str, object]:
    """An instance's dict; an empty one if it has none."""
    for kind in mro_of(type(value)):
        found = namespace_of(kind).get("__dict__")
        if type(found) is GetSetDescriptorType:
            held = found.__get__(value)
            return held if type(held) is dict else {}
    return {}


def size_of(value: object) -> int | None:
    """The bytes of memory that a value itself takes, as far as no code of its own has to be asked."""
    for kind in mro_of(type(value)):
        found = namespace_of(kind).get("__sizeof__")
        if found is not None:
            is_own = type(found) is MethodDescriptorType  # of a class made in C
            return sys.getsizeof(value) if is_own else None
    return None
