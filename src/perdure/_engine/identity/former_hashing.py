"""Digests of values as they were made at first: what was stored under them is still found.

Many are the same today. Others made no difference between some values, or made one where there is none. Nothing here
is to be changed.
"""

import dataclasses
import enum
import hashlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from perdure._model.errors import SerializationError
from perdure._platform import moved
from perdure._platform.finished_imports import imported
from perdure._platform.programs import is_program
from perdure._results.payload_writer import blake3_of

_PICKLE_PROTOCOL = 5
_LARGE = 1024 * 1024  # bytes that are digested by BLAKE3 first: it takes a third of the time or less, on any processor
Bytes = bytes | memoryview
_MANY = 1_000_000  # parts that have parts
Update = Callable[[Bytes], None]
StandIn = Callable[[object], str | None]  # text that counts instead of a value's content; None if that counts


def digest_of_values(*values: object, stand_in: StandIn | None = None, path: str = "") -> str:
    """64 hexadecimal characters that stood for the values.

    Raises:
        SerializationError: a value, named by its path, had no digest.
    """
    hasher = hashlib.sha256()
    if len(values) == 1 and type(values[0]) in _SCALARS:  # most are, and need no walker
        _write_scalar(hasher.update, values[0])
        return hasher.hexdigest()
    walker = _Walker(hasher.update, stand_in)
    try:
        for value in values:
            walker.add(value, path)
    except RecursionError as error:
        raise SerializationError(f"The argument {path} is nested too deep.") from error
    return hasher.hexdigest()


def _write_scalar(update: Update, value: object) -> None:
    kind = type(value)
    _write_token(update, kind.__name__, _SCALARS[kind](value))


def _write_token(update: Update, tag: str, data: Bytes) -> None:
    # The length keeps neighbouring values apart.
    update(f"{tag}:{len(data)}:".encode())
    update(data if len(data) < _LARGE else blake3_of(data).encode())


class _Walker:
    def __init__(self, update: Update, stand_in: StandIn | None = None) -> None:
        self._update = update
        self._stand_in = stand_in
        self._open: dict[int, int] = {}  # containers being hashed, by depth: a cycle is hashed as its depth
        self._room = [_MANY]  # what holds a part again and again would take for ever

    def add(self, value: object, path: str) -> None:
        kind = type(value)
        if kind in _SCALARS:
            _write_scalar(self._update, value)
        elif self._stand_in is not None and (text := self._stand_in(value)) is not None:
            self._scalar("run", text.encode())
        elif id(value) in self._open:
            self._scalar("cycle", str(self._open[id(value)]).encode())
        else:
            self._room[0] -= 1
            if self._room[0] < 0:
                raise SerializationError(f"The argument {path} has more than {_MANY:,} parts.")
            self._open[id(value)] = len(self._open)
            try:
                self._compound(value, kind, path)
            finally:
                del self._open[id(value)]

    def _scalar(self, tag: str, data: Bytes) -> None:
        _write_token(self._update, tag, data)

    def _compound(self, value: Any, kind: type, path: str) -> None:
        if kind is list or kind is tuple:
            self._update(f"{kind.__name__}:{len(value)}:".encode())
            for index, each in enumerate(value):
                self.add(each, f"{path}[{index}]")
        elif kind is dict:
            self._unordered("dict", ((key, item) for key, item in value.items()), len(value), path)
        elif kind is set or kind is frozenset:
            self._unordered(kind.__name__, ((each, None) for each in value), len(value), path)
        elif isinstance(value, tuple) and hasattr(kind, "_fields"):
            self._fields(kind, dict(zip(kind._fields, value, strict=True)), path)
        elif isinstance(value, enum.Enum):
            self._scalar("enum", f"{_name(kind)}.{value.name}".encode())
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            self._fields(kind, {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}, path)
        elif _is_instance_of(value, "pydantic", "BaseModel"):
            self._fields(kind, dict(value), path)
        elif _is_instance_of(value, "numpy", "ndarray") and not value.dtype.hasobject:
            self._array(value)
        elif any(_is_instance_of(value, "pandas", name) for name in ("DataFrame", "Series", "Index")):
            self._table(value, path)
        else:
            self._pickled(value, path)

    def _unordered(self, tag: str, pairs: Iterable[tuple[object, object]], count: int, path: str) -> None:
        digests = []
        for key, item in pairs:
            hasher = hashlib.sha256()
            walker = _Walker(hasher.update, self._stand_in)
            walker._open, walker._room = self._open, self._room
            walker.add(key, path)
            walker.add(item, (f"{path}[{key!r}]" if path else str(key)) if tag == "dict" else path)
            digests.append(hasher.digest())
        self._update(f"{tag}:{count}:".encode())
        for digest in sorted(digests):
            self._update(digest)

    def _fields(self, kind: type, fields: dict[str, object], path: str) -> None:
        self._scalar("object", _name(kind).encode())
        for name, item in fields.items():
            self._scalar("field", name.encode())
            self.add(item, f"{path}.{name}")

    def _array(self, array: Any) -> None:
        self._scalar("array", f"{array.dtype.str}{array.shape}".encode())
        contiguous = array if array.flags.c_contiguous else array.copy(order="C")
        self._scalar("content", contiguous.reshape(-1).view("u1").data)

    def _table(self, table: Any, path: str) -> None:
        """A pandas table by its contents: equal ones may differ in their pickles."""
        names = table.columns if table.ndim == 2 else table.names if hasattr(table, "names") else [table.name]
        types = table.dtypes if table.ndim == 2 else [table.dtype]
        self._scalar("table", f"{type(table).__name__}{table.shape}{[str(each) for each in types]}".encode())
        self.add(list(names), path)
        parts = [table.iloc[:, place] for place in range(table.shape[1])] if table.ndim == 2 else [table]
        try:
            for part in (*parts, *([table.index] if hasattr(table, "index") else ())):
                self._column(part)
        except TypeError:  # it holds objects that pandas cannot hash, such as lists
            self._pickled(table, path)

    def _column(self, values: Any) -> None:
        if _is_instance_of(values.dtype, "numpy", "dtype") and not values.dtype.hasobject:
            self._array(values.to_numpy())
        else:
            self._array(sys.modules["pandas"].util.hash_pandas_object(values, index=False).to_numpy())

    def _pickled(self, value: object, path: str) -> None:
        import cloudpickle

        try:
            data = cloudpickle.dumps(value, protocol=_PICKLE_PROTOCOL)
        except Exception as error:
            raise SerializationError(
                f"The argument {path}, a {_name(type(value))}, cannot be hashed:"
                f" {type(error).__name__}: {error}. Leave it out with `cache_policy=INPUTS - {_first_name(path)!r}`,"
                " or give the task a cache_key_fn that does not use it."
            ) from error
        self._scalar("pickle", data)


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    int: lambda value: b"%d" % value,
    float: lambda value: value.hex().encode(),
    str: lambda value: value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: value,
    bool: lambda value: b"1" if value else b"0",
    type(None): lambda _: b"",
}


def _name(kind: type) -> str:
    """A class's name: where a script ran as such, it was called `__main__`; elsewhere it was what it is today."""
    module = "__main__" if is_program(kind.__module__) else kind.__module__
    return moved.first(f"{module}.{kind.__qualname__}")


def _first_name(path: str) -> str:
    """The argument in which a path begins."""
    return path.partition("[")[0].partition(".")[0]


def _is_instance_of(value: object, module: str, name: str) -> bool:
    """Whether a value is of a class of a module that need not be imported: if it is not, no value can be."""
    loaded = imported(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))
