"""Values that do their worst when they are looked at: a preview runs none of their code."""

import abc
import dataclasses
import enum
import json
import pathlib
import sys
import types
from collections import UserDict, UserList, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, field_serializer

from perdure.results import preview_of

RAN: list[str] = []
ARMED: list[bool] = []  # only while a preview is made: pytest looks at the values, too


def trap(name: str) -> Any:
    def run(*args: object, **kwargs: object) -> NoReturn:
        if not ARMED:
            raise AttributeError(name)
        RAN.append(name)
        raise SystemExit(name)  # not even an Exception

    return run


HOOKS = (
    *("__repr__", "__str__", "__len__", "__iter__", "__getattr__", "__getattribute__", "__bool__", "__eq__"),
    *("__format__", "__sizeof__", "__index__", "__int__", "__float__", "__getitem__", "__contains__", "__next__"),
    *("__reduce__", "__reduce_ex__", "__dir__", "__bytes__", "__fspath__", "__array__", "__call__", "__enter__"),
    *("__array_interface__", "__array_struct__", "__dataframe__", "__arrow_c_stream__", "__lt__", "__neg__", "__abs__"),
)
TRAPS = {name: trap(name) for name in HOOKS} | {"__hash__": object.__hash__}


def trapped(name: str, *bases: type, **namespace: Any) -> type:
    return type(name, bases, {**TRAPS, **namespace})


class Meta(type):
    """A metaclass that is as hostile as its instances."""

    for _name in ("__getattribute__", "__instancecheck__", "__subclasscheck__", "__eq__", "__hash__", "__repr__"):
        locals()[_name] = trap(f"Meta.{_name}")


class AbstractMeta(abc.ABCMeta):
    __instancecheck__ = trap("AbstractMeta.__instancecheck__")


class Endless:
    def __iter__(self) -> Iterator[int]:
        RAN.append("endless")
        while True:
            yield 1

    def __len__(self) -> int:
        RAN.append("len")
        return 10**18

    def __getitem__(self, index: int) -> int:
        RAN.append("item")
        return index


class ClassProperty:
    __class__ = property(trap("__class__"))  # type: ignore[assignment]


class DictProperty:
    __dict__ = property(trap("__dict__"))  # type: ignore[assignment]


class BadModule:
    __module__ = property(trap("__module__"))  # type: ignore[assignment]


class Remote(Mapping[str, int]):
    __getitem__, __len__ = trap("remote"), trap("remote")
    __iter__ = trap("remote")


class Lazy(Sequence[int]):
    __getitem__, __len__ = trap("lazy"), trap("lazy")


class Zone(tzinfo):
    utcoffset, tzname, dst = trap("utcoffset"), trap("tzname"), trap("dst")


@dataclasses.dataclass
class Properties:
    x: int = 1

    __repr__ = trap("repr")
    y = property(trap("property"))


@dataclasses.dataclass(init=False)
class FieldProperty:
    x: int

    x = property(trap("field"))  # type: ignore[assignment]  # noqa: PIE794


@dataclasses.dataclass(slots=True)
class Unset:
    x: int

    def __init__(self) -> None:
        pass


class Model(BaseModel):
    x: int = 1

    __repr__ = trap("repr")
    __iter__ = trap("iter")

    @field_serializer("x")
    def ser(self, value: int) -> int:
        return trap("serializer")()  # type: ignore[no-any-return]


class Colour(enum.Enum):
    RED = 1

    __str__ = __repr__ = trap("enum")
    name = value = property(trap("enum.name"))  # type: ignore[assignment]


class Saying(Exception):
    __str__ = __repr__ = trap("error")
    args = property(trap("args"))  # type: ignore[assignment]
    __traceback__ = property(trap("traceback"))  # type: ignore[assignment]
    __cause__ = property(trap("cause"))  # type: ignore[assignment]


class Array(np.ndarray[Any, Any]):
    for _name in ("__array_ufunc__", "__array_function__", "__getitem__", "__len__", "__repr__"):
        locals()[_name] = trap(f"Array.{_name}")
    shape = dtype = base = size = property(trap("Array.property"))  # type: ignore[assignment]


def array() -> Any:
    made = np.ndarray.__new__(Array, (3,))
    Array.__array_finalize__ = trap("Array.__array_finalize__")  # type: ignore[method-assign]
    return made


class Frame(pd.DataFrame):  # type: ignore[misc]
    for _name in ("head", "__len__", "__repr__", "__getitem__", "memory_usage", "items", "_slice", "_ixs"):
        locals()[_name] = trap(f"Frame.{_name}")
    shape = columns = iloc = dtypes = index = property(trap("Frame.property"))


class PathLike(pathlib.PurePosixPath):
    __str__ = __repr__ = __fspath__ = trap("path")


class Stamp(datetime):
    __str__ = __repr__ = isoformat = trap("stamp")


class Fake:
    """Says it is a frame of pandas."""

    shape = iloc = property(trap("Fake.shape"))


Fake.__module__, Fake.__qualname__, Fake.__name__ = "pandas", "DataFrame", "DataFrame"

Filename = trapped("Filename")


def os_error() -> OSError:
    error = OSError(2, "No such file")
    error.filename = Filename()
    return error


