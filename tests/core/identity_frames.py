"""Kinds of pandas', polars' and Arrow's values."""

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from tests.core.identity_kinds import Part, booleans, kind, lists, numbers, one_of, shuffled, texts

small = Part(int, 99)
labels = one_of(None, "x", "y", 1)
names = one_of(None, "x", "y", 1, ("a", 1))
TYPES = (
    *("int8", "int64", "uint32", "float32", "float64", "bool", "complex128", "object", "str", "category"),
    *("Int8", "Int64", "UInt16", "Float32", "Float64", "boolean", "string[python]", "string[pyarrow]"),
    *("datetime64[s]", "datetime64[ns]", "datetime64[us, UTC]", "datetime64[ns, Asia/Tokyo]", "timedelta64[ms]"),
    *("period[D]", "period[M]", "Sparse[int64]", "Sparse[float64]", "int64[pyarrow]"),
    *("double[pyarrow]", "bool[pyarrow]", "timestamp[us][pyarrow]", "large_string[pyarrow]", "date32[day][pyarrow]"),
    *("Int16", "Int32", "UInt8", "UInt32", "UInt64", "Sparse[bool]", "period[h]"),
)


def series(dtype: str, value: int, **options: Any) -> Any:
    """Values of a type, of which the last one is drawn; in pieces each time in other places, where it has pieces."""
    if "bool" in dtype:
        found = pd.Series([True, False, bool(value % 2)], **options)
    elif dtype.startswith("period"):
        return pd.Series(pd.PeriodIndex.from_ordinals([1, 2, value], freq=dtype[7]), **options)
    elif "str" in dtype or dtype in ("object", "category"):
        found = pd.Series(["a", "b", f"text {value}"], **options)
    elif "date" in dtype or "time" in dtype:
        unit = "D" if "date32" in dtype else "s"
        found = pd.Series(np.array([1, 2, value]).astype(f"{'m' if 'timedelta' in dtype else 'M'}8[{unit}]"), **options)
        if "," in dtype:
            found = found.dt.tz_localize("UTC")
    else:
        found = pd.Series([1, 2, value], **options)
    if "date32" in dtype:
        return found.dt.date.astype(dtype)
    return in_pieces(found.astype(dtype))


def in_pieces(found: Any) -> Any:
    """An equal series that came to be in another way each time."""
    place = shuffled([0, 1, 2])[0]
    if place == 2 or found.dtype == "category":
        return found
    joined = pd.concat([found.iloc[:place], found.iloc[place:]])
    joined.attrs.update(found.attrs)
    return joined


for dtype in TYPES:
    values = Part(int, 2) if "bool" in dtype else small
    kind(
        f"series of {dtype}", lambda value, name, dtype=dtype: series(dtype, value, name=name), value=values, name=names
    )
kind(
    "type of a series",
    lambda dtype: pd.Series([], dtype=dtype),
    dtype=one_of(*TYPES, "Sparse[int8]", "timedelta64[ns]"),
)
for dtype in ("Int64", "Float64", "string[python]", "string[pyarrow]", "int64[pyarrow]", "str", "float64", "category"):
    gaps = one_of([1, None, 2], [None, 1, 2], [1, 2, None], [1, 0, 2])
    as_text = "str" in dtype or dtype == "category"
    kind(
        f"where {dtype} is missing",
        lambda gaps, dtype=dtype, as_text=as_text: pd.Series(
            [None if gap is None else str(gap) for gap in gaps] if as_text else gaps, dtype=dtype
        ),
        gaps=gaps,
    )
