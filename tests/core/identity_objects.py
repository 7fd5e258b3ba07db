"""Kinds of values of the standard library, and of classes as users write them."""

import array
import ast
import collections
import ctypes
import dataclasses
import datetime as dt
import decimal
import email.message
import enum
import fractions
import functools
import io
import ipaddress
import operator
import pathlib
import random
import re
import string
import types
import typing
import unittest.mock
import uuid
import xml.etree.ElementTree
import zoneinfo
from typing import Any

from perdure import flow, task
from tests.core.identity_kinds import (
    Part,
    booleans,
    data,
    floats,
    kind,
    lists,
    made,
    numbers,
    one_of,
    shuffled,
    texts,
    words,
)

word_lists = Part(words, 50)

# Plain values and containers.
kind("bool", lambda value: value, value=booleans)
kind("int", lambda value: value, value=numbers)
kind("int of many digits", lambda value, power: value + 10**power, value=numbers, power=one_of(4299, 4300, 5000, 9000))
kind("float", lambda value: value, value=floats)
kind("special float", lambda value: value, value=one_of(0.0, -0.0, float("inf"), float("-inf"), float("nan"), 5e-324))
kind("complex", complex, real=floats, imag=floats)
kind("str", lambda value: value, value=texts)
kind("surrogates", lambda value: value, value=one_of("\ud800", "\udfff", "\ud800\udfff", "ud800"))
kind("bytes", lambda value: value, value=data)
kind("bytearray", bytearray, source=data)
kind("memoryview", memoryview, object=data)
kind("number of some type", lambda value: value, value=one_of(1, 1.0, True, "1", b"1", 1 + 0j, None))
kind("list", lambda a, b: [a, [b, a]], a=numbers, b=texts)
kind("tuple", lambda a, b: (a, (b, a)), a=numbers, b=texts)
kind(
    "how lists are nested",
    lambda value: value,
    value=one_of([[1], 2], [[1, 2]], [1, [2]], [1, 2], [[], 1, 2], [(1, 2)]),
)
kind("dict", lambda key, value: {key: value, "z": 1}, key=texts, value=numbers)
kind("order of a dict", dict, iterable=one_of(*([(k, 1) for k in order] for order in ("abc", "acb", "cab"))))
kind("dict of odd keys", lambda key, value: {key: value}, key=one_of(1, 1.5, None, (1, 2), b"k", "k"), value=lists)
kind("set", lambda words: set(shuffled(words)), words=word_lists)
kind("frozenset", lambda words: frozenset(shuffled(words)), words=word_lists)
kind("set in a tuple in a dict", lambda words, key: {key: (set(shuffled(words)),)}, words=word_lists, key=texts)
kind(
    "set of tuples",
    lambda words, number: {(word, number) for word in shuffled(words)},
    words=word_lists,
    number=numbers,
)
kind("slice", lambda a, b, c: slice(a, b, c), a=numbers, b=numbers, c=numbers)


def looped(value: int, depth: int) -> list[Any]:
    loop: list[Any] = [value]
    inner = loop
    for _ in range(depth):
        inner.append([])
        inner = inner[-1]
    inner.append(loop)
    return loop


kind("list that contains itself", looped, value=numbers, depth=Part(int, 9))


def nested(value: int, depth: int) -> Any:
    held: Any = value
    for _ in range(depth):
        held = [held]
    return held


kind("deep list", nested, value=numbers, depth=Part(lambda number: 900 + number, 500))
kind("range", lambda start, stop: range(start, stop), start=Part(int, 9), stop=Part(lambda n: n + 20, 20))
kind("range by step", lambda step: range(0, 100, step), step=Part(lambda n: n + 1, 9))

