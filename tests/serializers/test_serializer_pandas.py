"""Frames and series of pandas in Arrow and Parquet files: what pyarrow would lose comes back, or is refused."""

import datetime as dt
import decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.core.errors import SerializationError
from perdure.serializers import ArrowSerializer, ParquetSerializer, Serializer
from perdure.serializers.payload import BytesSource
from perdure.testing.serializer_conformance import MemoryPayload

HOLIDAYS = pd.date_range("2024-05-01", periods=1, freq=pd.offsets.CustomBusinessDay(holidays=["2024-05-02"]))


def objects(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(values, dtype=object)})


def with_attrs(value: Any, **attrs: Any) -> Any:
    value.attrs.update(attrs)
    return value


@pytest.fixture(params=[ArrowSerializer, ParquetSerializer])
def serializer(request: pytest.FixtureRequest) -> Serializer:
    made: Serializer = request.param()
    return made


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (objects(1, None), r"'a' is of Python objects \(integer\), which would come back as int64.*convert_dtypes"),
        (objects(2**53 + 1, None), "would come back as int64"),
        (objects(1, 2.5), "would come back as double"),
        (objects(True, False), "would come back as bool"),
        (objects(dt.datetime(2024, 5, 1)), "would come back as timestamp"),
        (objects([1], [2]), r"the object \[1\], which would come back as array\(\[1\]\)"),
        (objects((1, 2)), r"\(1, 2\), which would come back as array"),
        (objects({"a": [1, 2]}), r"\{'a': \[1, 2\]\}, which would come back as"),
        (objects({1}), r"\{1\}, which would come back as array"),
        (objects({"a": "x"}, {"b": "y"}), "'b': None"),
        (objects(bytearray(b"x")), r"bytearray\(b'x'\), which would come back as b'x'"),
        (objects(decimal.Decimal("1.2"), decimal.Decimal("1.20")), r"'1\.2'\), which would come back as .*'1\.20'"),
        (objects(decimal.Decimal("NaN"), decimal.Decimal(1)), "would come back as None"),
        (objects(dt.date(2024, 5, 1), dt.datetime(2024, 5, 1)), "the object datetime.datetime"),
        (objects(dt.time(1, fold=1)), "the object datetime.time"),
        (pd.Series([1], index=pd.Index([1], dtype=object)), "The index is of Python objects"),
        (pd.DataFrame({"a": pd.array(["x"], "string[python]")}), r"'a' is of .*python.*, which would come back as"),
        (with_attrs(pd.DataFrame({"a": [1]}), where=(1, 2)), r"The attrs .* would come back as .*\[1, 2\]"),
        (pd.Series([1], index=HOLIDAYS), "The frequency .* of the index would not come back"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(serializer: Serializer, value: Any, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        serializer.dumps(value)


@pytest.mark.parametrize(
    "values",
    [
        (True, None),
        (b"x", None),
        (None, None),
        (),
        (dt.date(2024, 5, 1), None),
        (dt.time(1, 2, 3, 4), None),
        (decimal.Decimal("1.20"), decimal.Decimal("-3.45")),
        ({"a": "x"}, {"a": "y"}),
    ],
)
def test_objects_that_arrow_has_come_back_as_they_were(serializer: Serializer, values: tuple[Any, ...]) -> None:
    loaded = serializer.loads(serializer.dumps(objects(*values)))["a"]
    assert loaded.dtype == object
    assert [(type(each), each) for each in loaded] == [(type(each), each) for each in values]


def test_one_odd_object_among_many_is_found(serializer: Serializer) -> None:
    values = [dt.date(2024, 5, 1)] * 70_000
    serializer.dump(objects(*values), MemoryPayload())
    with pytest.raises(SerializationError, match="the object datetime.datetime"):
        serializer.dump(objects(*values, dt.datetime(2024, 5, 1)), MemoryPayload())


def test_attrs_and_flags_of_pandas_come_back(serializer: Serializer) -> None:
    for value in (pd.DataFrame({"a": [1]}), pd.Series([1])):
        value = with_attrs(value, unit="m").set_flags(allows_duplicate_labels=False)
        loaded = serializer.loads(serializer.dumps(value))
        assert loaded.attrs == {"unit": "m"}
        assert not loaded.flags.allows_duplicate_labels


@given(rows=st.slices(12))
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("freq", ["D", "2h", "B", "MS"])
@pytest.mark.parametrize("form", [ArrowSerializer(), ParquetSerializer()])
def test_the_frequency_of_the_index_comes_back_whole_and_in_parts(form: Serializer, freq: str, rows: slice) -> None:
    value = pd.DataFrame({"a": range(10)}, index=pd.date_range("2024-05-01", periods=10, freq=freq, tz="Europe/Berlin"))
    pd.testing.assert_frame_equal(form.loads(form.dumps(value)), value)
    pd.testing.assert_frame_equal(form.load_part(BytesSource(form.dumps(value)), None, rows), value.iloc[rows])
