"""JSON: what comes back, what is refused, and what loading never does."""

import contextlib
import json
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from golden_types import Access, Basket, Colour, Frozen, Initialised, Level, Login, Order, OutOfStockError, Pair, Point
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, HttpUrl, PostgresDsn, SecretStr

from perdure.errors import ResultCorrupt, ResultUnreadable, SerializationError
from perdure.serializers import JSONSerializer

NOON = datetime(2024, 1, 2, 12)
SERIALIZER = JSONSerializer()


def again(value: Any) -> Any:
    return SERIALIZER.loads(SERIALIZER.dumps(value))


@pytest.mark.parametrize(
    "value",
    [
        b"text",
        b"\xff\x00",
        bytearray(b"\xff"),
        float("-inf"),
        1 - 2j,
        range(1, 10, 3),
        (1, (2, [3])),
        {1, "a", None},
        frozenset({(1, 2)}),
        deque([1, 2], maxlen=3),
        OrderedDict(b=1, a=2),
        Counter("aab"),
        defaultdict(list, a=[(1,)]),
        {1: "a", (2, 3): "b", None: "c", date(2024, 1, 2): "d"},
        NOON,
        NOON.replace(tzinfo=UTC),
        NOON.replace(tzinfo=timezone(timedelta(hours=5, minutes=45))),
        NOON.replace(tzinfo=ZoneInfo("Asia/Kathmandu")),
        time(1, 2, 3, tzinfo=UTC),
        timedelta.min,
        timedelta.max,
        timezone(timedelta(hours=-3)),
        ZoneInfo("Europe/Berlin"),
        Decimal("-1.10"),
        Fraction(1, 3),
        UUID(int=7),
        Path("/a/b"),
        PurePosixPath("a"),
        PureWindowsPath("c:/a"),
        ip_address("::1"),
        ip_network("10.0.0.0/8"),
        ip_interface("10.0.0.1/8"),
        re.compile("a.b", re.IGNORECASE | re.DOTALL),
        re.compile(b"a"),
        Colour.BLUE,
        Level.LOW,
        Access.READ | Access.WRITE,
        Pair(1, "a"),
        Point(1, NOON),
        Frozen((1, 2)),
        Initialised(4),
        Order(id=1, placed=NOON),
        Basket(Orders=[Order(id=1, placed=NOON)], colour=Colour.RED),
        HttpUrl("https://example.org/a?b=c"),
        AnyUrl("x://y"),
        PostgresDsn("postgres://u:p@h:5432/d"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_types_that_json_lacks_come_back_as_they_were(value: Any) -> None:
    loaded = again({"in": [value]})["in"][0]
    assert loaded == value
    assert type(loaded) is type(value)


def test_plain_values_are_written_as_plain_json() -> None:
    assert SERIALIZER.dumps({"a": [1, None, "é"]}) == '{"a": [1, null, "é"]}'.encode()


def test_what_is_written_is_strict_json_even_for_nan() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(SERIALIZER.dumps([float("nan"), float("inf")]), parse_constant=refuse)


@pytest.mark.parametrize("key", ["__class__", "__exc_type__"])
def test_a_dict_with_the_key_of_a_tag_stays_a_dict(key: str) -> None:
    value = {key: "builtins.set", "data": [1], "message": {"x": {key: "builtins.ValueError", "message": "m"}}}
    assert again(value) == value


def test_text_with_a_lone_surrogate_comes_back() -> None:
    assert again("\ud800") == "\ud800"


def test_a_deque_keeps_its_maximum_and_a_defaultdict_its_factory() -> None:
    assert again(deque([1], maxlen=2)).maxlen == 2
    assert again(defaultdict(list))["new"] == []


def test_a_model_comes_back_with_the_fields_that_were_set_its_extras_and_its_private_defaults() -> None:
    basket = again(Basket(Orders=[], colour="red"))
    assert basket.model_fields_set == {"orders", "colour"}
    assert basket.model_extra == {"colour": "red"}
    assert basket._count == 3


def test_scalars_of_numpy_are_numbers_that_say_their_type() -> None:
    assert json.loads(SERIALIZER.dumps([np.float32(1.5)])) == [{"__class__": "numpy.float32", "data": 1.5}]


# Exceptions


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x", 1, (2,)),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "a.txt"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        OutOfStockError("tea", wanted=3),
        ExceptionGroup("several", [ValueError("a"), KeyError("b")]),
        StopIteration(3),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_come_back_with_their_type_arguments_and_attributes(error: BaseException) -> None:
    loaded = again(error)
    assert type(loaded) is type(error)
    assert str(loaded) == str(error)
    assert repr(loaded.args) == repr(error.args)
    assert loaded.__dict__ == error.__dict__


def test_what_caused_an_exception_is_reported_in_a_note() -> None:
    error = ValueError("x")
    error.__cause__ = KeyError("k")
    assert again(error).__notes__ == ["Caused by KeyError: 'k'"]


def test_an_argument_of_an_exception_that_json_cannot_hold_becomes_text() -> None:
    assert again(ValueError(object)).args == ("<class 'object'>",)


# What cannot be written


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, object()]}, r'^result\["a"\]\[1\]: JSON cannot hold a builtins.object'),
        ({1: {(2,): object()}}, r"^result\[1\]\[\(2,\)\]: "),
        (Point(1, object()), r"^result\.when: "),  # type: ignore[arg-type]
        ((1, {object()}), r"^result\[1\]\[0\]: "),
        (Login(user="u", password=SecretStr("hush")), r"^result\.password: it is a secret"),
        (np.zeros(2), "numpy.ndarray.*result_serializer='pickle'"),
        (lambda: 1, "builtins.function"),
    ],
)
def test_what_json_cannot_hold_is_named_by_its_path(value: Any, path: str) -> None:
    with pytest.raises(SerializationError, match=path):
        SERIALIZER.dumps(value)