kind(
    "object column",
    lambda a, b: pd.Series([a, b], dtype=object),
    a=one_of(
        1,
        "1",
        b"1",
        1.0,
        True,
        None,
        np.nan,
        pd.NA,
        pd.NaT,
        dt.date(2024, 1, 1),
        "2024-01-01",
        [1],
        (1,),
        decimal.Decimal(1),
    ),
    b=texts,
)
kind(
    "None or NaN", lambda a: pd.DataFrame({"a": pd.Series([a, "a"], dtype=object)}), a=one_of(None, float("nan"), pd.NA)
)
kind(
    "categories",
    lambda of, ordered: pd.Series(pd.Categorical(["a", "b"], of, ordered)),
    of=one_of(["a", "b"], ["b", "a"], ["a", "b", "c"]),
    ordered=booleans,
)
kind(
    "intervals",
    lambda a, closed: pd.Series(pd.interval_range(a, a + 2, closed=closed)),
    a=numbers,
    closed=one_of("left", "right", "both"),
)
kind(
    "what a sparse column is filled with",
    lambda fill: pd.Series(pd.arrays.SparseArray([0, 1, 2], fill_value=fill)),
    fill=Part(int, 4),
)
kind(
    "masked values",
    lambda a: pd.arrays.IntegerArray(np.array([a, shuffled(range(9))[0]]), np.array([False, True])),
    a=numbers,
)
kind("attrs of a series", lambda unit: _with_attrs(pd.Series([1]), unit=unit), unit=texts)
kind("labels that may be twice", lambda may: pd.Series([1]).set_flags(allows_duplicate_labels=may), may=booleans)
kind(
    "labels of a series",
    lambda labels: pd.Series([1, 2], labels),
    labels=one_of([0, 1], [1, 0], ["a", "b"], [0.0, 1.0], pd.RangeIndex(0, 4, 2), pd.Index([0, 1], name="x")),
)


def _with_attrs(value: Any, **attrs: Any) -> Any:
    value.attrs.update(attrs)
    return value


class Special(pd.DataFrame):
    _metadata = ["source"]  # noqa: RUF012

    @property
    def _constructor(self) -> Any:
        return Special


def special(a: int, source: str) -> Any:
    frame = Special({"a": [a]})
    frame.source = source
    return frame


kind("frame", lambda a, b: pd.DataFrame({"a": [a, 1], "b": [b, "x"]}), a=numbers, b=texts)
kind("frame of numbers", lambda a, b: pd.DataFrame({"a": [a, 1], "b": [b, 2]}), a=numbers, b=numbers)
kind(
    "labels of columns",
    lambda a, b: pd.DataFrame([[1, 2]], columns=[a, b]),
    a=one_of("a", 1, "1", None, ("a", 1)),
    b=texts,
)
kind("name of the columns", lambda name: pd.DataFrame({"a": [1]}).rename_axis(columns=name), name=labels)
kind("name of the index", lambda name: pd.DataFrame({"a": [1]}).rename_axis(index=name), name=labels)
kind(
    "order of columns",
    lambda order: pd.DataFrame({"a": [1], "b": [1], "c": [1]})[list(order)],
    order=one_of("abc", "acb", "ab"),
)
kind(
    "types of columns",
    lambda of: pd.DataFrame({"a": [1], "b": [2]}).astype({"a": of}),
    of=one_of("i8", "i4", "f8", "object", "str", "Int64"),
)
kind("attrs of a frame", lambda unit: _with_attrs(pd.DataFrame({"a": [1]}), unit=unit), unit=lists)
kind("frame of a class with metadata", special, a=numbers, source=texts)
kind("which class of frame", lambda of: of({"a": [1]}), of=one_of(pd.DataFrame, Special))
kind(
    "empty frame",
    lambda rows, columns: pd.DataFrame(index=range(rows), columns=columns),
    rows=Part(int, 9),
    columns=one_of([], ["a"], ["b"]),
)
kind("frame of lists", lambda a: pd.DataFrame({"a": [a, [1]]}), a=lists)
kind("frame with the same label twice", lambda a, b: pd.DataFrame([[a, b]], columns=["x", "x"]), a=numbers, b=numbers)

