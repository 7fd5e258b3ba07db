"""Digests of values: equal for equal values of the same types, in every process, and different otherwise."""

import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perdure._engine.identity import former_hashing, walker
from perdure._engine.identity.former_hashing import digest_of_values as former
from perdure._engine.identity.hashing import digest_of_values as digest
from perdure._platform import programs
from perdure.errors import SerializationError

few = settings(max_examples=30, deadline=None)  # a busy machine is slow, not wrong

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.floats(allow_nan=False)
    | st.datetimes()
)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=10,
)


def typed(value: Any) -> Any:
    """The value with its types spelled out, so that 1, 1.0 and True differ."""
    if isinstance(value, list | tuple):
        return type(value).__name__, [typed(each) for each in value]
    if isinstance(value, dict):
        return "dict", [(key, repr(typed(each))) for key, each in value.items()]
    if isinstance(value, frozenset):
        return "frozenset", sorted(value)
    return type(value).__name__, repr(value)


@few
@given(values, values)
def test_digests_are_equal_where_values_and_types_are(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) is (typed(one) == typed(other))


@few
@given(values)
def test_a_digest_is_64_hexadecimal_characters(value: Any) -> None:
    assert len(digest(value)) == 64
    assert int(digest(value), 16) >= 0


@pytest.mark.slow
@few
@given(st.dictionaries(st.text(max_size=3), values, max_size=5), st.randoms())
def test_the_order_of_a_dict_counts_since_whoever_goes_through_it_sees_it(value: dict[str, Any], random: Any) -> None:
    keys = random.sample(list(value), len(value))

    assert (digest({key: value[key] for key in keys}) == digest(value)) is (keys == list(value))


@pytest.mark.slow
@few
@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_neighbouring_values_are_kept_apart(one: list[Any], other: list[Any]) -> None:
    assume(typed(one) != typed(other))

    assert digest(*one) != digest(*other)


def test_types_count() -> None:
    assert len({digest(each) for each in (1, 1.0, True, "1", b"1", [1], (1,), {1}, frozenset({1}), None)}) == 10


def test_dataclasses_and_enums_are_hashed_by_their_contents() -> None:
    @dataclasses.dataclass
    class Point:
        x: int

    class Colour(enum.Enum):
        RED = 1
        BLUE = 2

    assert digest(Point(1)) == digest(Point(1)) != digest(Point(2))
    assert digest(Colour.RED) == digest(Colour.RED) != digest(Colour.BLUE)


@few
@given(values)
def test_digests_of_plain_values_are_those_of_before(value: Any) -> None:
    assume("OrderedDict" not in repr(in_order(value)))

    assert digest(value) == former(value)


def in_order(value: Any) -> Any:
    """The value with each dict that is not in the order of its keys as an OrderedDict."""
    if isinstance(value, list | tuple):
        return [in_order(each) for each in value]
    if isinstance(value, dict):
        kind = dict if list(value) == sorted(value) else collections.OrderedDict
        return kind((key, in_order(each)) for key, each in value.items())
    return value


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (1, "13aaa720"),
        ("monday", "bc383efc"),
        ([1, (2.5, None)], "393d5c36"),
        ({"a": 1, "b": {b"x"}}, "bac3705f"),
        (signal.SIGINT, "874eeb5a"),
        (urllib.parse.SplitResult(*"abcde"), "031e3d19"),
        (datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC), "11d12403"),
        (decimal.Decimal("1.50"), "550e152d"),
        (uuid.UUID(int=7), "2b648cf5"),
        (10**4299, "cc823a4a"),
    ],
)
def test_digests_stay_what_they_were(value: Any, before: str) -> None:
    assert digest(value)[:8] == before


def test_arrays_and_tables_of_numbers_have_the_digests_of_before() -> None:
    import numpy
    import pandas

    table = pandas.DataFrame({"a": [1, 2], "b": [1.5, 2]})
    for value in (numpy.arange(4), numpy.zeros((2, 3)), numpy.array(["a", "bc"]), table, table["a"], table.index):
        assert digest(value) == former(value)


def test_classes_of_a_script_have_the_digests_of_when_it_was_the_main_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def made_in(module: str) -> Any:
        return dataclasses.make_dataclass("Order", ["count"], namespace={"__module__": module})(3)

    monkeypatch.setitem(programs._loaded, "sales_by_path", "sales")

    assert former(made_in("sales_by_path")) == former(made_in("__main__"))
    assert digest(made_in("sales_by_path")) == digest(made_in("sales")) == former(made_in("sales"))


def test_a_value_that_contains_itself_has_a_digest() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [2]
    other.append(other)

    assert digest(loop) == digest(loop) != digest(other)


def test_what_cannot_be_hashed_is_named_by_its_path() -> None:
    with pytest.raises(SerializationError, match=r"arguments\[1\]|x\[1\]"):
        digest({"x": [1, threading.Lock()]})