def test_a_secret_is_in_no_message() -> None:
    with pytest.raises(SerializationError) as info:
        SERIALIZER.dumps([Login(user="u", password=SecretStr("hush"))])
    assert "hush" not in str(info.value)


def test_a_value_that_refers_to_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(SerializationError, match="refers to itself"):
        SERIALIZER.dumps(loop)


def test_a_class_that_no_reader_could_find_is_refused() -> None:
    class Local(Point):
        pass

    with pytest.raises(SerializationError, match="top level of a module"):
        SERIALIZER.dumps(Local(1, NOON))


# What loading never does


def tag(path: str, data: Any = None) -> bytes:
    return json.dumps({"__class__": path, "data": data}).encode()


def test_loading_never_imports_a_module() -> None:
    assert "antigravity" not in sys.modules
    with pytest.raises(ResultUnreadable, match="import its module"):
        SERIALIZER.loads(tag("antigravity.geohash"))
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("path", ["subprocess.Popen", "builtins.eval", "os.system", "builtins.type", "builtins.open"])
def test_loading_never_calls_what_is_not_known_safe(path: str) -> None:
    with pytest.raises(ResultUnreadable, match=re.escape(path)):
        SERIALIZER.loads(tag(path, ["true"]))


def test_an_exception_tag_makes_exceptions_only() -> None:
    with pytest.raises(ResultUnreadable, match="is not an exception"):
        SERIALIZER.loads(b'{"__exc_type__": "subprocess.Popen", "message": "true"}')


@pytest.mark.parametrize("value", [time(2, 30, fold=1), time(2, 30), NOON.replace(fold=1), NOON])
def test_which_of_two_equal_times_it_is_comes_back(value: time | datetime) -> None:
    serializer = JSONSerializer()
    loaded = serializer.loads(serializer.dumps(value))
    assert (loaded, loaded.fold) == (value, value.fold)


@pytest.mark.parametrize(
    ("path", "data"),
    [("datetime.date", "soon"), ("builtins.bytes", {"base64": "%"}), ("builtins.set", 1), ("uuid.UUID", None)],
)
def test_a_tag_with_the_wrong_data_is_corrupt(path: str, data: Any) -> None:
    with pytest.raises(ResultCorrupt, match=path):
        SERIALIZER.loads(tag(path, data))


def test_a_class_that_has_changed_makes_the_result_unreadable() -> None:
    written = json.dumps({"__class__": "golden_types.Point", "data": {"x": 1, "y": 2}, "exact": True}).encode()
    with pytest.raises(ResultUnreadable, match="'y' that Point no longer has"):
        SERIALIZER.loads(written)
    with pytest.raises(ResultUnreadable, match="before its field 'when' was"):
        SERIALIZER.loads(written.replace(b', "y": 2', b""))