# collections
kind("deque", collections.deque, iterable=lists, maxlen=one_of(None, 5, 6))
kind(
    "OrderedDict",
    lambda items: collections.OrderedDict(items),
    items=one_of([("a", 1), ("b", 2)], [("b", 2), ("a", 1)], [("a", 1), ("b", 3)]),
)
kind("defaultdict", lambda of, a: collections.defaultdict(of, a=a), of=one_of(list, dict, int, None), a=numbers)
kind("Counter", lambda a, b: collections.Counter(a=a, b=b), a=numbers, b=numbers)
kind("ChainMap", lambda a, b: collections.ChainMap({"a": a}, {"a": b}), a=numbers, b=numbers)
kind("UserDict", lambda a: collections.UserDict(a=a), a=lists)
kind("UserList", collections.UserList, initlist=lists)
kind("UserString", collections.UserString, seq=texts)
kind("array", lambda code, values: array.array(code, values), code=one_of(*"bhlqfd"), values=lists)
kind(
    "SimpleNamespace", lambda a, words: types.SimpleNamespace(a=a, b=set(shuffled(words))), a=numbers, words=word_lists
)
kind("mappingproxy", lambda a: types.MappingProxyType({"a": a}), a=lists)
kind("keys of a dict", lambda a, b: {a: 1, b + "'": 2}.keys(), a=texts, b=texts)
kind("values of a dict", lambda a: {"a": a}.values(), a=lists)
kind("list iterator", lambda values, taken: _taken(iter(values), taken), values=lists, taken=Part(int, 2))


def _taken(items: Any, count: int) -> Any:
    for _ in range(count):
        next(items)
    return items


# Times.
ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Asia/Tokyo")
days = Part(lambda number: number % 28 + 1, 28)
kind("date", lambda year, day: dt.date(year, 2, day), year=Part(lambda n: 1900 + n, 200), day=days)
kind(
    "time",
    lambda hour, us, fold: dt.time(hour, 1, 2, us, fold=fold),
    hour=Part(int, 24),
    us=Part(int, 999),
    fold=Part(int, 2),
)
kind(
    "time with a zone",
    lambda hour, zone: dt.time(hour, tzinfo=zone),
    hour=Part(int, 24),
    zone=one_of(dt.UTC, None, dt.timezone(dt.timedelta(hours=1))),
)
kind(
    "datetime",
    lambda day, us, fold: dt.datetime(2024, 2, day, 1, 2, 3, us, fold=fold),
    day=days,
    us=Part(int, 999),
    fold=Part(int, 2),
)
kind(
    "datetime in UTC",
    lambda day, zone: dt.datetime(2024, 2, day, tzinfo=zone),
    day=days,
    zone=one_of(dt.UTC, None, dt.timezone(dt.timedelta(0), "Z"), dt.timezone(dt.timedelta(hours=1))),
)
kind(
    "datetime in a zone",
    lambda day, zone, fold: dt.datetime(2024, 10, day, 2, tzinfo=zoneinfo.ZoneInfo(zone), fold=fold),
    day=days,
    zone=one_of(*ZONES),
    fold=Part(int, 2),
)
kind("timedelta", lambda days, us: dt.timedelta(days, 0, us), days=numbers, us=Part(int, 999))
kind("timezone", lambda hours, name: dt.timezone(dt.timedelta(hours=hours), name), hours=Part(int, 20), name=texts)
kind("ZoneInfo", zoneinfo.ZoneInfo, key=one_of(*ZONES))


class Zone(dt.tzinfo):
    def __init__(self, minutes: int = 0, names: Any = ()) -> None:
        self.minutes, self.names = minutes, set(shuffled(names))


kind(
    "datetime in a zone of the user's",
    lambda minutes, words: dt.datetime(2024, 1, 1, tzinfo=Zone(minutes, words)),
    minutes=numbers,
    words=word_lists,
)


class Day(dt.date):
    label: str

    @classmethod
    def of(cls, day: int, label: str) -> "Day":
        new = cls(2024, 2, day)
        new.label = label
        return new


kind("class derived from date, with an attribute", Day.of, day=days, label=texts)

# Numbers, names, patterns, memory.
kind(
    "Decimal",
    decimal.Decimal,
    value=one_of("1", "1.0", "1.00", "-1", "NaN", "sNaN", "-0", "0", "Infinity", "1E+5"),
)
kind("Fraction", fractions.Fraction, numerator=numbers, denominator=one_of(2003, 2011, 2017))
kind("UUID", lambda number: uuid.UUID(int=number + 500), number=numbers)
for flavour in (pathlib.Path, pathlib.PurePosixPath, pathlib.PureWindowsPath):
    kind(flavour.__name__, lambda name, flavour=flavour: flavour("a/a", name, "a"), name=Part(lambda n: f"t{n}", 99))
