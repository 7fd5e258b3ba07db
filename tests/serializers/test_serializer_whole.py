"""What a serializer writes comes back whole, or it is not written: no part of a value is lost without a word."""

import datetime as dt
import struct
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sameness import form
from whole_types import (
    FailsLaterError,
    Folding,
    Hidden,
    Leaf,
    Listed,
    Measured,
    Named,
    Node,
    Noted,
    Odd,
    Open,
    Plain,
    Slotted,
    Slow,
    WithSlot,
)

from perdure._platform.memory import uncollected
from perdure.errors import SerializationError
from perdure.serializers import CompressedSerializer, JSONSerializer, NumpySerializer, PickleSerializer, Serializer

BERLIN = ZoneInfo("Europe/Berlin")
SERIALIZERS = [
    JSONSerializer(),
    JSONSerializer(jsonlib="orjson"),
    PickleSerializer(),
    PickleSerializer(picklelib="pickle"),
    CompressedSerializer(serializer="json"),
]
JSON = JSONSerializer()


def again(value: Any, serializer: Serializer = JSON) -> Any:
    return serializer.loads(serializer.dumps(value))


def with_attributes(value: Any, **attributes: Any) -> Any:
    vars(value).update(attributes)
    return value


def leaf() -> Leaf:
    made = Leaf(label="l", weight=10)
    made._seen["a"] = 1
    assert made.heavy
    return made


@pytest.mark.parametrize(
    "value",
    [
        Measured(1.5, 7),
        with_attributes(Measured(1.5), note={"a": (1,)}, data=2),
        with_attributes(Measured(1.5), __class__="text", data=2),
        WithSlot(1, {2}),
        leaf(),
        with_attributes(leaf(), extra_note="n"),
        Node(below=leaf()),
        Node(below=[Leaf(), Node()]),
        Open(known=1, colour={"a": (1,)}),
        Open(__class__="x", data=1),
        Hidden(shown=1),
        Hidden(shown=1, hidden=0),
        Named(Named(1), (2,)),
        with_attributes(Noted(1, 2), note="n"),
        Plain(1, b=[2]),
        OrderedDict([(1, 2), ("a", None)]),
        Counter({"b": 2, ("a",): -1}),
        defaultdict(list, {None: [1]}),
        deque([1], 1),
        {1: "a", "1": "b", (1,): None, None: 0, 1.5: 1},
        {float("nan"): float("-inf"), -0.0: complex(-0.0, float("nan"))},
        [np.float32(0.1), np.float64("nan"), np.int64(1), np.bool_(True), np.uint8(255), np.complex64(1 - 2j)],
        [np.datetime64("2024-05-01T01", "h"), np.timedelta64(25, "s"), np.datetime64("NaT", "ns")],
        [np.int64(-(1 << 63)).view("M8"), *(np.int64(data).view("m8") for data in (-(1 << 63), -3))],  # of no unit
        [np.str_("x"), np.bytes_(b"\xff"), np.float16(0.1), np.longlong(3)],
        {np.int64(1): np.float64(1)},
        dt.datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN),  # which clocks skipped
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        dt.datetime(2024, 7, 1, fold=1, tzinfo=BERLIN),
        dt.datetime(2024, 7, 1, tzinfo=dt.timezone(dt.timedelta(hours=2), "CEST")),
        dt.time(1, 2, tzinfo=BERLIN),
        dt.time(1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-2), "X"), fold=1),
        dt.timezone(dt.timedelta(0), "Z"),
        uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe),
        Odd.ZERO,
        Odd.LIST,
        Folding.A,
    ],
    ids=lambda value: type(value).__name__,
)
def test_json_gives_back_all_that_a_value_holds(value: Any) -> None:
    assert form(again([value])[0]) == form(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Hidden(shown=1, hidden=9), r"^result\[0\]: its field 'hidden' is excluded from serialization"),
        (Hidden(shown=1, listed=[1]), "its field 'listed' is excluded"),
        (Node.model_construct(label="l"), None),
        (with_attributes(Node(), lock=object()), r"^result\[0\]\.lock: JSON cannot hold"),
        (with_attributes(Measured(1.5), open=object()), r"^result\[0\]\.open: JSON cannot hold"),
        (Listed(), "has content besides its attributes"),
        (with_attributes(OrderedDict(a=1), unit="m"), "an attribute 'unit' of its own"),
        (Odd.NAN, "the member NAN of its enum is not found by its value"),
        (dt.datetime(2024, 7, 1, tzinfo=type("Zone", (dt.tzinfo,), {"utcoffset": lambda *_: None})()), "its time zone"),
        (type("Text", (str,), {})("x"), "JSON cannot hold"),
        (np.longdouble("0.1"), "JSON cannot hold a numpy.longdouble"),
        (np.array(1.5), "JSON cannot hold a numpy.ndarray"),
        ("\ud83d\ude00", "two lone surrogates"),
        ({(1, 2): 10**4400}, "4300 digits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_json_refuses_what_it_would_lose_and_names_it(value: Any, message: str | None) -> None:
    if message is None:
        assert form(again([value])[0]) == form(value)
        return
    with pytest.raises(SerializationError, match=message):
        JSON.dumps([value])


def test_a_field_that_was_never_set_is_not_made_up() -> None:
    value = Node()
    del value.below
    with pytest.raises(SerializationError, match="its field 'below' was never set"):
        JSON.dumps(value)


def test_an_exception_comes_back_with_its_slots() -> None:
    assert again(FailsLaterError(3)).code == 3


def test_methods_of_a_model_can_use_its_private_attributes_after_json() -> None:
    loaded = again(Leaf())
    loaded._seen["b"] = 2
    assert loaded._seen == {"b": 2}


@pytest.mark.parametrize("serializer", SERIALIZERS, ids=lambda each: f"{each.type}")
@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}, Slow, Slotted, lambda x: (x, 1)])
def test_nesting_that_is_too_deep_is_refused_in_plain_words(serializer: Serializer, make: Any) -> None:
    with uncollected():  # else it is looked at again and again while it grows
        value = make(None)
        for _ in range(200_000):
            value = make(value)
        with pytest.raises(SerializationError, match="nested too deeply"):
            serializer.dumps(value)


