"""Frames and series of pandas in Arrow and Parquet files: what pyarrow would lose comes back, or is refused."""

import datetime as dt
import decimal
import io
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure._serializers.payload import BytesSource
from perdure.errors import SerializationError
from perdure.serializers import ArrowSerializer, ParquetSerializer, Serializer
from perdure.testing.serializer_conformance import MemoryPayload

HOLIDAYS = pd.date_range("2024-05-01", periods=1, freq=pd.offsets.CustomBusinessDay(holidays=["2024-05-02"]))


MASKED = pd.arrays.FloatingArray(np.array([1.5, float("nan"), 0.0]), np.array([False, False, True]))


class Label(str):
    """A text that is more than one."""


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
        (objects("x", None, float("nan")), "None besides nan"),
        (objects(dt.date(2024, 5, 1), None, float("nan")), "None besides nan"),
        (objects(float("nan"), pd.NA), "NA besides nan"),
        (pd.Series([1, 2], index=pd.Index([None, float("nan")], dtype=object)), "The index has None besides nan"),
        (objects(np.str_("x")), "objects of str_, which would come back as string"),
        (objects(Label("x"), "y"), "objects of Label, which would come back as string"),
        (objects(np.bytes_(b"x")), "objects of bytes_"),
        (objects({"a": 1}, None), "objects with missing parts"),
        (objects({"a": {"b": 1}}, {"a": None}), "objects with missing parts"),
        (pd.DataFrame({"a": MASKED}), "NaN besides missing values"),
        (with_attrs(pd.DataFrame({"a": [1]}), scale=np.float64(1.5)), "The attrs"),
        (pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["b", "a"])), "pickle"),
        (pd.DataFrame([[1, 2]], columns=[True, False]), "would come back as"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pd.DataFrame({"a": pd.cut([1, 5, 9], 3)}), "pickle"),
        (pd.DataFrame({"a": pd.Categorical(pd.date_range("2024", periods=2, tz="Europe/Berlin"))}), "come back as Cat"),
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
        (True, False),
        ("x", "y", None),
        ("x", float("nan")),
        ("x", pd.NA),
        (b"x", None),
        (b"x", float("nan")),
        (float("nan"), float("nan")),
        (dt.date(2024, 5, 1), float("nan")),
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
    assert [(type(each), repr(each)) for each in loaded] == [(type(each), repr(each)) for each in values]


CATEGORIES = [
    pd.Categorical([1, 1], categories=[3, 1, 2]),
    pd.Categorical(["b", "a"], categories=["c", "a", "b"], ordered=True),
    pd.Categorical([1.5, None], categories=[2.5, 1.5]),
    pd.Categorical(pd.to_datetime(["2024-05-02"]), categories=pd.to_datetime(["2024-05-03", "2024-05-02"])),
    pd.Categorical([True], categories=[True, False]),
    pd.Categorical([None, None]),
    pd.Categorical([], categories=["x", "y"]),
    pd.Categorical([], categories=[5, 6]),
]


@pytest.mark.parametrize("values", CATEGORIES, ids=lambda values: str(values.categories.dtype))
def test_categories_come_back_all_and_in_their_order(serializer: Serializer, values: Any) -> None:
    for value in (pd.DataFrame({"a": values}), pd.DataFrame({"a": 1}, index=pd.CategoricalIndex(values, name="i"))):
        pd.testing.assert_frame_equal(serializer.loads(serializer.dumps(value)), value, check_categorical=True)
        part = serializer.load_part(BytesSource(serializer.dumps(value)), ["a"], slice(1))
        pd.testing.assert_frame_equal(part, value.iloc[:1], check_categorical=True)


def test_categories_of_a_parquet_file_in_several_groups_come_back_whole() -> None:
    value = pd.DataFrame({"a": pd.Categorical([3, 1, 2, 3, 1], categories=[9, 3, 2, 1]), "b": range(5)})
    form = ParquetSerializer(row_group_size=2)
    pd.testing.assert_frame_equal(form.loads(form.dumps(value)), value)
    read_by_others = pd.read_parquet(io.BytesIO(form.content(form.dumps(value))))
    assert list(read_by_others["a"]) == [3, 1, 2, 3, 1]


def test_more_categories_than_a_parquet_file_would_keep_are_refused() -> None:
    value = pd.DataFrame({"a": pd.Categorical([], categories=[f"{each:09}" * 300 for each in range(6_000)])})
    with pytest.raises(SerializationError, match="use the serializer 'arrow'"):
        ParquetSerializer().dumps(value)


