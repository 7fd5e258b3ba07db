"""What differs between two values."""

import re
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from perdure._results.comparison import compare
from perdure._results.comparison_changes import MAX_CHANGES, Change
from perdure._results.comparison_lines import differing_lines


def changes(before: Any, after: Any) -> list[tuple[str, str]]:
    return [(each.kind, each.path) for each in compare(before, after).changes]


def only(before: Any, after: Any) -> Change:
    (change,) = compare(before, after).changes
    return change


def test_dictionaries_are_compared_by_key_at_any_depth():
    before, after = {"a": {"x": 1, "y": 2}, "gone": 0}, {"a": {"x": 1, "y": 3}, "new": 0}
    assert changes(before, after) == [("changed", "['a']['y']"), ("removed", "['gone']"), ("added", "['new']")]


def test_one_item_put_into_a_list_is_one_change():
    assert changes([1, 2, 3, 4], [1, 2, 99, 3, 4]) == [("added", "[2]")]
    assert changes([1, 2, 3, 4], [2, 3, 4]) == [("removed", "[0]")]


def test_a_text_is_compared_by_line():
    assert only("a\nb\nc", "a\nB\nc").lines == ("@@ -1,3 +1,3 @@", " a", "-b", "+B", " c")


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Box:
    corner: Point


class Model(BaseModel):
    box: Box


def test_models_dataclasses_and_named_tuples_are_compared_by_field():
    assert changes(Model(box=Box(Point(1, 2))), Model(box=Box(Point(1, 3)))) == [("changed", ".box.corner.y")]


class Plain:
    def __init__(self, number: int) -> None:
        self.number = number


def test_an_object_that_knows_no_equality_is_compared_by_its_attributes():
    assert not changes(Plain(1), Plain(1))
    assert changes(Plain(1), Plain(2)) == [("changed", ".number")]


def test_two_functions_are_not_taken_for_the_same():
    assert changes(len, sum) == [("changed", "")]
    assert changes(lambda: 1, lambda: 2) == [("changed", "")]


def test_sets_and_exceptions_are_compared_by_what_they_hold():
    assert changes({1, 2}, {2, 3}) == [("removed", ""), ("added", "")]
    assert changes(ValueError("a"), ValueError("b")) == [("changed", ".args[0]")]


def test_another_type_is_a_change_but_an_equal_number_is_not():
    change = only([1], ["1"])
    assert (change.kind, change.before, change.after) == ("retyped", "int 1", "str '1'")
    assert not changes(1, 1.0)


def test_values_that_hold_themselves_are_compared():
    before: list[Any] = [1]
    after: list[Any] = [2]
    before.append(before)
    after.append(after)
    assert changes(before, after) == [("changed", "[0]")]


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_values_whose_own_code_fails_are_taken_to_differ():
    assert changes(Hostile(), Hostile()) == [("changed", "")]


def test_changes_beyond_a_limit_are_only_counted():
    found = compare(list(range(1_000)), list(range(1, 1_001))[::-1])
    assert len(found.changes) == MAX_CHANGES
    assert len(found.changes) + found.more <= 1_000


def test_an_array_is_compared_by_region():
    before = numpy.zeros((100, 10))
    after = before.copy()
    after[3:5, 2:4] = -1.5
    after[50, 9] = numpy.nan
    change = only(before, after)
    assert (change.count, change.total, change.largest) == (5, 1_000, 1.5)
    assert change.regions == ("[3:5, 2:4]", "[50:51, 9:10]")
    assert change.samples[0] == ("[3, 2]", "0.0", "-1.5")


def test_arrays_larger_than_a_slab_are_compared_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("perdure._results.comparison_arrays._SLAB", 10)
    before = numpy.zeros((10, 4))
    after = before.copy()
    after[1:8, 1] = 1
    assert only(before, after).regions == ("[1:8, 1:2]",)


def test_shape_and_type_of_an_array_are_changes():
    assert changes(numpy.zeros(3), numpy.zeros(4)) == [("changed", ".shape")]
    assert changes(numpy.zeros(3), numpy.zeros(3, "f4")) == [("changed", ".dtype")]
    assert not changes(numpy.array([1.0, numpy.nan]), numpy.array([1.0, numpy.nan]))


