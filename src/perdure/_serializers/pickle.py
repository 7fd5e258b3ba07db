"""Pickles: any Python object, for readers that you trust."""

import functools
import pickle
import sys
from typing import Any, Literal, NoReturn

from pydantic import ValidationInfo, field_validator

from perdure._model.errors import ResultCorrupt, ResultError, ResultUnreadable, SerializationError, StorageError
from perdure._model.exceptions import portable
from perdure._platform.exception_reducers import are_changed
from perdure._serializers.base import Serializer
from perdure._serializers.modules import check_choice, import_module
from perdure._serializers.payload import THRESHOLD, BytesSource, Payload, Source
from perdure._serializers.pickle_allow_list import allow_list
from perdure._serializers.pickle_stream import (
    PROTOCOL,
    names_nothing,
    plain_dumps,
    read_pickle,
    try_pickle,
    write_pickle,
)
from perdure._serializers.references import dumps, referring_pickler
from perdure._serializers.text import from_base64, to_base64
from perdure._serializers.unpicklable import find_unpicklable

_STREAMING = ("cloudpickle", "pickle")  # libraries with a pickler that takes a file and gives out-of-band buffers
_SMALL = 64  # objects; beyond, checking costs about what it saves
_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
_TEXTS = frozenset({str, bytes})
_SEQUENCES = frozenset({list, tuple, set, frozenset})


class PickleSerializer(Serializer):
    """A pickle: in base64 if it is small, else as it is, with the memory of arrays and tables beside it.

    `picklelib` names a module with `dumps` and `loads`; cloudpickle by default, which also takes
    functions and classes of a script. `picklelib_version` is the version that wrote: by default the
    installed one. A document of another version is read all the same.
    """

    type: Literal["pickle"] = "pickle"
    picklelib: str = "cloudpickle"
    picklelib_version: str | None = None

    @field_validator("picklelib")
    @classmethod
    def _check_picklelib(cls, name: str, info: ValidationInfo) -> str:
        check_choice(name, info)
        if name != "cloudpickle":  # always installed, and imported only once an object needs it
            _library(name)
        return name

    def describe(self) -> dict[str, Any]:
        version = self.picklelib_version or _version(self.picklelib)
        return {"type": "pickle", "picklelib": self.picklelib, "picklelib_version": version}

    def dumps(self, obj: object) -> bytes:
        # Of plain values, cloudpickle makes the very bytes that pickle makes, at five times the cost.
        if self.picklelib == "cloudpickle" and _size_if_plain(obj) is not None:
            return to_base64(pickle.dumps(obj, PROTOCOL))
        try:
            return to_base64(_dumps_of(self.picklelib)(portable(obj)))
        except MemoryError:
            raise
        except Exception as error:
            self._refuse(obj, error)

    def dump(self, obj: object, payload: Payload) -> bytes | None:
        size = _size_if_plain(obj) if self.picklelib == "cloudpickle" else None
        try:
            if size is not None and size <= THRESHOLD:  # most values: what streams costs them twice the pickling
                pickled = _unless_large(pickle.dumps(obj, PROTOCOL), payload)
            elif size is not None:
                pickled = write_pickle(obj, payload, pickle.Pickler)
            elif self.picklelib in _STREAMING:
                pickled = write_pickle(portable(obj), payload, _pickler_of(self.picklelib))
                if pickled is not None and self.picklelib == "pickle":  # its `dumps` has an older protocol
                    return self.dumps(obj)
            else:
                pickled = _unless_large(_library(self.picklelib).dumps(portable(obj)), payload)
        except (StorageError, MemoryError):
            raise
        except Exception as error:
            self._refuse(obj, error)
        return None if pickled is None else to_base64(pickled)

    def content(self, data: bytes) -> bytes:
        return from_base64(data)

    def loads(self, data: bytes) -> Any:
        pickled = from_base64(data)
        if names_nothing(pickled) and self.picklelib in _STREAMING and allow_list() is None:  # as most small ones are
            try:
                return pickle.loads(pickled)
            except Exception:
                pass
        return self.load(BytesSource(pickled))

    def load(self, source: Source) -> Any:
        try:
            # With an allow-list, no library loads by itself: all that are known make pickles of Python's own kind.
            if self.picklelib in _STREAMING or allow_list() is not None:
                return read_pickle(source)
            return _library(self.picklelib).loads(source.view())
        except (pickle.UnpicklingError, EOFError) as error:
            raise ResultCorrupt(f"The data is not a whole pickle: {error}.") from error
        except (ResultError, MemoryError):
            raise
        except Exception as error:
            raise ResultUnreadable(self._why_unreadable(error)) from error

    def _refuse(self, obj: object, error: Exception) -> NoReturn:
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            raise SerializationError(
                "result is nested too deeply to be pickled: each level takes some of the recursion that Python allows."
                " Return it flatter, such as a list of its parts."
            ) from None
        streams = self.picklelib in _STREAMING
        pickler = _pickler_of(self.picklelib) if streams else None
        trial = _dumps_of(self.picklelib) if pickler is None else functools.partial(try_pickle, pickler=pickler)
        path, cause = find_unpicklable(obj, trial, error)
        # All that the library itself says is in the message; the traceback of the object's own code is not.
        own = None if isinstance(cause, TypeError | pickle.PicklingError) else error
        raise SerializationError(
            f"{path}: {str(cause) or type(cause).__name__}. Leave this part out, or return what can be pickled."
        ) from own

    def _why_unreadable(self, error: Exception) -> str:
        installed = _version(self.picklelib)
        text = f"The pickle cannot be loaded here: {type(error).__name__}: {error}."
        if isinstance(error, ModuleNotFoundError):
            text += f" Install or make importable the module {error.name!r}, as it was where the result was written."
        elif isinstance(error, AttributeError):
            text += " The class or function has been renamed or removed since the result was written."
        if self.picklelib_version not in (None, installed):
            text += f" It was written by {self.picklelib} {self.picklelib_version}; installed is {installed}."
        return text


def _unless_large(data: bytes, payload: Payload) -> bytes | None:
    if len(data) <= THRESHOLD:
        return data
    payload.write(data)
    return None


@functools.cache
def _library(name: str) -> Any:
    return import_module(name, ("dumps", "loads"), "picklelib")


def _pickler_of(name: str) -> Any:
    return referring_pickler() if name == "cloudpickle" else _library(name).Pickler


def _dumps_of(name: str) -> Any:
    if name == "pickle" and are_changed():
        return plain_dumps
    return dumps if name == "cloudpickle" else _library(name).dumps


@functools.cache
def _version(name: str) -> str | None:
    if name in sys.modules or name != "cloudpickle":
        return getattr(_library(name), "__version__", None)
    from importlib.metadata import version  # a tenth of the time that importing cloudpickle takes

    return version(name)


def _size_if_plain(value: Any) -> int | None:
    """How long the texts and bytes are in a value that is made of few objects, all of exact built-in types.

    None for all others.
    """
    if type(value) in _SCALARS:
        return len(value) if type(value) in _TEXTS else 0
    containers, seen, size = [value], 0, 0
    for each in containers:  # and those within, which are found on the way
        kind = type(each)
        if kind is dict:
            parts = [*each, *each.values()]
        elif kind in _SEQUENCES:
            parts = each
        else:
            return None
        seen += len(parts) + 1
        if seen > _SMALL:
            return None
        for part in parts:
            kind = type(part)
            if kind not in _SCALARS:
                containers.append(part)
            elif kind in _TEXTS:
                size += len(part)
    return size