def test_nesting_too_deep_to_read_is_an_error_of_ours() -> None:
    with pytest.raises(ResultUnreadable, match="too deeply"):
        SERIALIZER.loads(b"[" * 200_000 + b"]" * 200_000)


# Options


def star(value: Any) -> Any:
    return {"star": repr(value)}


def unstar(value: dict[str, Any]) -> Any:
    return value.get("star", value)


@pytest.mark.parametrize("jsonlib", ["json", "orjson"])
@pytest.mark.parametrize("path", [True, False])
def test_encoders_of_the_users_own_are_functions_or_their_paths(jsonlib: str, path: bool) -> None:
    encoder, decoder = (f"{__name__}.star", f"{__name__}.unstar") if path else (star, unstar)
    serializer = JSONSerializer(jsonlib=jsonlib, object_encoder=encoder, object_decoder=decoder)  # type: ignore[arg-type]
    assert serializer.loads(serializer.dumps([1j])) == ["1j"]
    assert serializer.describe()["object_encoder"] == f"{__name__}.star"


def test_without_encoder_and_decoder_it_is_plain_json() -> None:
    serializer = JSONSerializer(object_encoder=None, object_decoder=None)
    assert serializer.loads(serializer.dumps({"__class__": "x"})) == {"__class__": "x"}
    with pytest.raises(SerializationError, match="not JSON serializable"):
        serializer.dumps({1, 2})


def test_arguments_for_the_library_are_passed_on() -> None:
    assert JSONSerializer(dumps_kwargs={"sort_keys": True, "indent": 1}).dumps({"b": 1, "a": 2}) == (
        b'{\n "a": 2,\n "b": 1\n}'
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jsonlib": "no_such_library"}, "'no_such_library' cannot be imported"),
        ({"jsonlib": "math"}, "'math' has no function dumps or loads"),
        ({"object_encoder": "no.such.function"}, "is not the dotted path of a function"),
        ({"object_encoder": "math.pi"}, "is a float, not a function"),
        ({"object_encoder": lambda value: value}, "top level of a module"),
        ({"dumps_kwargs": {"default": "x"}}, "give the function as object_encoder"),
        ({"dumps_kwargs": {"cls": json.JSONEncoder}}, "dumps_kwargs must be JSON"),
        ({"json_lib": "json"}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_options_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JSONSerializer(**options)


# Properties

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.timezones(), allow_imaginary=False)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.complex_numbers(allow_nan=False)
    | st.uuids()
    | st.ip_addresses()
)
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(SCALARS, max_size=3)
KEYS = HASHABLE | st.sampled_from(["__class__", "__exc_type__", "data", "message"])
VALUES = st.recursive(
    HASHABLE | st.sets(HASHABLE, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.builds(Pair, inner, inner)
        | st.lists(inner, max_size=3).map(deque)
    ),
    max_leaves=6,
)


def shape(value: Any) -> Any:
    """The types of a value and its parts: 1 and True are equal, but not the same."""
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple | deque):
        return type(value), [shape(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(shape(item)) for item in value)
    return type(value)


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_any_nested_value_comes_back(value: Any) -> None:
    loaded = again([value])
    assert loaded == [value]
    assert shape(loaded) == shape([value])


@pytest.mark.slow
@given(st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8))
def test_plain_values_are_what_the_standard_library_writes(value: Any) -> None:
    assert json.loads(SERIALIZER.dumps(value)) == value


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "message", "args", "exact", "zone"]), inner, max_size=3).flatmap(
            lambda fields: st.sampled_from(
                ["builtins.tuple", "golden_types.Order", "golden_types.Colour", "re.Pattern"]
            ).map(lambda path: fields | {"__class__": path})
        )
    ),
    max_leaves=6,
)


@given(JSON_VALUES)
def test_forged_tags_give_a_value_or_an_error_of_ours(value: Any) -> None:
    with contextlib.suppress(ResultCorrupt, ResultUnreadable):
        SERIALIZER.loads(json.dumps(value).encode())
