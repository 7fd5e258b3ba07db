"""Pickle: small values fast, failures that say where and why."""

import pickle
import threading
import time
from typing import Any

import cloudpickle
import pytest
from golden_types import Model, Point
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure._serializers.text import from_base64, to_base64
from perdure.errors import ResultCorrupt, ResultUnreadable, SerializationError
from perdure.serializers import PickleSerializer

SERIALIZER = PickleSerializer()


def test_functions_and_local_classes_come_back() -> None:
    offset = 3
    loaded = SERIALIZER.loads(SERIALIZER.dumps(lambda value: value + offset))
    assert loaded(1) == 4


def test_the_output_is_one_line_of_base64_and_many_lines_are_read() -> None:
    data = SERIALIZER.dumps(list(range(100)))
    assert b"\n" not in data
    assert SERIALIZER.loads(data[:76] + b"\n" + data[76:] + b"\n") == list(range(100))


PLAIN = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(PLAIN)
def test_the_shortcut_for_plain_values_writes_what_cloudpickle_writes(value: Any) -> None:
    assert from_base64(SERIALIZER.dumps(value)) == cloudpickle.dumps(value)


def test_a_value_that_refers_to_itself_comes_back() -> None:
    loop: list[Any] = []
    loop.append(loop)
    loaded = SERIALIZER.loads(SERIALIZER.dumps(loop))
    assert loaded[0] is loaded


def closing_over(value: Any) -> Any:
    return lambda: value


class Slotted:
    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"model": Model()}, r"""^result\["model"\]\.lock: cannot pickle '_thread\.lock' object"""),
        ([1, (2, {"x": threading.Lock()})], r'^result\[1\]\[1\]\["x"\]: '),
        (Slotted(), r"^result\.lock: "),
        (closing_over(threading.Lock()), r"^result\(value\): "),
        (ValueError("x", threading.Lock()), r"^result\.args\[1\]: "),
        (Point(1, (each for each in ())), r"^result\.when: cannot pickle 'generator' object"),  # type: ignore[arg-type]
        (threading.Lock(), "^result: "),
    ],
)
def test_what_cannot_be_pickled_is_named_by_its_path(value: Any, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        SERIALIZER.dumps(value)


def test_the_search_for_what_cannot_be_pickled_is_bounded() -> None:
    value = {"many": [list(range(100)) for _ in range(5_000)], "lock": threading.Lock()}
    started = time.thread_time()
    with pytest.raises(SerializationError, match=r'^result\["lock"\]: '):
        SERIALIZER.dumps(value)
    assert time.thread_time() - started < 5


class Hostile:
    def __reduce__(self) -> Any:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("not even that")


def test_objects_whose_own_code_fails_are_an_error_of_ours() -> None:
    with pytest.raises(SerializationError, match=r"^result\[0\]: no"):
        SERIALIZER.dumps([Hostile()])
    with pytest.raises(SerializationError, match=r"^result: no"):
        SERIALIZER.dumps({Hostile()})


@pytest.mark.parametrize("data", [b"", b"%%%", b"gASV", to_base64(pickle.dumps([1, 2, 3])[:-2])])
def test_what_is_no_pickle_is_corrupt(data: bytes) -> None:
    with pytest.raises(ResultCorrupt):
        SERIALIZER.loads(data)


def test_a_class_that_is_gone_makes_the_result_unreadable_and_is_named() -> None:
    data = to_base64(pickle.dumps(Point(1, 2)).replace(b"Point", b"Paint"))  # type: ignore[arg-type]
    with pytest.raises(ResultUnreadable, match=r"Paint.*renamed or removed"):
        SERIALIZER.loads(data)


def test_a_module_that_is_gone_is_named_with_the_version_that_wrote() -> None:
    data = to_base64(pickle.dumps(Point(1, 2)).replace(b"golden_types", b"olden__types"))  # type: ignore[arg-type]
    with pytest.raises(ResultUnreadable, match=r"'olden__types'.*written by cloudpickle 1\.0; installed is \d"):
        PickleSerializer(picklelib_version="1.0").loads(data)


def test_another_version_is_read_without_a_word_if_it_can_be() -> None:
    assert PickleSerializer(picklelib_version="1.0").loads(SERIALIZER.dumps([1])) == [1]


@pytest.mark.parametrize(("library", "message"), [("no_such", "cannot be imported"), ("math", "no function dumps")])
def test_a_wrong_library_is_refused_at_once(library: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PickleSerializer(picklelib=library)