# Indexes.
utc = pd.DatetimeIndex(["2024-01-01", "2024-01-02"], tz="UTC")
kind("index", lambda a, name: pd.Index([a, 5000], name=name), a=numbers, name=names)
kind("index of texts", lambda a, name: pd.Index([a, "x"], name=name), a=texts, name=names)
kind(
    "which class of index",
    lambda of: of,
    of=one_of(
        pd.RangeIndex(2), pd.Index([0, 1]), pd.Index([0.0, 1.0]), pd.Index(["0", "1"]), pd.CategoricalIndex([0, 1])
    ),
)
kind(
    "RangeIndex",
    lambda start, step, name: pd.RangeIndex(start, 100, step, name=name),
    start=Part(int, 9),
    step=Part(lambda n: n + 1, 9),
    name=names,
)
kind("empty RangeIndex", lambda at: pd.RangeIndex(at, at), at=Part(int, 9))
kind(
    "zone of an index",
    lambda zone: pd.DataFrame({"a": [1, 2]}, index=utc.tz_convert(zone)),
    zone=one_of("UTC", "Asia/Tokyo", "Europe/Berlin", None),
)
kind(
    "frequency of an index",
    lambda freq: pd.DatetimeIndex(["2024-01-01", "2024-01-02"], freq=freq),
    freq=one_of("D", None, "24h"),
)
kind("unit of an index", lambda unit: utc.as_unit(unit), unit=one_of("s", "ms", "us", "ns"))
kind(
    "PeriodIndex",
    lambda at, freq: pd.PeriodIndex.from_ordinals([at], freq=freq),
    at=numbers,
    freq=one_of("M", "D", "h", "Q"),
)
kind("TimedeltaIndex", lambda at, name: pd.TimedeltaIndex([at, 1], name=name), at=numbers, name=names)
kind(
    "IntervalIndex",
    lambda at, closed: pd.interval_range(at, at + 2, closed=closed),
    at=numbers,
    closed=one_of("left", "right"),
)
kind(
    "MultiIndex",
    lambda a, b, names: pd.MultiIndex.from_tuples([(a, b), (1, "z")], names=names),
    a=numbers,
    b=texts,
    names=one_of(["x", "y"], ["y", "x"], [None, None]),
)
kind("types of levels", lambda a: pd.MultiIndex.from_tuples([(a, 1)]), a=one_of(1, 1.0, "1", True))
kind(
    "labels of both axes",
    lambda a, b: pd.DataFrame(1, pd.MultiIndex.from_tuples([(a, 1)]), pd.MultiIndex.from_tuples([(b, 1)])),
    a=texts,
    b=texts,
)

# Single values.
kind(
    "Timestamp",
    lambda at, zone, unit: pd.Timestamp(at, unit="D", tz=zone).as_unit(unit),
    at=small,
    zone=one_of(None, "UTC", "Asia/Tokyo"),
    unit=one_of("s", "us", "ns"),
)
kind("fold of a Timestamp", lambda fold: pd.Timestamp(dt.datetime(2024, 10, 27, 2, 30, fold=fold)), fold=Part(int, 2))
kind("Timedelta", lambda at, unit: pd.Timedelta(at, unit="D").as_unit(unit), at=small, unit=one_of("s", "us", "ns"))
kind("Period", lambda at, freq: pd.Period(ordinal=at, freq=freq), at=numbers, freq=one_of("M", "D", "h"))
kind("Interval", lambda a, closed: pd.Interval(a, 50_000, closed=closed), a=numbers, closed=one_of("left", "right"))
kind("missing value", lambda of: of, of=one_of(pd.NA, pd.NaT, None, np.nan))
kind(
    "offset",
    lambda of, n: of(n),
    of=one_of(pd.offsets.Day, pd.offsets.MonthEnd, pd.offsets.BDay, pd.offsets.Hour),
    n=small,
)
kind(
    "holidays of an offset",
    lambda day: pd.offsets.CustomBusinessDay(holidays=[f"2024-01-{day + 1:02}"]),
    day=Part(int, 28),
)
kind(
    "type of pandas",
    pd.api.types.pandas_dtype,
    dtype=one_of(*TYPES[10:19], "interval[int64, right]", "interval[int64, left]", "category"),
)
kind("array of pandas", lambda dtype: series(dtype, 3).array, dtype=one_of(*TYPES))
kind(
    "part of a frame",
    lambda at, a: pd.DataFrame({"a": [0, 1, 2, a], "b": list("wxyz")}).iloc[at:],
    at=Part(int, 3),
    a=numbers,
)

