"""Named tuples as `typing` has them, made in a tenth of the time.

The problem: what `typing.NamedTuple` makes of a class is compiled from source text, a quarter of a millisecond a class.
Perdure has two hundred, and seventy of them with the import of it: a fifth of the time that this took.

The idea: all but the constructor needs no text. That is compiled when a class is first called, and is then what
`typing` would have made of it; most classes are never called by most programs.

From Python 3.14 on, a class's annotations are not known while it is made: there it is `typing`'s own.
"""

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING or sys.version_info >= (3, 14):
    from typing import NamedTuple
else:
    from _collections import _tuplegetter as getter

    _UNEXPECTED = TypeError if sys.version_info >= (3, 13) else ValueError

    class _Signature:
        """The signature of a class whose constructor may not have been compiled yet."""

        def __get__(self, _, kind):
            import inspect  # few programs ask for it; the others start faster

            whole = inspect.signature(_constructor(kind))
            return whole.replace(parameters=list(whole.parameters.values())[1:])

    class _Named(tuple):
        __slots__ = ()
        _fields = ()
        _field_defaults = MappingProxyType({})
        __signature__ = _Signature()

        def __new__(cls, /, *args, **kwargs):
            constructor = _constructor(cls)
            cls.__new__ = staticmethod(constructor)
            return constructor(cls, *args, **kwargs)

        @classmethod
        def _make(cls, iterable):
            made = tuple.__new__(cls, iterable)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes):
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise _UNEXPECTED(f"Got unexpected field names: {list(changes)!r}")
            return made

        __replace__ = _replace  # for copy.replace of Python 3.13

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self):
            return tuple(self)

    def _constructor(kind):
        names, defaults = ", ".join(kind._fields), kind._field_defaults
        comma = "," if len(kind._fields) == 1 else ""
        text = f"lambda _cls, {names}: _new(_cls, ({names}{comma}))"
        constructor = eval(text, {"_new": tuple.__new__, "__builtins__": {}, "__name__": kind.__module__})
        constructor.__name__ = "__new__"
        constructor.__qualname__ = f"{kind.__qualname__}.__new__"
        constructor.__defaults__ = tuple(defaults.values())
        constructor.__annotations__ = kind.__annotations__
        return constructor

    class _Maker(type):
        def __new__(cls, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"A field of {name} without a default follows one that has one.")
            namespace |= {field: getter(place, "") for place, field in enumerate(fields)}
            namespace |= {"__slots__": (), "_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            return type(name, tuple(_Named if base is _Seed else base for base in bases), namespace)

    _Seed = type.__new__(_Maker, "NamedTuple", (), {})

    class _NamedTuple:
        def __mro_entries__(self, _):
            return (_Seed,)

    NamedTuple = _NamedTuple()
