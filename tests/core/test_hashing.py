"""Digests of values: equal for equal values of the same types, in every process, and different otherwise."""

import dataclasses
import enum
import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perdure.core.errors import SerializationError
from perdure.engine.hashing import digest_of_values as digest

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
        return "dict", sorted((key, repr(typed(each))) for key, each in value.items())
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
def test_the_order_of_keys_does_not_count(value: dict[str, Any], random: Any) -> None:
    keys = random.sample(list(value), len(value))

    assert digest({key: value[key] for key in keys}) == digest(value)


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


def test_a_value_that_contains_itself_has_a_digest() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [2]
    other.append(other)

    assert digest(loop) == digest(loop) != digest(other)


def test_what_cannot_be_hashed_is_named_by_its_path() -> None:
    with pytest.raises(SerializationError, match=r"arguments\[1\]|x\[1\]"):
        digest({"x": [1, threading.Lock()]})


def test_digests_are_the_same_in_another_process() -> None:
    code = (
        "from perdure.engine.hashing import digest_of_values as d; print(d({'a': {'x','y','z'}, 'b': (1, 2.5)}, b'c'))"
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