# Arrow.
ARROW = {
    **{name: pa.type_for_alias(name) for name in ("int8", "uint16", "int64", "float32", "float64", "bool", "string")},
    **{name: pa.type_for_alias(name) for name in ("large_string", "binary", "date32", "time64[us]", "duration[s]")},
    "timestamp": pa.timestamp("us", "UTC"),
    "decimal": pa.decimal128(9, 2),
    "fixed": pa.binary(8),
    "list": pa.list_(pa.int64()),
    "large list": pa.large_list(pa.string()),
    "fixed list": pa.list_(pa.int64(), 2),
    "struct": pa.struct([("a", pa.int64()), ("b", pa.string())]),
    "map": pa.map_(pa.string(), pa.int64()),
    "dictionary": pa.dictionary(pa.int8(), pa.string()),
    "view": pa.string_view(),
    "binary view": pa.binary_view(),
}


def arrow_value(name: str, value: int) -> Any:
    if name == "bool":
        return bool(value % 2)
    if name in ("string", "large_string", "dictionary", "view"):
        return f"text {value}"
    if name in ("binary", "fixed", "binary view"):
        return b"%08d" % value
    if name == "decimal":
        return decimal.Decimal(value) / 4
    if name in ("list", "fixed list"):
        return [1, value]
    if name == "large list":
        return ["a", f"text {value}"]
    if name == "struct":
        return {"a": value, "b": f"text {value}"}
    return [("a", value)] if name == "map" else value


def arrow(name: str, value: int, gap: int) -> Any:
    """Values of a type, of which one is drawn and one is missing; in pieces or a slice of more, each time otherwise."""
    values = [arrow_value(name, each) for each in (1, 2, 3, value)]
    values[gap] = None
    whole = pa.array(values, ARROW[name])
    way = shuffled([0, 1, 2])[0] if name != "dictionary" else 0  # of a slice, the dictionary is whole, and can be seen
    if way == 1:
        return pa.array([arrow_value(name, 5), None, *values, arrow_value(name, 6)], ARROW[name])[2:-1]
    return pa.concat_arrays([whole[:1], whole[1:]]) if way == 2 and name not in ("view", "binary view") else whole


for name in ARROW:
    values = Part(int, 2) if name == "bool" else small
    kind(
        f"arrow array of {name}", lambda value, gap, name=name: arrow(name, value, gap), value=values, gap=Part(int, 3)
    )
kind("type of an arrow array", lambda name: pa.array([], ARROW[name]), name=one_of(*ARROW))
kind("type of arrow", lambda name: ARROW[name], name=one_of(*ARROW))
kind(
    "arrow column",
    lambda name, value: pa.chunked_array(_cut(arrow(name, value, 1))),
    name=one_of(*(name for name in ARROW if name != "bool")),
    value=small,
)
kind(
    "arrow table",
    lambda a, name, unit: pa.table({name: [a, 1]}, pa.schema([(name, pa.int64())], {"unit": unit})),
    a=numbers,
    name=texts,
    unit=texts,
)
kind("record batch", lambda a, b: pa.record_batch({"a": [a], "b": [b]}), a=numbers, b=texts)
kind(
    "metadata of a field",
    lambda unit: pa.table({"a": [1]}, pa.schema([pa.field("a", pa.int64(), metadata={"unit": unit})])),
    unit=texts,
)
kind("field that may be null", lambda may: pa.schema([pa.field("a", pa.int64(), may)]), may=booleans)
kind("arrow scalar", lambda a, of: pa.scalar(a, of), a=small, of=one_of(pa.int64(), pa.int8(), pa.float64()))
kind("arrow buffer", lambda a: pa.py_buffer(b"%d" % a), a=numbers)
kind(
    "order of a dictionary",
    lambda of: pa.DictionaryArray.from_arrays([0, 1], of),
    of=one_of(["a", "b"], ["b", "a"], ["a", "b", "c"]),
)


