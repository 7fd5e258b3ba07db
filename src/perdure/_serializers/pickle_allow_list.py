"""The allow-list of unpickling: which classes and functions a pickle may name, when the setting gives such a list.

A pickle is a program: it can call whatever it can name. With the setting `results_allowed_classes`, it can name what
the setting lists, the harmless types of the standard library, and, for a library whose name the setting lists, the
functions that rebuild its values.
"""

import builtins
import importlib
import io
import pickle
import zoneinfo
from collections.abc import Callable, Sequence
from enum import EnumType
from typing import Any, BinaryIO

from perdure._model import errors
from perdure._model.errors import ResultUntrusted
from perdure._model.exceptions import _rebuilt, _rebuilt_saying
from perdure._platform import moved
from perdure._serializers.harmless_unpickling import load_harmless
from perdure._serializers.known_names import HARMLESS, REBUILDERS
from perdure._serializers.library_names import LIBRARIES
from perdure._serializers.numpy_unpickling import STAND_INS as _FOR_NUMPY
from perdure._serializers.pickle_sizes import check_sizes
from perdure._serializers.references import found_in_program, parametrized_model
from perdure._settings import settings

_ERRORS = frozenset(
    f"{module.__name__}.{name}"
    for module in (builtins, errors)
    for name, each in vars(module).items()
    if isinstance(each, type) and issubclass(each, BaseException)
)


class AllowList:
    """What unpickling may name: "myapp.models.Order" by itself, "numpy.*" with all classes in and below numpy."""

    def __init__(self, text: str) -> None:
        names = {name.strip() for name in text.split(",")}
        roots = {name.partition(".")[0] for name in names}
        if "pandas" in roots:  # its text columns hold pyarrow's memory
            roots |= {"numpy", "pyarrow"}
        self._below = tuple(name[:-1] for name in names if name.endswith("*"))
        self._exact = {moved.current(name) for name in names} | HARMLESS | _ERRORS
        self._exact |= {name for root in roots for name in REBUILDERS.get(root, ())}

    def find(self, module: str, name: str) -> object:
        """What a pickle names, if it may.

        Raises:
            ResultUntrusted: it may not.
            ImportError, AttributeError: it is not there.
        """
        full = moved.current(f"{moved.standard(module)}.{name}")
        module = full.removesuffix(f".{name}")
        if full == "perdure._serializers.references.found_in_program":
            return self._in_program
        if full == "perdure._serializers.references.parametrized_model":
            return parametrized_model  # of what the pickle may name
        newest = full.replace("numpy.core.", "numpy._core.")
        if newest in _STAND_INS and (newest in self._exact or newest in _ALWAYS):
            return _STAND_INS[newest]
        if newest in self._exact:
            return _named(module, name, full)
        if self._holds(full):
            library = LIBRARIES.get(module.partition(".")[0])
            if library is not None and not library.has(module, name):
                raise _refusal(full)
            # Its own name counts too: a module may hold another's classes, under any name.
            found = _named(module, name, full)
            if isinstance(found, type) and not issubclass(found, type) and self._holds_own(found):
                return found
        raise _refusal(full)

    def _holds_own(self, kind: type) -> bool:
        library = LIBRARIES.get(kind.__module__.partition(".")[0])
        is_value = library is None or kind.__qualname__ in library.names
        return is_value and self._holds(f"{kind.__module__}.{kind.__qualname__}")

    def admits(self, path: str) -> bool:
        """Whether values may be made of a class by its own path: it is listed, is below what is, or is harmless."""
        path = moved.current(path)
        module, _, name = path.rpartition(".")
        library = LIBRARIES.get(path.partition(".")[0])
        return path in self._exact or (self._holds(path) and (library is None or library.has(module, name)))

    def _in_program(self, name: str, project: str, qualified_name: str, definition: str, _: object) -> object:
        """A class of a program that this process has, if the list has it; the copy is a program, and is not run."""
        if type(name) is type(qualified_name) is str and self.admits(f"{name}.{qualified_name}"):
            found = found_in_program(name, project, qualified_name, definition, None)
            if isinstance(found, type):
                return found
        raise _refusal(f"{name}.{qualified_name}")

    def _holds(self, full: str) -> bool:
        if "__main__." in full[1:]:
            return False
        return any(each.startswith(self._below) for each in moved.all_names(full))


def _named(module: str, name: str, full: str) -> object:
    found: Any = importlib.import_module(module)
    for number, part in enumerate(name.split(".")):
        # On from a class, but not from a module, function or object; and not to its own class, its bases, its code.
        if number and (not isinstance(found, type) or part.startswith("__")):
            raise _refusal(full)
        found = getattr(found, part)
    return found


def _refusal(full: str) -> ResultUntrusted:
    return ResultUntrusted(
        f"The pickle asks for {full!r}, which PERDURE_RESULTS_ALLOWED_CLASSES does not allow; it was not called."
        f" If you know it and trust the result's writer, add {full[:200]!r} to that setting."
    )


# In the place of functions that can do more than the pickles of harmless values need


def _getattr(owner: object, name: str) -> object:
    if owner is zoneinfo.ZoneInfo and name == "_unpickle":
        return zoneinfo.ZoneInfo._unpickle  # type: ignore[attr-defined]
    if isinstance(owner, EnumType) and name in owner.__members__:
        return owner.__members__[name]
    raise _refusal("builtins.getattr")


def _exception(kind: Any, args: Any, attributes: Any) -> BaseException:
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return _rebuilt(kind, args, attributes)
    raise _refusal("perdure._model.exceptions._rebuilt")


def _exception_saying(kind: object, args: Any, attributes: Any, text: object) -> BaseException:
    if isinstance(kind, type) and issubclass(kind, BaseException) and isinstance(text, str):
        return _rebuilt_saying(kind, args, attributes, text)
    raise _refusal("perdure._model.exceptions._rebuilt_saying")


def _arrow_array(data: object) -> object:
    """An array of Arrow from its buffers, once all its offsets are known to lie in them."""
    import pyarrow as pa

    array = pa.lib._restore_array(data)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        raise pickle.UnpicklingError(f"an array of Arrow is not what was written: {error}") from None
    return array


def _type(value: object) -> type:
    if value is None or value is Ellipsis or value is NotImplemented:
        return type(value)
    raise _refusal("builtins.type")


_STAND_INS: dict[str, Callable[..., object]] = {
    **_FOR_NUMPY,
    "pyarrow.lib._restore_array": _arrow_array,
    "builtins.getattr": _getattr,
    "builtins.type": _type,
    "perdure._model.exceptions._rebuilt": _exception,
    "perdure._model.exceptions._rebuilt_saying": _exception_saying,
}

_ALWAYS = {name for name in _STAND_INS if name.startswith(("builtins.", "perdure."))}


def load_allowed(file: BinaryIO, buffers: Sequence[memoryview], allowed: AllowList) -> object:
    """The object of a pickle that names only what is allowed, and changes nothing that was there before it.

    The file begins with the pickle, and can be sought in. Raises what `AllowList.find` and unpickling raise.
    """
    data = file.read()
    check_sizes(data)
    return load_harmless(io.BytesIO(data), buffers, allowed.find)


_cached: tuple[settings.Settings | None, AllowList | None] = (None, None)


def allow_list() -> AllowList | None:
    """What unpickling may name in this process; None if it may name everything."""
    global _cached
    now = settings.current()
    known = _cached  # looked at once: another thread may replace it
    if known[0] is not now:
        text = now.results_allowed_classes
        known = _cached = now, None if text is None else AllowList(text)
    return known[1]