def looped(make: Any) -> Any:
    value = make()
    inner = value if isinstance(value, list) else vars(value)["parts"]
    inner.append(value)
    return value


@pytest.mark.parametrize("serializer", SERIALIZERS, ids=lambda each: f"{each.type}")
@pytest.mark.parametrize("make", [list, Slow])
def test_a_value_that_refers_to_itself_comes_back_so_or_is_refused(serializer: Serializer, make: Any) -> None:
    if "json" in repr(serializer):
        with pytest.raises(SerializationError, match="refers to itself"):
            serializer.dumps(looped(make))
    else:
        loaded = again(looped(make), serializer)
        inner = loaded if isinstance(loaded, list) else loaded.parts
        assert inner[0] is loaded


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.5, float("nan")], ">f4"),
        np.zeros((2, 0), "i8"),
        np.array([("a", 1)], [("x", "U2"), ("y", "i2")]),
        np.array(["2024-05-01"], "M8[D]"),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array([object()]),
        np.ma.array([1, 2], mask=[0, 1]),
        np.array([1]).view(type("Own", (np.ndarray,), {})),
        np.array([1], np.dtype("i4", metadata={"unit": "m"})),
        np.array([(1, 2)], np.dtype({"names": ["a", "b"], "formats": ["i1", "i1"], "offsets": [0, 3]})),
        np.array([(1,)], np.dtype([(("title", "a"), "i1")])),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.dtype.kind}",
)
def test_arrays_of_numpy_come_back_whole_or_are_refused(value: Any) -> None:
    try:
        loaded = again(value, NumpySerializer())
    except SerializationError:
        return
    assert type(loaded) is type(value)
    assert (loaded.dtype, loaded.shape, loaded.tobytes()) == (value.dtype, value.shape, value.tobytes())
    assert loaded.dtype.metadata == value.dtype.metadata
    assert loaded.dtype.fields == value.dtype.fields


# Properties

ZONES = st.none() | st.timezones() | st.builds(dt.timezone, st.timedeltas(-dt.timedelta(1) / 2, dt.timedelta(1) / 2))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=4)
    | st.complex_numbers()
    | st.datetimes(timezones=ZONES, allow_imaginary=True)
    | st.times(timezones=ZONES)
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.sampled_from([Odd.LIST, Odd.ZERO, Folding.A])
    | st.builds(lambda n: np.frombuffer(struct.pack("d", n), "f4")[0], st.floats())
    | st.integers(-(2**63), 2**63 - 1).map(np.int64)
    | st.integers(-(2**63), 2**63 - 1).map(lambda n: np.datetime64(n, "us"))
)
KEYS = SCALARS | st.tuples(SCALARS) | st.sampled_from(["__class__", "data", "message"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.builds(Named, inner, inner)
        | st.builds(lambda left, note: with_attributes(Noted(left, None), note=note), inner, inner)
        | st.builds(lambda value, note: with_attributes(Measured(value), note=note), inner, inner)
        | st.builds(WithSlot, inner, inner)
        | st.builds(lambda below, more: Open(known=1, below=below, **more), inner, st.dictionaries(st.text(), inner))
        | st.builds(lambda below: Node(below=below), inner)
        | st.builds(lambda shown: Hidden(shown=1, hidden=shown), st.integers(0, 1))
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("serializer", SERIALIZERS, ids=lambda each: f"{each.type}")
@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_what_is_written_comes_back_the_same_or_is_refused(serializer: Serializer, value: Any) -> None:
    try:
        written = serializer.dumps([value])
    except SerializationError:
        return
    assert form(serializer.loads(written)[0]) == form(value)