def _cut(array: Any) -> list[Any]:
    place = shuffled([0, 1, 2])[0]
    return [array[:place], array[place:]]


# Types that hold others, or that few have: as columns of pandas, too.
MORE_ARROW: dict[str, tuple[pa.DataType, tuple[Any, ...]]] = {
    "runs": (pa.run_end_encoded(pa.int32(), pa.string()), ("a", "b", "c")),
    "interval": (pa.month_day_nano_interval(), (pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([1, 2, 4]))),
    "long decimal": (pa.decimal256(50, 2), (decimal.Decimal(1), decimal.Decimal(10) ** 40)),
    "short decimal": (pa.decimal32(5, 2), (decimal.Decimal(1), decimal.Decimal(2))),
    "view of lists": (pa.list_view(pa.int64()), ([1], [2], [], [None])),
    "half": (pa.float16(), (1.0, 2.0)),
    "time32": (pa.time32("s"), (dt.time(1), dt.time(2))),
    "lists of structs": (pa.list_(pa.struct([("a", pa.string())])), ([{"a": "x"}], [{"a": "y"}], [{"a": None}], [])),
    "lists of categories": (pa.list_(pa.dictionary(pa.int8(), pa.string())), (["a"], ["b"], [], [None])),
    "struct of categories": (pa.struct([("a", pa.dictionary(pa.int8(), pa.string()))]), ({"a": "x"}, {"a": "y"})),
    "uuid": (pa.uuid(), (b"a" * 16, b"b" * 16)),
    "json": (pa.json_(), ("1", "2")),
}


def in_chunks(name: str, place: int, at: int) -> pa.ChunkedArray:
    """Chunks with dictionaries of their own, in the last of which stands one of the values."""
    of, values = MORE_ARROW[name]
    return pa.chunked_array([pa.array([values[0], None], of), pa.array([*values[:1] * at, values[place]], of)])


for name, (of, choices) in MORE_ARROW.items():
    places = Part(int, len(choices))
    kind(
        f"arrow column of {name}",
        lambda place, at, name=name: in_chunks(name, place, at),
        place=places,
        at=Part(int, 2),
    )
    if name not in ("runs", "view of lists"):  # which pandas has no columns of
        kind(
            f"arrow in pandas: {name}",
            lambda place, of=of, choices=choices: pd.Series(
                pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array([choices[place], None], of)]))
            ),
            place=places,
        )
kind(
    "ends of runs",
    lambda a, b: pa.RunEndEncodedArray.from_arrays(pa.array([a, 9], pa.int32()), pa.array([b, 2])),
    a=Part(lambda n: n + 1, 8),
    b=numbers,
)
kind(
    "union",
    lambda a, which: pa.UnionArray.from_dense(
        pa.array([which, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([a]), pa.array(["x"])]
    ),
    a=numbers,
    which=Part(int, 2),
)
kind(
    "shape of tensors",
    lambda shape, a: pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int32(), shape), pa.array([[1, 2, 3, a]], pa.list_(pa.int32(), 4))
    ),
    shape=one_of((2, 2), (4, 1), (1, 4)),
    a=numbers,
)