LABELS = [
    pd.DataFrame({"a": [1]}, index=pd.Index([5], name=3)),
    pd.DataFrame({"a": [1]}, index=pd.Index([5], name=("a", 1))),
    pd.DataFrame({"a": [1]}, index=pd.RangeIndex(1, name="n")),
    pd.DataFrame({"a": [1]}, index=pd.Index(["x"], dtype=object)),
    pd.DataFrame({"a": [1]}, index=pd.date_range("2024-05-01", periods=1, tz="UTC", name=dt.date(2024, 5, 1))),
    pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_product([pd.date_range("2024", periods=1, tz=dt.UTC), [1]])),
    pd.DataFrame([[1, 2]], columns=pd.RangeIndex(3, 7, 2, name="n")),
    pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], dtype=object, name=4)),
    pd.DataFrame([[1, 2]], columns=pd.date_range("2024-05-01", periods=2, freq="D")),
    pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=[0, None])),
    pd.DataFrame({"a": pd.date_range("2024-05-01", periods=1, tz=dt.UTC)}),
    pd.DataFrame({"a": pd.date_range("2024-05-01", periods=1, tz=zoneinfo.ZoneInfo("UTC"))}),
    pd.DataFrame(),
    pd.DataFrame(index=pd.Index([1, 2], name="i")),
    *(pd.Series([1], name=name) for name in (0, 1.5, True, ("a", 1), None, "0")),
]


def labels(value: Any) -> Any:
    """What there is besides cells, by the types that it has."""
    axes = [each for each in (value.index, getattr(value, "columns", None)) if each is not None]
    names = [name for axis in axes for name in axis.names] + [getattr(value, "name", None)]
    zones = [type(getattr(each.dtype, "tz", None)) for axis in axes for each in (axis, *getattr(axis, "levels", ()))]
    columns = [value[name] for name in value] if hasattr(value, "columns") else [value]
    return (
        [(type(axis), axis.dtype, getattr(axis, "freq", None), list(axis)) for axis in axes],
        [(type(name), name) for name in names],
        [*zones, *(type(getattr(each.dtype, "tz", None)) for each in columns)],
    )


@pytest.mark.parametrize("value", LABELS, ids=range(len(LABELS)))
def test_indexes_and_names_come_back_with_their_types(serializer: Serializer, value: Any) -> None:
    loaded = serializer.loads(serializer.dumps(value))
    assert labels(loaded) == labels(value)
    assert loaded.equals(value)


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


@pytest.mark.slow
@given(rows=st.slices(12))
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("freq", ["D", "2h", "B", "MS"])
@pytest.mark.parametrize("form", [ArrowSerializer(), ParquetSerializer()])
def test_the_frequency_of_the_index_comes_back_whole_and_in_parts(form: Serializer, freq: str, rows: slice) -> None:
    value = pd.DataFrame({"a": range(10)}, index=pd.date_range("2024-05-01", periods=10, freq=freq, tz="Europe/Berlin"))
    pd.testing.assert_frame_equal(form.loads(form.dumps(value)), value)
    pd.testing.assert_frame_equal(form.load_part(BytesSource(form.dumps(value)), None, rows), value.iloc[rows])


TEXTS = [pd.array(["a", None], dtype="string[pyarrow]"), pd.array(["a", None], dtype="string[python]")]


@pytest.mark.parametrize("texts", TEXTS, ids=["arrow", "python"])
def test_an_index_of_strings_is_one_again(serializer: Serializer, texts: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(texts, name="city"))
    levels = pd.MultiIndex.from_arrays([[1, 2], texts], names=[None, "city"])
    for value in (frame, frame["a"], pd.Series([1, 2], index=levels), frame.set_index(levels).iloc[:0]):
        found = serializer.loads(serializer.dumps(value))
        assert type(found) is type(value)
        assert found.equals(value)
        assert [found.index.get_level_values(n).dtype for n in range(found.index.nlevels)] == [
            value.index.get_level_values(n).dtype for n in range(value.index.nlevels)
        ]


@pytest.mark.parametrize("serializer", [ArrowSerializer, ParquetSerializer], indirect=True)
def test_a_part_of_a_frame_has_its_index_of_strings(serializer: Serializer) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=pd.Index(TEXTS[0], name="city"))
    part = serializer.load_part(BytesSource(serializer.dumps(frame)), ["b"], slice(1, None))
    pd.testing.assert_frame_equal(part, frame[["b"]].iloc[1:])
