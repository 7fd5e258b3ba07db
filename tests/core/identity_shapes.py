"""Kinds of values that look like others: classes of one name, types in C below dataclasses, and what others round."""

import collections
import dataclasses
import datetime as dt
import enum
import pathlib
import threading
import types
from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow as pa

from tests.core.identity_kinds import Part, data, kind, lists, numbers, one_of, shuffled, texts, words

word_lists = Part(words, 50)


@dataclasses.dataclass
class Queue(collections.deque[int]):
    name: str = ""
    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass
class Packet(bytearray):
    name: str = ""


@dataclasses.dataclass
class Day(dt.date):
    pass


@dataclasses.dataclass
class Guarded:
    n: int
    lock: Any = dataclasses.field(default_factory=threading.Lock)

    def __getstate__(self) -> dict[str, Any]:
        return {"n": self.n}


class Tagged(type(pathlib.Path())):  # type: ignore[misc]
    pass


def queue(name: str, items: list[int]) -> Queue:
    """A dataclass that is a deque."""
    made = Queue(name)
    made.extend(items)
    return made


def packet(name: str, source: bytes) -> Packet:
    """A dataclass that is a bytearray."""
    made = Packet(name)
    made[:] = source
    return made


def tagged(path: str, tag: int) -> Tagged:
    """A path with an attribute."""
    made = Tagged(path)
    made.tag = tag
    return made


def closed(n: Any) -> type:
    """A class whose method holds something."""

    class Inner:
        def value(self) -> Any:
            return n

    return Inner


def assigned(n: Any) -> type:
    """A class with an attribute."""

    class Inner:
        value = n

    return Inner


def model(n: Any) -> type:
    """A dataclass with a default."""

    @dataclasses.dataclass
    class Inner:
        x: int = 1

        def value(self) -> Any:
            return n

    return Inner


def members(n: Any) -> Any:
    """A member of an enum."""

    class Inner(enum.Enum):
        ONE = n

    return Inner.ONE


SIGNATURES: tuple[Callable[..., Any], ...] = (
    lambda a, b=2: (a, b),
    lambda a, /, b=2: (a, b),
    lambda a, *b: (a, b),
    lambda a, **b: (a, b),
    lambda a, *, b=2: (a, b),
    lambda *a, b=2: (a, b),
    lambda *a, **b: (a, b),
)
TRIED = (
    "try:\n  a()\n  b()\n except E:\n  pass",
    "try:\n  a()\n except E:\n  pass\n else:\n  b()",
)


def executed(body: str) -> Any:
    """A function without a file."""
    names: dict[str, Any] = {}
    exec(f"def f():\n {body}", names)
    return names["f"]


kind("dataclass that is a deque", queue, name=texts, items=lists)
kind("dataclass that is a bytearray", packet, name=texts, source=data)
kind("dataclass that is a date", lambda n: Day.__new__(Day, n, 1, 1), n=Part(lambda n: n + 1000, 1000))  # type: ignore[call-arg]
kind("dataclass that says what counts", Guarded, n=numbers)
kind("path with an attribute", tagged, path=one_of("a", "b", "a/b"), tag=numbers)
kind("class with a closure", closed, n=numbers)
kind("object of a class with a closure", lambda n: closed(n)(), n=numbers)
kind("object of a class with a closure over a set", lambda of: closed(set(shuffled(of)))(), of=word_lists)
kind("object of a class that a function made", lambda n: assigned(n)(), n=numbers)
kind("objects of dataclasses of one name", lambda n, x: [model(n)(x)] * 3, n=numbers, x=numbers)
kind("member of an enum that a function made", members, n=numbers)
kind("signature of a lambda", lambda which: which, which=one_of(*SIGNATURES))
kind("what is tried", executed, body=one_of(*TRIED))
kind("code of what is tried", lambda body: executed(body).__code__, body=one_of(*TRIED))
kind("method of what is called", lambda n: types.MethodType(closed(n)().value, n), n=numbers)


def nested(n: int, name: str) -> pl.Series:
    """Categories, and times that are finer than Python's, in a struct in a list."""
    columns = [pl.Series("name", [name], pl.Categorical), pl.Series("at", [n]).cast(pl.Datetime("ns"))]
    return pl.DataFrame(columns).to_struct("s").implode()


INTEGERS: tuple[Any, ...] = ([], [None], [[]], [[None]], [[1]], [[2]], [[1, 2]], [[1], [2]])
kind("polars categories beside nanoseconds", nested, n=numbers, name=one_of("a", "b"))
kind("polars lists of long integers", lambda of: pl.Series(of, dtype=pl.List(pl.Int128)), of=one_of(*INTEGERS))
kind("polars long integers", lambda n: pl.Series([2**70 + n, None], dtype=pl.Int128), n=numbers)
kind("arrow nanoseconds", lambda n, of: pa.scalar(n, of), n=numbers, of=one_of(pa.timestamp("ns"), pa.duration("ns")))
kind("arrow time of a day", lambda n: pa.scalar(abs(n) * 2, pa.time64("ns")), n=Part(lambda n: n + 1, 1000))