FRAMES = [pandas.DataFrame, polars.DataFrame, pyarrow.table]
BEFORE = {"x": [1.0, 2.0, None], "s": ["a", "b", "c"], "gone": [1, 2, 3]}
AFTER = {"x": [1.0, 2.5, None], "s": ["a", "b", "d"], "new": [1, 2, 3]}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_table_is_compared_by_column(frame: Any):
    found = {each.path: each for each in compare(frame(BEFORE), frame(AFTER)).changes}
    assert {path: each.kind for path, each in found.items()} == {
        "['x']": "changed",
        "['s']": "changed",
        "['gone']": "removed",
        "['new']": "added",
    }
    assert (found["['x']"].count, found["['x']"].total, found["['x']"].largest) == (1, 3, 0.5)
    assert found["['s']"].samples == (("row 2", "'c'", "'d'"),)


@pytest.mark.parametrize("frame", FRAMES)
def test_rows_that_are_missing_are_one_change(frame: Any):
    before, after = frame({"x": [1, 2, 3]}), frame({"x": [1, 2]})
    change = only(before, after)
    assert (change.kind, change.path, change.count) == ("removed", ".rows", 1)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_column_of_another_type_is_retyped(frame: Any):
    found = compare(frame({"x": [1, 2]}), frame({"x": ["1", "2"]})).changes
    assert [each.kind for each in found] == ["retyped", "changed"]


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_of_lists_are_compared(frame: Any):
    assert only(frame({"x": [[1], [2]]}), frame({"x": [[1], [3]]})).count == 1


def test_the_index_of_a_table_is_a_column():
    before = pandas.DataFrame({"x": [1, 2]}, index=["a", "b"])
    assert changes(before, before.rename(index={"b": "c"})) == [("changed", "['index']")]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(plain)
def test_a_value_is_the_same_as_its_copy(value: Any):
    import copy

    assert not compare(value, copy.deepcopy(value)).changes


@pytest.mark.slow
@given(plain, plain)
def test_values_differ_if_they_are_not_equal(before: Any, after: Any):
    # Their texts tell NaN from NaN as little as the comparison does; equal numbers of two types are the same.
    if repr(before) == repr(after):
        assert not compare(before, after).changes
    elif before != after and "nan" not in repr((before, after)):
        assert compare(before, after).changes


def test_tables_with_an_index_of_several_levels_are_compared_level_by_level() -> None:
    index = pandas.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", None])
    one = pandas.DataFrame({"x": range(4)}, index)
    other = pandas.DataFrame({"x": range(4)}, index.set_levels([1, 3], level=1))
    assert compare(one, one.copy()).changes == []
    assert [change.path for change in compare(one, other).changes] == ["['index 1']"]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_differing_lines_turn_the_one_text_into_the_other(one: list[str], other: list[str]) -> None:
    lines = differing_lines("\n".join(one), "\n".join(other))
    assert (lines == ()) == (one == other)
    assert applied(one, lines) == other


def applied(text: list[str], lines: tuple[str, ...]) -> list[str]:
    """What a patch makes of a text."""
    made, at = [], 0
    for line in lines:
        if head := re.fullmatch(r"@@ -(\d+)(,(\d+))? \+(\d+)(,(\d+))? @@", line):
            begin = int(head[1]) - (head[3] != "0")
            made += text[at:begin]
            at = begin
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert text[at] == line[1:]
            at += 1
            made += [line[1:]] if line[0] == " " else []
    return made + text[at:]


def _lines(text: str, step: int, modulus: int) -> str:
    return "\n".join(f"{text}{i * step % modulus}" for i in range(20_000))


CRAFTED = [
    *((_lines("x" * 40, 1, modulus), _lines("x" * 40, 31, modulus)) for modulus in (7, 97, 20_000)),
    ("\n".join("ab"[i % 2] + str(i // 150) for i in range(20_000)), "\n".join("ba"[i % 2] for i in range(20_000))),
    ("a\n" * 300_000, "b\n" * 300_000),
    (["a\nb"] * 100_000, ["a\nc"] * 100_000),
    ({str(i): [i] for i in range(100_000)}, {str(i): [i + 1] for i in range(100_000)}),
    ({str(i): i for i in range(100_000)}, {f"x{i}": i for i in range(100_000)}),
]


@pytest.mark.parametrize(("one", "other"), CRAFTED, ids=range(len(CRAFTED)))
def test_a_comparison_of_crafted_values_takes_no_seconds(one: object, other: object) -> None:
    began = time.process_time()
    assert compare(one, other).changes
    assert time.process_time() - began < 2
