"""Previews: what may be shown of a value."""

import json
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from perdure.results import preview_of


def preview(value: object) -> dict[str, Any]:
    text = preview_of(value)
    assert text is not None
    assert text.isascii()
    assert len(text) <= 4_096 + 24 * 1024
    assert not set(text) & set("<>&")
    shown: dict[str, Any] = json.loads(text)
    assert len(text) - len(shown.get("thumbnail", "")) <= 4_096
    return shown


@pytest.mark.parametrize("value", [1, -2.5, True, None, [1, "a", [None]], {"a": {"b": [1]}}, {"key": "x"}, ["é"]])
def test_a_small_plain_value_is_shown_as_it_is(value: object):
    shown = preview(value)
    assert shown["kind"] == "json"
    assert shown["value"] == value


def test_the_type_is_named_in_full():
    assert preview([])["type"] == "builtins.list"
    assert preview(Decimal(1))["type"] == "decimal.Decimal"


def test_of_a_long_list_the_first_items_are_shown_and_the_others_counted():
    shown = preview(list(range(10_000)))
    assert shown["length"] == 10_000
    assert shown["value"][:3] == [0, 1, 2]
    assert shown["value"][-1] == f"… {10_000 - len(shown['value']) + 1:,} more"


def test_of_a_large_dict_the_first_entries_are_shown_and_the_others_counted():
    shown = preview({f"n{i}": i for i in range(1_000)})
    assert shown["value"]["n0"] == 0
    assert shown["value"]["…"] == f"{1_000 - len(shown['value']) + 1:,} more"


def test_a_deep_value_is_cut_at_a_depth():
    value: Any = "bottom"
    for _ in range(10_000):
        value = [value]
    assert "… 1 more" in json.dumps(preview(value), ensure_ascii=False)


def test_a_value_that_holds_itself_has_an_end():
    value: list[Any] = []
    value.append(value)
    assert preview(value)["length"] == 1


def test_wide_at_every_depth_still_fits():
    value: Any = "x" * 500
    for _ in range(6):
        value = {f"key {i} " + "k" * 50: value for i in range(30)}
    preview(value)


def test_keys_that_json_would_make_equal_stay_apart():
    assert preview({1: "a", "1": "b", (1, 2): "c"})["value"] == {"1": "a", "1'": "b", "[1, 2]": "c"}


def test_of_a_long_text_the_beginning_and_the_length_are_shown():
    shown = preview("ab" * 50_000)
    assert (shown["kind"], shown["length"]) == ("text", 100_000)
    assert shown["value"].startswith("abab")
    assert shown["value"].endswith("… 98,000 more")


def test_control_characters_and_half_characters_are_shown_as_escapes():
    assert preview("\x1b[31m\ud800\u202e\x00\r\né\t")["value"] == "\\x1b[31m\\ud800\\u202e\\x00\\x0d\né\t"


def test_markup_cannot_leave_the_page_it_is_put_into():
    assert preview("</script><b>&amp;")["value"] == "</script><b>&amp;"  # `preview` looks at the text


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_of_bytes_the_first_are_shown_in_hexadecimal(kind: type):
    assert preview(kind(b"\x00\xff" * 100)) == {
        "kind": "bytes",
        "type": f"builtins.{kind.__name__}",
        "length": 200,
        "hex": "00ff" * 32,
    }


def test_numbers_that_json_lacks_are_text():
    assert preview([float("nan"), float("inf"), -float("inf"), 2**60])["value"] == [
        *("NaN", "Infinity", "-Infinity"),
        str(2**60),
    ]
    assert preview(10**5_000)["value"] == "an integer of 16,610 bits"


class Colour(Enum):
    RED = "r"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Path("/a/b"), "/a/b"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("1.50"), "1.50"),
        (Fraction(1, 3), "1/3"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Colour.RED, "Colour.RED"),
        (range(3), "range(0, 3, 1)"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_well_known_values_are_shown_as_text(value: object, text: str):
    assert preview(value)["text"] == text
    assert preview([value])["value"] == [text]


@dataclass
class Point:
    x: int
    tags: list[str]
    note: str = field(default="quiet", repr=False)


class Model(BaseModel):
    name: str = "n"
    note: str = Field("quiet", repr=False)


Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "fields"),
    [(Point(1, ["a"]), {"x": 1, "tags": ["a"]}), (Model(), {"name": "n"}), (Pair(1, 2), {"left": 1, "right": 2})],
)
def test_of_a_dataclass_model_or_named_tuple_the_fields_of_its_repr_are_shown(value: object, fields: object):
    assert preview(value)["fields"] == fields
    assert preview([value])["value"] == [fields]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (OrderedDict(a=1), {"a": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (deque([1, 2]), [1, 2]),
        ({1}, [1]),
        (frozenset({1}), [1]),
        ((1, 2), [1, 2]),
    ],
)
def test_other_containers_are_shown_as_lists_and_objects(value: object, shown: object):
    assert preview(value)["value"] == shown