def loop() -> Exception:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    return first


class Recursive:
    def __repr__(self) -> str:
        RAN.append("recursive")
        return repr(self)


def module() -> types.ModuleType:
    made = types.ModuleType("strange")
    made.__getattr__ = trap("module")  # type: ignore[method-assign]
    return made


class Descriptor:
    __get__ = trap("__get__")


class Described:
    x = Descriptor()


def cleared() -> Any:
    view = memoryview(b"abc")
    view.release()
    return view


ZOO: dict[str, Any] = {
    "object": trapped("Object")(),
    "str": trapped("Str", str)("abc"),
    "int": trapped("Int", int)(5),
    "float": trapped("Float", float)(1.5),
    "bytes": trapped("Bytes", bytes)(b"abc"),
    "bytearray": trapped("ByteArray", bytearray)(b"abc"),
    "list": trapped("List", list)([1, 2]),
    "tuple": trapped("Tuple", tuple)((1, 2)),
    "dict": trapped("Dict", dict, items=trap("items"), keys=trap("keys"))({"a": 1}),
    "missing": type("Missing", (dict,), {"__missing__": trap("missing"), "get": trap("get")})(a=1),
    "set": trapped("Set", set)({1}),
    "frozenset": trapped("FrozenSet", frozenset)({1}),
    "deque": trapped("Deque", deque)([1]),
    "user dict": UserDict({"a": trapped("Object")()}),
    "user list": UserList([trapped("Object")()]),
    "named tuple": type("Odd", (tuple,), {"_fields": property(trap("_fields"))})((1, 2)),
    "odd fields": type("Odd", (tuple,), {"_fields": ("a", 5)})((1, 2)),
    "metaclass": Meta("Of", (), {})(),
    "class": Meta("Of", (), {}),
    "abstract": AbstractMeta("Of", (), {})(),
    "endless": Endless(),
    "class property": ClassProperty(),
    "dict property": DictProperty(),
    "module property": BadModule(),
    "remote": Remote(),
    "lazy": Lazy(),
    "zone": datetime(2026, 1, 1, tzinfo=Zone()),
    "zone itself": Zone(),
    "properties": Properties(),
    "field property": object.__new__(FieldProperty),
    "unset": Unset(),
    "dataclass class": Properties,
    "false dataclass": type("False_", (), {"__dataclass_fields__": {"x": trapped("Field")()}})(),
    "model": Model(),
    "unbuilt model": Model.__new__(Model),
    "enum": Colour.RED,
    "error": Saying("x"),
    "error with args": ValueError(trapped("Object")(), trapped("Str", str)("x")),
    "os error": os_error(),
    "loop of causes": loop(),
    "array": array(),
    "objects": np.array([trapped("Object")(), 1], dtype=object),
    "frame": Frame({"a": [1, 2]}),
    "frame of objects": pd.DataFrame({"a": pd.Series([trapped("Object")()], dtype=object)}),
    "strange columns": pd.DataFrame([[1]], columns=pd.Index([trapped("Object")()], dtype=object)),
    "fake frame": Fake(),
    "path": PathLike("/a"),
    "stamp": Stamp(2026, 1, 1),
    "recursive": Recursive(),
    "module": module(),
    "descriptor": Described(),
    "released": cleared(),
    "long name": type("N" * 100_000, (), {})(),
    "marked name": type("<b>\x1b[31m", (), {})(),
    "long int": 1 << 10_000_000,
    "long delta": timedelta.max,
    "key": {trapped("Key")(): 1},
    "secretive": type("S", (), {"get_secret_value": trap("get_secret_value")})(),
}


def looked_at(value: object) -> str | None:
    """The preview of a value, whose code was not run."""
    RAN.clear()
    ARMED.append(True)
    try:
        shown = preview_of(value)
    except SystemExit:
        shown = None
    finally:
        ARMED.clear()
    assert not RAN
    return shown


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("where", ["itself", "in a list", "in a dict", "in a dataclass", "as a cause"])
def test_no_code_of_the_value_is_run(name: str, where: str):
    value = ZOO[name]
    if where == "in a list":
        value = [1, [value], (value, value)]
    elif where == "in a dict":
        value = {"a": value, "password": value, "b": {"c": value}}
    elif where == "in a dataclass":
        value = Properties(value)
    elif where == "as a cause":
        value = ExceptionGroup("x", [ValueError(value)])
    shown = looked_at(value)
    assert shown is not None
    assert len(shown) <= 4_096
    assert json.loads(shown)["kind"]


def test_no_library_is_imported():
    import subprocess

    code = """
import sys
from perdure.results import preview_of
class DataFrame: pass
DataFrame.__module__ = "pandas"
for value in (1, "x", [1, {"a": object()}], ValueError("x"), DataFrame(), range(3), b"x", 1j):
    preview_of(value)
heavy = {"numpy", "pandas", "polars", "pyarrow", "PIL", "matplotlib", "torch", "pydantic", "rich", "asyncio"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_lazy_module_is_not_loaded(monkeypatch: pytest.MonkeyPatch):
    lazy = type("LazyModule", (types.ModuleType,), {"__getattribute__": trap("load")})("polars")
    monkeypatch.setitem(sys.modules, "polars", lazy)
    assert looked_at(object())