@pytest.mark.parametrize("depth", [900, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_value_may_be_nested_however_deep(depth: int) -> None:
    def nested(inner: Any) -> Any:
        for _ in range(depth):
            inner = [inner]
        return inner

    assert digest(nested(1)) == digest(nested(1)) != digest(nested(2))


def test_an_integer_of_any_length_has_a_digest_that_is_the_same_whatever_the_limit_of_digits() -> None:
    numbers = [10**600, 10**4299, 10**4300, 10**5000, 10**5000 + 1]
    code = "from perdure._engine.identity.hashing import digest_of_values as d; "
    code += "import sys; sys.set_int_max_str_digits({})\n"
    for limit in (640, 0):
        script = f"{code.format(limit)}for n in {[hex(each) for each in numbers]}: print(d(int(n, 16)))"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert other.stdout.split() == [digest(each) for each in numbers]


class Called:
    def __init__(self, of: int) -> None:
        self.of = of

    def __reduce__(self) -> str:
        return "CALLED"


CALLED = Called(0)


def test_a_value_that_says_what_it_is_called_counts_by_that_name() -> None:
    assert digest(CALLED) == digest(CALLED) != digest(np.exp2)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (threading.Lock, "a _thread.lock"),
        (lambda: (each for each in ()), "a builtins.generator"),
        (lambda: open(os.devnull), "a _io.TextIOWrapper"),  # noqa: SIM115, PTH123
        (socket.socket, "a socket.socket"),
        (lambda: sys._getframe(), "a builtins.frame"),
        (lambda: Called(1), "a test_hashing.Called"),  # by a name that leads to another one
        (lambda: np.frompyfunc(lambda x: x + 1, 1, 1), "a numpy.ufunc"),  # by one that leads nowhere
    ],
)
def test_what_cannot_be_digested_is_named_with_the_remedy(make: Any, what: str) -> None:
    class Client:
        def __init__(self) -> None:
            self.connections = {"main": [1, make()]}

    client = Client()
    expected = rf"The argument client.connections\['main'\]\[1\], {what}, cannot .* `cache_policy=INPUTS - 'client'`"
    with pytest.raises(SerializationError, match=expected):
        digest(client, path="client")
    getattr(client.connections["main"][1], "close", print)()


def test_the_order_of_plain_dicts_does_not_count_where_it_is_not_to() -> None:
    one, other = {"b": 1, "a": [{"d": 1, "c": 2}]}, {"a": [{"c": 2, "d": 1}], "b": 1}

    assert digest(one) != digest(other)
    assert digest(one, ordered=False) == digest(other, ordered=False)


def test_whether_parts_are_one_object_does_not_count() -> None:
    part = [1]

    assert digest([part, part]) == digest([[1], [1]])


def doubled(depth: int, leaf: Any) -> list[Any]:
    """Lists of which each holds the next one twice."""
    held = [leaf]
    for _ in range(depth):
        held = [held, held]
    return held


def test_what_is_held_again_and_again_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MANY", 10_000)

    assert digest(doubled(200, 1)) == digest(doubled(200, 1)) != digest(doubled(200, 2))


def test_what_earlier_versions_would_not_have_come_to_an_end_with_has_no_digest_of_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(former_hashing, "_MANY", 10_000)

    with pytest.raises(SerializationError, match="more than 10,000 parts"):
        former(doubled(200, 1))
    with pytest.raises(SerializationError, match="too deep"):
        former(functools.reduce(lambda inner, _: [inner], range(5_000), []))


def test_of_many_parts_too_it_does_not_count_whether_they_are_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MANY", 100)

    def apart(value: Any) -> Any:
        return [apart(each) for each in value] if isinstance(value, list) else value

    assert digest(doubled(9, {"a": 1})) == digest(apart(doubled(9, {"a": 1})))


def test_of_many_parts_too_one_may_hold_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MANY", 100)

    def loop(leaf: int) -> list[Any]:
        held: list[Any] = [leaf]
        held.append(doubled(9, held))
        return held

    assert digest(loop(1)) == digest(loop(1)) != digest(loop(2))


def test_digests_are_the_same_in_another_process() -> None:
    code = (
        "from perdure._engine.identity.hashing import digest_of_values as d; "
        "print(d({'a': {'x','y','z'}, 'b': (1, 2.5)}, b'c'))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert other.stdout.strip() == digest({"a": {"x", "y", "z"}, "b": (1, 2.5)}, b"c")


def test_equal_pandas_tables_have_one_digest_and_others_another() -> None:
    import pandas

    table = pandas.DataFrame({"a": [1, 2, 1], "b": ["x", "y", "z"]})
    pieces = [piece for _, piece in table.groupby("a")]
    again = [piece for _, piece in pickle.loads(pickle.dumps(table)).groupby("a")]
    assert [digest(piece) for piece in pieces] == [digest(piece) for piece in again]
    assert len({digest(each) for each in (table, table.rename(columns={"a": "c"}), table["a"], table.index)}) == 4
    assert digest(table) != digest(table.astype({"a": "float64"}))


def test_large_values_are_hashed_by_all_of_their_bytes() -> None:
    import numpy

    large = bytes(2_000_000)
    assert len({digest(each) for each in (large, large[:-1], large[:-1] + b"x", numpy.frombuffer(large, "u1"))}) == 4
    assert digest(numpy.zeros((500, 500))) == digest(numpy.asfortranarray(numpy.zeros((500, 500))))


class Holding:
    def __init__(self, held: object) -> None:
        self.held = [held, held]
        self.lock = threading.Lock()


CHAIN = functools.reduce(lambda held, _: Holding(held), range(40), Holding(None))


def test_a_function_that_names_objects_which_hold_others_again_and_again_is_digested_in_time() -> None:
    def first() -> object:
        return CHAIN

    assert digest(first) == digest(first)