def test_of_any_other_object_only_type_and_size_are_shown():
    shown = preview(object())
    assert shown == {"kind": "object", "type": "builtins.object", "size": sys.getsizeof(object())}
    assert preview([object()])["value"] == ["<builtins.object>"]


def test_an_iterator_is_not_advanced():
    items = iter([1, 2, 3])
    made = (n for n in range(3))
    preview([items, made, {"a": map(str, [1])}])
    assert list(items) == [1, 2, 3]
    assert list(made) == [0, 1, 2]


def test_a_value_that_changes_meanwhile_is_no_error():
    value = {n: str(n) for n in range(100)}
    stop = threading.Event()

    def change() -> None:
        n = 100
        while not stop.is_set():
            value[n] = "new"
            value.pop(n - 50, None)
            n += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            preview(value)
    finally:
        stop.set()
        thread.join()


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def test_of_an_exception_message_frames_and_causes_are_shown():
    shown = preview(raised(ValueError("no such thing"), KeyError("a")))
    assert (shown["kind"], shown["type"], shown["message"]) == ("exception", "builtins.ValueError", "no such thing")
    assert shown["causes"] == [{"type": "builtins.KeyError", "message": "'a'"}]
    assert shown["frames"][-1]["function"] == "raised"
    assert shown["frames"][-1]["file"] == "tests/results/test_preview.py"
    assert set(shown["frames"][-1]) == {"file", "line", "function"}


def test_of_a_deep_recursion_the_last_frames_are_shown():
    def fall(n: int) -> int:
        return fall(n + 1)

    with pytest.raises(RecursionError) as caught:
        fall(0)
    assert len(preview(caught.value)["frames"]) == 8


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file", "/a"), "[Errno 2] No such file: '/a'"),
        (ValueError("a", 2), "('a', 2)"),
        (ValueError(object()), "<builtins.object>"),
        (ExceptionGroup("several", [ValueError("x")]), "several"),
    ],
)
def test_an_exception_s_message_is_as_python_has_it(error: BaseException, message: str):
    assert preview(error)["message"] == message


def test_of_a_group_its_exceptions_are_shown():
    assert preview(ExceptionGroup("several", [ValueError("x")]))["exceptions"] == [
        {"type": "builtins.ValueError", "message": "x"}
    ]


# Any value

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.complex_numbers()
    | st.datetimes()
    | st.decimals()
    | st.uuids()
)
KEYS = st.text() | st.integers() | st.none() | st.booleans() | st.binary() | st.tuples(st.integers(), st.text())


def nested(below: Any) -> Any:
    sets = st.frozensets(st.integers() | st.text())
    return st.lists(below) | st.dictionaries(KEYS, below) | st.lists(below).map(tuple) | sets | sets.map(set)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.recursive(ATOMS, nested, max_leaves=60))
def test_any_value_of_built_in_types_has_a_bounded_preview_that_is_json(value: object):
    shown = preview(value)
    assert shown["kind"] in ("json", "text", "bytes", "object")


FINITE = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FINITE | st.text('xyz é"\n')


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.recursive(PLAIN, lambda below: st.lists(below) | st.dictionaries(st.text('xyz é"'), below), max_leaves=8))
def test_a_small_tree_is_shown_as_it_is_or_cut(value: object):
    shown = preview(value)["value"]
    assert shown == value or "…" in json.dumps(shown, ensure_ascii=False)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec=None), min_size=500, max_size=5_000) | st.text('\x00\ud800\\"', min_size=3_000))
def test_any_long_text_has_a_bounded_preview_of_printable_characters(value: str):
    shown = preview(value)["value"]
    assert all(each.isprintable() or each in "\n\t" or ord(each) >= 128 for each in shown)


def later() -> Iterator[int]:
    yield 1