# polars.
POLARS = {
    **{f"{each}": each for each in (pl.Int8, pl.UInt32, pl.Int64, pl.Float32, pl.Float64, pl.Boolean, pl.String)},
    **{f"{each}": each for each in (pl.Binary, pl.Date, pl.Time, pl.Datetime("us", "UTC"), pl.Datetime("ms"))},
    **{f"{each}": each for each in (pl.Duration("us"), pl.Categorical(), pl.Decimal(9, 2), pl.List(pl.Int64))},
    "Enum": pl.Enum([f"text {number}" for number in range(99)]),
    "Struct": pl.Struct({"a": pl.Int64, "b": pl.String}),
    "Array": pl.Array(pl.Int64, 2),
}
MORE_POLARS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "struct of categories": (pl.Struct({"a": pl.Categorical}), ({"a": "x"}, {"a": "y"}, {"a": None})),
    "lists of texts": (pl.List(pl.String), (["a"], ["b"], [], [None])),
    "lists of lists": (pl.List(pl.List(pl.Int8)), ([[1]], [[2]], [[]], [])),
    "lists of categories": (pl.List(pl.Categorical), (["a"], ["b"], [], [None])),
    "lists of an Enum": (pl.List(pl.Enum(["a", "b"])), (["a"], ["b"], [])),
    "lists of decimals": (pl.List(pl.Decimal(5, 2)), ([decimal.Decimal(1)], [decimal.Decimal(2)])),
    "arrays of arrays": (pl.Array(pl.Int8, (2, 2)), ([[1, 2], [3, 4]], [[1, 2], [3, 5]])),
    "arrays of categories": (pl.Array(pl.Categorical, 1), (["a"], ["b"], [None])),
    "half": (pl.Float16, (1.0, 2.0)),
    "unsigned long integers": (pl.UInt128, (1, 2**100)),
}


def polars(name: str, value: int, of: str) -> Any:
    """Values of a type, of which one is drawn; in pieces, or a slice of more, each time otherwise."""
    key = {"Boolean": "bool", "Struct": "struct", "Binary": "binary", "Array": "list"}.get(name, "")
    if name.startswith("List"):
        key = "list"
    if name in ("String", "Enum") or name.startswith("Categorical"):
        key = "string"
    values = [arrow_value(key, each) for each in (1, 2)] + [None, arrow_value(key, value)]
    if name.startswith(("Date", "Time", "Duration", "Decimal")):
        return pl.Series(of, [1, 2, None, value]).cast(pl.Int32 if name == "Date" else pl.Int64).cast(POLARS[name])
    whole = pl.Series(of, values, POLARS[name])
    way = shuffled([0, 1, 2])[0]
    if way == 1:
        return pl.Series(of, [values[3], *values, values[0]], POLARS[name])[1:-1]
    return pl.concat([whole[:2], whole[2:]], rechunk=False) if way == 2 else whole


for name in POLARS:
    values = Part(int, 2) if name == "Boolean" else small
    kind(f"polars series of {name}", lambda value, of, name=name: polars(name, value, of), value=values, of=texts)
for name, (of, choices) in MORE_POLARS.items():
    kind(
        f"polars {name}",
        lambda place, at, of=of, choices=choices: pl.concat(
            [pl.Series("s", [choices[0], None], of), pl.Series("s", [choices[0]] * at + [choices[place]], of)],
            rechunk=shuffled([True, False])[0],
        ),
        place=Part(int, len(choices)),
        at=Part(int, 2),
    )
kind(
    "categories with a name", lambda of: pl.Series(["a"], dtype=pl.Categorical(pl.Categories(of))), of=one_of("x", "y")
)
kind("type of a polars series", lambda name: pl.Series([], dtype=POLARS[name]), name=one_of(*POLARS))
kind("type of polars", lambda name: POLARS[name], name=one_of(*POLARS))
kind("polars frame", lambda a, b, name: pl.DataFrame({name: [a, 1], "b": [b, "x"]}), a=numbers, b=texts, name=texts)
kind(
    "categories of a polars Enum",
    lambda of: pl.Series(["a"], dtype=pl.Enum(of)),
    of=one_of(["a", "b"], ["b", "a"], ["a"]),
)
kind("objects in polars", lambda a: pl.Series([a, {1}], dtype=pl.Object), a=lists)
kind("lazy frame", lambda a: pl.LazyFrame({"a": [a]}).filter(pl.col("a") > 1), a=numbers)
kind("expression", lambda a: pl.col("a") > a, a=numbers)
kind("schema of polars", lambda of: pl.Schema({"a": of}), of=one_of(pl.Int8, pl.Int64, pl.String))