kind("flavour of a path", lambda of: of("a"), of=one_of(pathlib.Path, pathlib.PurePosixPath, pathlib.PureWindowsPath))
kind("IPv4Address", lambda number: ipaddress.IPv4Address(number + 500), number=numbers)
kind("IPv6Network", lambda prefix: ipaddress.ip_network(f"2001:db8::/{prefix}"), prefix=Part(lambda n: n + 32, 90))
kind("pattern", re.compile, pattern=texts, flags=one_of(0, re.IGNORECASE, re.MULTILINE))
kind("Template", string.Template, template=texts)
kind("BytesIO", lambda value, at: _at(io.BytesIO(value), at), value=data, at=Part(int, 3))
kind("StringIO", lambda value, at: _at(io.StringIO("..." + value), at), value=texts, at=Part(int, 3))
kind("Random", random.Random, x=numbers)
kind("function of random", lambda of: of, of=one_of(random.random, random.choice, random.shuffle, random.gauss))
kind("structure of C", lambda a, b: Structure(a, b), a=numbers, b=floats)
kind("element of XML", lambda a, text: _element(a, text), a=texts, text=texts)
kind(
    "annotation",
    lambda of: of,
    of=one_of(*(typing.Annotated[int, n] for n in range(3)), typing.Literal[1], typing.Literal["1"], typing.Callable),
)
kind("message", lambda subject: _message(subject), subject=Part(lambda n: f"text {n}", 99))
kind("generic alias", lambda of, item: of[item], of=one_of(list, set, type), item=one_of(int, str, float))
kind("union of types", lambda item: item | None, item=one_of(int, str, float))
kind("typing alias", lambda of, item: of[item], of=one_of(typing.Iterable, typing.Sequence), item=one_of(int, str))


class Structure(ctypes.Structure):
    _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_double))


def _element(a: str, text: str) -> Any:
    found = xml.etree.ElementTree.Element("element", {"a": a})
    found.text = text
    return found


def _message(subject: str) -> Any:
    found = email.message.EmailMessage()
    found["Subject"] = subject
    return found


def _at(file: Any, place: int) -> Any:
    file.seek(place)
    return file


# Enums.
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    GREEN = "x"


class Shade(enum.Enum):
    RED = 1
    BLUE = 2
    GREEN = "x"


