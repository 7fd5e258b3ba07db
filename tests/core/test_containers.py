"""Futures inside containers of every kind: they are found and replaced, and all else of the container stays."""

import dataclasses
import sys
import time
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from collections.abc import Callable
from enum import Enum
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pydantic
import pydantic.v1
import pytest

from perdure import allow_failure
from perdure._run.arguments import replace_upstreams, upstreams_in
from perdure._run.pending import Pending

Pair = namedtuple("Pair", "one other")


class TypedPair(NamedTuple):
    one: Any
    other: int = 2


class Limited(list[Any]):
    """A list with an attribute."""

    limit = 0


class Upper(dict[str, Any]):
    """A dict that changes what is set."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.upper(), value)


@dataclasses.dataclass(frozen=True)
class Point:
    x: Any
    y: Any = dataclasses.field(default=None, init=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: Any


class Attrs:
    """What attrs makes of a class, as far as it can be seen."""

    __slots__ = ("hidden", "x")
    __attrs_attrs__ = (SimpleNamespace(name="x"),)

    def __init__(self, x: Any) -> None:
        self.x, self.hidden = x, "kept"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)

    x: Any
    n: int = 1


class OldModel(pydantic.v1.BaseModel):
    x: Any
    n: int = 1


def limited(value: Any) -> Limited:
    made = Limited([value])
    made.limit = 5
    return made


def upper(value: Any) -> Upper:
    made = Upper()
    made["a"] = value
    return made


MAKERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda value: [1, value],
    "tuple": lambda value: (1, value),
    "dict": lambda value: {"a": value},
    "keys of a dict": lambda value: {value: "a"},
    "set": lambda value: {value},
    "frozenset": lambda value: frozenset({value}),
    "deque": lambda value: deque([0, value], maxlen=2),
    "namespace": lambda value: SimpleNamespace(a=value, b=2),
    "chain map": lambda value: ChainMap({"a": value}, {"b": 2}),
    "user dict": lambda value: UserDict({"a": value}),
    "user list": lambda value: UserList([value]),
    "mapping proxy": lambda value: MappingProxyType({"a": value}),
    "values": lambda value: {"a": value}.values(),
    "keys": lambda value: {value: 1}.keys(),
    "items": lambda value: {"a": value}.items(),
    "ordered values": lambda value: OrderedDict(a=value).values(),
    "values of a user dict": lambda value: UserDict({"a": value}).values(),
    "defaultdict": lambda value: defaultdict(list, {"a": value}),
    "ordered dict": lambda value: OrderedDict([("b", value), ("a", 1)]),
    "counter": lambda value: Counter({value: 3}),
    "named tuple": lambda value: Pair(value, 1),
    "typed named tuple": lambda value: TypedPair(value),
    "subclass of list": limited,
    "subclass of dict": upper,
    "dataclass": lambda value: Point(value),
    "dataclass with slots": lambda value: Slotted(value),
    "attrs": lambda value: Attrs(value),
    "pydantic": lambda value: Model(x=value),
    "pydantic's extras": lambda value: Model(x=1, more=[value]),
    "pydantic 1": lambda value: OldModel(x=value),
    "one inside another": lambda value: deque([{"a": Point((SimpleNamespace(b=[value]),))}]),
}


def shown(value: Any) -> str:
    """What equal values have in common, for those that say nothing by `==`."""
    if isinstance(value, Attrs):
        return f"{value.x} {value.hidden}"
    return f"{value!r} {getattr(value, 'maxlen', None)} {getattr(value, 'limit', None)}"


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_a_future_inside_is_found_and_replaced(make: Callable[[Any], Any]) -> None:
    future = Pending("run")
    value = make(future)
    before = shown(value)

    replaced = replace_upstreams(value, lambda *_: 7)

    assert upstreams_in([value]) == [future]
    assert type(replaced) is type(value)
    assert shown(replaced) == shown(make(7))
    assert shown(value) == before


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_without_a_future_the_container_is_the_same(make: Callable[[Any], Any]) -> None:
    value = make(Enum("Colour", "RED").RED)  # type: ignore[attr-defined]

    assert replace_upstreams(value, lambda *_: 7) is value


def test_a_chain_map_still_writes_into_its_first_mapping() -> None:
    replaced = replace_upstreams(ChainMap({}, {"a": Pending("run")}), lambda *_: 7)

    replaced["b"] = 1

    assert replaced.maps == [{"b": 1}, {"a": 7}]


def test_what_is_in_two_places_is_one_object_again() -> None:
    shared = [Pending("run")]

    first, second = replace_upstreams([shared, shared], lambda *_: 7)

    assert first is second == [7]


def test_what_is_shared_many_times_over_is_looked_at_once() -> None:
    value: Any = [Pending("run")]
    for _ in range(100):
        value = [value, value]

    assert len(upstreams_in([value]) or []) == 1


def test_a_failure_is_allowed_where_it_is_marked_alone() -> None:
    shared = [Pending("run")]

    allowed = replace_upstreams([shared, allow_failure(shared), shared], lambda _, allow: allow)

    assert allowed == [[False], [True], [False]]


def nest(kind: str, depth: int) -> Any:
    value: Any = Pending("run")
    for _ in range(depth):
        value = [value] if kind == "list" else {"k": value} if kind == "dict" else (1, value)
    return value


@pytest.mark.parametrize("kind", ["list", "dict", "tuple"])
def test_a_future_is_found_twenty_thousand_levels_deep(kind: str) -> None:
    value = nest(kind, 20_000)

    replaced = replace_upstreams(value, lambda *_: 7)

    for _ in range(20_000):
        replaced = replaced["k"] if kind == "dict" else replaced[-1]
    assert replaced == 7


def rings() -> dict[str, Any]:
    in_list: list[Any] = [1]
    in_list.append(in_list)
    in_dict: dict[str, Any] = {"a": {}}
    in_dict["a"]["b"] = in_dict
    in_object = SimpleNamespace()
    in_object.me = [in_object]
    in_deque: Any = deque()
    in_deque.append((in_deque,))
    return {"list": in_list, "dict": in_dict, "namespace": in_object, "deque": in_deque}


@pytest.mark.parametrize("kind", rings())
def test_what_holds_itself_is_left_as_it_is(kind: str) -> None:
    ring = rings()[kind]

    assert replace_upstreams(ring, lambda *_: 7) is ring
    assert upstreams_in([[ring, Pending("run")]]) is not None


def test_a_million_numbers_are_recognised_at_a_glance() -> None:
    numbers = list(range(1_000_000))
    took = []
    for _ in range(3):
        begun = time.thread_time()
        assert upstreams_in([{"numbers": numbers}]) is None
        took.append(time.thread_time() - begun)

    assert min(took) < 0.25  # a look at each in Python takes more than that; at C's speed it is some 13 ms
    assert sys.getrefcount(numbers) < 10