class Right(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Name(enum.StrEnum):
    ONE = "1"
    TWO = "2"


kind("Enum", lambda member: member, member=one_of(*Colour, *Shade))
kind("Flag", lambda bits: Right(bits), bits=Part(int, 8))
kind("IntEnum", lambda member: member, member=one_of(*Level, 1, 2))
kind("StrEnum", lambda member: member, member=one_of(*Name, "1", "2"))
kind("Enum made in a function", lambda red: enum.Enum("Made", {"RED": red, "BLUE": 2000}).RED, red=numbers)  # type: ignore[attr-defined]


# Named tuples, subclasses, objects.
Point = collections.namedtuple("Point", "x y")
Place = collections.namedtuple("Place", "x y")


class Typed(typing.NamedTuple):
    x: int
    y: Any = None


class Marked(Point):
    pass


kind("namedtuple", Point, x=numbers, y=texts)
kind("which namedtuple", lambda of: of(1, 2), of=one_of(Point, Place, Typed, Marked, lambda *a: a))
kind("NamedTuple", Typed, x=numbers, y=texts)
kind("namedtuple with an attribute", lambda x, mark: _with(Marked(x, 2), mark=mark), x=numbers, mark=texts)


def _with(value: Any, **attributes: Any) -> Any:
    for name, item in shuffled(attributes.items()):
        setattr(value, name, item)
    return value


class Text(str):
    pass


class Count(int):
    pass


class Items(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Tags(set):  # type: ignore[type-arg]
    pass


class Frozen(frozenset):  # type: ignore[type-arg]
    pass


class Pair(tuple):  # type: ignore[type-arg]
    pass


kind("class derived from str", lambda value, unit: _with(Text(value), unit=unit), value=texts, unit=texts)
kind("class derived from int", lambda value, unit: _with(Count(value), unit=unit), value=numbers, unit=texts)
kind("class derived from list", lambda value, unit: _with(Items(value), unit=unit), value=lists, unit=texts)
kind("class derived from dict", lambda value, unit: _with(Table(a=value), unit=unit), value=lists, unit=texts)
kind(
    "class derived from set", lambda value, unit: _with(Tags(shuffled(value)), unit=unit), value=word_lists, unit=texts
)
kind(
    "class derived from frozenset",
    lambda value, unit: _with(Frozen(shuffled(value)), unit=unit),
    value=word_lists,
    unit=texts,
)
kind("class derived from tuple", lambda value, unit: _with(Pair(value), unit=unit), value=lists, unit=texts)
kind(
    "which class",
    lambda of: of("12"),
    of=one_of(str, Text, list, Items, tuple, Pair, set, Tags, frozenset, Frozen, int, Count),
)


class Plain:
    def __init__(self, **values: Any) -> None:
        _with(self, **values)

    def read(self) -> Any:
        return vars(self)

    @functools.cached_property
    def area(self) -> int:
        return 1


class Other(Plain):
    pass


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


class MoreSlots(Slots):
    __slots__ = ("c",)


class Loose(Slots):
    pass


class Declared(Plain):
    def __getstate__(self) -> Any:
        return {"a": self.a}  # type: ignore[attr-defined]


class Reduced(Plain):
    def __reduce__(self) -> Any:
        return Reduced, (), {"a": self.a}  # type: ignore[attr-defined]


class Made(Plain):
    def __getnewargs_ex__(self) -> Any:
        return (self.a,), {"b": 1}  # type: ignore[attr-defined]

    def __new__(cls, *_: Any, **__: Any) -> "Made":
        return super().__new__(cls)


def looked_at(value: Any, *names: str) -> Any:
    for name in names:
        if random.random() < 0.5:
            getattr(value, name)
    return value


kind("object", lambda a, b: Plain(a=a, b=b), a=numbers, b=texts)
kind("object that holds a set", lambda a, words: Plain(a=a, b={"c": set(shuffled(words))}), a=numbers, words=word_lists)
kind("object with texts that are equal", lambda a: Plain(a=a, b="".join(list(a)), c=[a, a]), a=texts)
kind("which class of object", lambda of: of(a=1), of=one_of(Plain, Other, types.SimpleNamespace))
kind("object with a cached property", lambda a: looked_at(Plain(a=a), "area"), a=numbers)
kind("slots", Slots, a=numbers, b=texts)
kind("slots of a derived class", lambda a, c: _with(MoreSlots(a, 1), c=c), a=numbers, c=texts)
kind("slots and attributes", lambda a, c: _with(Loose(a, 1), c=c), a=numbers, c=texts)
kind("object that declares its state", lambda a: Declared(a=a, b=object()), a=numbers)
kind("object that reduces itself", lambda a: Reduced(a=a, b=random.random()), a=numbers)
kind("object made from arguments", lambda a: Made(a=a), a=numbers)
kind("object without state", lambda of: of(), of=one_of(object, Plain, Other))
kind("objects that hold each other", lambda a: _pair(a), a=numbers)


def _pair(a: int) -> Any:
    one, other = Plain(a=a), Plain(b=a)
    one.other, other.other = other, one  # type: ignore[attr-defined]
    return one


# Exceptions.
class Refused(Exception):
    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


kind("exception", lambda of, text: of(text), of=one_of(ValueError, TypeError, KeyError), text=texts)
kind("exception with an attribute", lambda text, code: Refused(text, code), text=texts, code=numbers)
kind("exception with a note", lambda text, note: _noted(ValueError(text), note), text=texts, note=texts)
kind("group of exceptions", lambda text: ExceptionGroup(text, [ValueError(text)]), text=Part(lambda n: f"t{n}", 99))


kind("cause of an exception", lambda text, cause: _caused(ValueError(text), cause), text=texts, cause=texts)


def _caused(error: Exception, cause: str) -> Exception:
    error.__cause__ = KeyError(cause)
    return error


def _noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


# Dataclasses.
@dataclasses.dataclass
class Base:
    x: Any


@dataclasses.dataclass
class Twin:
    x: Any


class Sub(Base):
    def __init__(self, x: Any, y: Any) -> None:
        super().__init__(x)
        self.y = y


@dataclasses.dataclass
class Scaled:
    x: int
    by: dataclasses.InitVar[int] = 1

    def __post_init__(self, by: int) -> None:
        self.scaled = [self.x, by]


@dataclasses.dataclass(frozen=True, slots=True)
class Tight:
    x: Any
    y: Any = None


@dataclasses.dataclass(slots=True)
class TightBase:
    x: Any


class TightSub(TightBase):
    __slots__ = ("y",)


@dataclasses.dataclass
class Listed(list):  # type: ignore[type-arg]
    x: Any = None


@dataclasses.dataclass
class Unset:
    x: Any
    y: Any = dataclasses.field(init=False)


kind("dataclass", lambda x: Base(x), x=lists)
kind("which dataclass", lambda of: of(1), of=one_of(Base, Twin, Tight, TightBase))
kind("class derived from a dataclass", Sub, x=numbers, y=texts)
kind("dataclass with an InitVar", lambda x, by: Scaled(x, by), x=numbers, by=numbers)
kind("frozen dataclass with slots", Tight, x=numbers, y=texts)
kind("slots beside a dataclass's", lambda x, y: _with(TightSub(x), y=y), x=numbers, y=texts)
kind("dataclass that is a list", lambda items, x: _extended(Listed(x), items), items=lists, x=numbers)
kind(
    "dataclass without a value for a field",
    lambda x, y: _with(Unset(x), **y),
    x=numbers,
    y=one_of({}, {"y": 1}, {"y": None}),
)
kind("dataclass with an attribute beside", lambda x, y: _with(Base(x), y=y), x=numbers, y=texts)
kind("dataclass that holds sets", lambda words: Base({"a": set(shuffled(words))}), words=word_lists)


def _extended(value: Any, items: list[Any]) -> Any:
    value.extend(items)
    return value


# Code.
def adder(n: Any) -> Any:
    def add(x: Any) -> Any:
        return x + n

    return add


def scaler(n: Any, by: Any = 2) -> Any:
    return lambda x, m=n, *, k=by: x * m * k


def counter(start: Any) -> Any:
    seen = set(shuffled(start))

    def count(x: Any) -> Any:
        seen.add(x)
        return count if x else len(seen)

    return count


def decorated(text: str) -> Any:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return text, function(*args)

        return wrapper

    return decorate(adder(1))


LAMBDAS = (lambda x: x, lambda x: x + 1, lambda x: x in {"a", "b", "c"}, lambda x: x in {"a", "b"}, lambda x: [x])


def first(x: Any) -> Any:
    return x


def second(x: Any) -> Any:
    return x, 1


def dispatching(a: Any, b: Any) -> Any:
    @functools.singledispatch
    def dispatch(value: Any) -> Any:
        return value

    for of, implementation in ((int, a), (str, b)):
        dispatch.register(of, implementation)
    dispatch(1.5)  # which it remembers
    return dispatch


def _dispatched(n: int) -> Any:
    found = functools.singledispatchmethod(lambda self, x: x)
    found.register(int)(lambda self, x: x + n)
    return found


@task
def load(x: Any) -> Any:
    return x


@task
def store(x: Any) -> Any:
    return x, 1


class Loader:
    def __init__(self, a: Any) -> None:
        self.a = a

    @task
    def load(self) -> Any:
        return self.a


kind("closure", adder, n=numbers)
kind("closure over a list", adder, n=lists)
kind("lambda with defaults", scaler, n=numbers, by=texts)
kind(
    "closure over an object with a set", lambda a, of: adder(Plain(a=a, b=set(shuffled(of)))), a=numbers, of=word_lists
)
kind("closure over objects that hold each other", lambda a: adder(_pair(a)), a=numbers)
kind("closure over a function", lambda a: adder(adder(a)), a=numbers)
kind("closure over what is only remembered", lambda a: adder(looked_at(Plain(a=a), "area")), a=numbers)
kind("closure over a set, and itself", counter, start=word_lists)
kind("decorated function", decorated, text=texts)
kind("lambda", lambda of: of, of=one_of(*LAMBDAS))
kind("function", lambda of: of, of=one_of(first, second, adder, len, operator.add, re.escape))
kind("function with an attribute", lambda unit: _with(adder(1), unit=unit), unit=texts)
kind("partial", lambda of, a, b: functools.partial(of, a, key=b), of=one_of(first, second), a=numbers, b=texts)
kind("partial of a closure", lambda a, b: functools.partial(adder(a), b), a=numbers, b=numbers)
kind(
    "keywords of a partial",
    lambda a, b: functools.partial(first, **dict(shuffled({"a": a, "b": b}.items()))),
    a=texts,
    b=texts,
)
kind("method", lambda a, name: getattr(Plain(a=a), name), a=numbers, name=one_of("read", "__init__"))
kind("method of a class", lambda of: of, of=one_of(Day.of, Plain.read, Day.today))
kind("method of a builtin", lambda text, name: getattr(text, name), text=texts, name=one_of("upper", "lower"))
kind("singledispatch", dispatching, a=one_of(first, second, len), b=one_of(first, second, len))
kind("singledispatchmethod", lambda n: _dispatched(n), n=numbers)
kind("partialmethod", lambda n: functools.partialmethod(first, n), n=numbers)
kind("cached function", lambda n, size: functools.lru_cache(size)(adder(n)), n=numbers, size=one_of(1, 2, None))
kind("itemgetter", lambda item: operator.itemgetter(item), item=numbers)
kind("attrgetter", lambda name: operator.attrgetter(name), name=Part(lambda n: f"a{n}", 99))
kind(
    "methodcaller",
    lambda name, value: operator.methodcaller(name, value),
    name=Part(lambda n: f"a{n}", 99),
    value=numbers,
)
kind("task", lambda n, retries: task(retries=retries)(adder(n)), n=numbers, retries=Part(int, 9))
kind("flow", lambda n, name: flow(name=name)(adder(n)), n=numbers, name=Part(lambda n: f"flow {n}", 99))
kind("task of a module", lambda of, n: of.with_options(retries=n), of=one_of(load, store), n=Part(int, 9))
kind("method that is a task", lambda a: Loader(a).load, a=numbers)
kind("code", lambda of: of.__code__, of=one_of(*LAMBDAS))
kind("mock", lambda a, result: unittest.mock.Mock(a=a, return_value=result), a=numbers, result=texts)
kind("tree of code", lambda text: ast.parse(f"a = {text!r}"), text=texts)
kind("class", lambda of: of, of=one_of(Plain, Other, int, str, Colour, Shade, dict, collections.Counter, Zone))
kind("class made in a function", lambda a: _class(a), a=one_of(1, 2, 3))
kind("module", lambda of: of, of=one_of(re, string, io))
kind("property", lambda of: property(of), of=one_of(*LAMBDAS))
kind(
    "staticmethod",
    lambda of, as_class: (classmethod if as_class else staticmethod)(of),
    of=one_of(*LAMBDAS),
    as_class=booleans,
)
kind(
    "objects that hold functions",
    lambda n, words: Plain(a=adder(n), b=set(shuffled(words))),
    n=numbers,
    words=word_lists,
)


def _class(a: int) -> type:
    return type("Local", (Plain,), {"a": a, "__module__": __name__, "__qualname__": "_class.<locals>.Local"})


kind(
    "dict of all sorts",
    lambda a, b, c: {"a": [a, {"b": b}], "c": Base((c, Colour.RED))},
    a=numbers,
    b=made(lambda: {1, 2}, lambda: frozenset({1, 2}), lambda: [1, 2]),
    c=texts,
)
