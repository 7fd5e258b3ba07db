"""Tables in Arrow and Parquet files: what goes in comes out, whole or in parts."""

import contextlib
import datetime as dt
import decimal
import inspect
import io
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from perdure._serializers.payload import BytesSource
from perdure.errors import ResultCorrupt, ResultError, ResultUnreadable, SerializationError
from perdure.serializers import ArrowSerializer, ParquetSerializer, Serializer
from perdure.testing.serializer_conformance import MemoryPayload, SerializerConformance

BERLIN = "Europe/Berlin"
# Earlier versions of polars have no such frames.
ONLY_ROWS = [pl.DataFrame(height=3)] if "height" in inspect.signature(pl.DataFrame).parameters else []
ROWS = 20_000  # of large tables: more than the document takes
FRAME = pa.table({"a": range(10), "b": [f"text {each}" for each in range(10)], "c": [each / 2 for each in range(10)]})

TABLES = [
    pa.table({"a": [1, None], "b": ["x", "y"]}),
    pa.table({"a": pa.array([], pa.timestamp("s"))}),
    pa.table({"a": [[1], None, []], "b": [{"c": 1}, None, {"c": 2}]}),
    pa.table([pa.array([1]), pa.array([2])], names=["same", "same"]),
    pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode(), "b": pa.array([1, 2, 3], pa.time32("s"))}),
    pa.table({"a": pa.array([1, 2]).dictionary_encode()}, metadata={"made by": "a test"}),
    pa.record_batch({"a": [1, 2]}),
    pa.record_batch({"a": pa.array([], pa.string())}),
]
PANDAS = {
    "range index": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2)),
    "several indexes": pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "x")], names=["n", None])),
    "several levels of columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "numbers as columns": pd.DataFrame([[1, 2], [3, 4]]),
    "dates as columns": pd.DataFrame([[1, 2]], columns=pd.to_datetime(["2024-05-01", "2024-05-02"])),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", None], categories=["x", "y"], ordered=True)}),
    "missing numbers": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1.5, np.nan]}),
    "text": pd.DataFrame({"a": ["x", None]}),
    "times": pd.DataFrame({"a": pd.to_datetime(["2024-05-01"]).tz_localize(BERLIN), "b": [pd.Timedelta(1)]}),
    "seconds": pd.DataFrame({"a": pd.to_datetime(["2024-05-01"]).astype("M8[s]")}),
    "periods": pd.DataFrame({"a": pd.period_range("2023", "2024", freq="Y"), "b": pd.interval_range(0, 2)}),
    "nothing": pd.DataFrame(),
    "a name": pd.Series([1, 2], name="q"),
    "no name": pd.Series([1.5, 2], index=["x", "y"]),
    "a number as name": pd.Series(["x"], name=7),
    "a tuple as name": pd.Series(["x"], name=("a", 1)),
}
POLARS = {
    "text": pl.DataFrame({"a": [1, None], "b": ["x", None]}),
    "categories": pl.DataFrame({"a": pl.Series(["x", None], dtype=pl.Categorical)}),
    "an enum": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y", "z"]))}),
    "times": pl.DataFrame({"a": [dt.datetime(2024, 5, 1)], "b": [dt.timedelta(1)], "c": [dt.time(1)]}),
    "a zone": pl.DataFrame({"a": pl.Series([dt.datetime(2024, 5, 1)]).dt.replace_time_zone(BERLIN)}),
    "decimals": pl.DataFrame({"a": [decimal.Decimal("1.20")]}),
    "lists": pl.DataFrame({"a": [[1], []], "b": pl.Series([[1, 2]] * 2, dtype=pl.Array(pl.Int8, 2))}),
    "structs": pl.DataFrame({"a": [{"b": "x"}, {"b": None}]}),
    "nothing": pl.DataFrame(),
    "a series": pl.Series("q", [1, 2]),
    "a series without a name": pl.Series([b"x"]),
}


@pytest.fixture(params=[ArrowSerializer, ParquetSerializer])
def serializer(request: pytest.FixtureRequest) -> Serializer:
    made: Serializer = request.param()
    return made


def put(serializer: Serializer, value: Any) -> BytesSource | MemoryPayload:
    """A value in its payload, or in the text of a small one."""
    payload = MemoryPayload()
    written = serializer.dump(value, payload)
    return payload if written is None else BytesSource(written)


class TablesConform(SerializerConformance):
    @pytest.fixture
    def values(self) -> list[Any]:
        return TABLES

    @pytest.fixture
    def large_values(self) -> list[Any]:
        return [pa.table({"a": range(ROWS), "b": ["x"] * ROWS})]

    def is_same(self, loaded: Any, value: Any) -> bool:
        return type(loaded) is type(value) and bool(loaded.equals(value, check_metadata=True))


class TestArrow(TablesConform):
    @pytest.fixture(params=[None, "lz4", "zstd"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return ArrowSerializer(compression=request.param)


class TestParquet(TablesConform):
    @pytest.fixture(params=["zstd", None])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return ParquetSerializer(compression=request.param)

    @pytest.fixture
    def large_values(self) -> list[Any]:
        return [pa.table({"a": np.random.default_rng(0).random(ROWS)})]


def test_pieces_with_dictionaries_of_their_own_come_back_with_one(serializer: Serializer) -> None:
    pieces = pa.chunked_array([pa.array(["x"]).dictionary_encode(), pa.array(["y"]).dictionary_encode()])
    loaded = serializer.loads(serializer.dumps(pa.table({"a": pieces})))
    assert loaded.column("a").to_pylist() == ["x", "y"]
    assert loaded.column("a").type == pieces.type


@pytest.mark.parametrize("case", PANDAS)
def test_pandas_comes_back_with_its_index_and_types(serializer: Serializer, case: str) -> None:
    value = PANDAS[case]
    is_frame = isinstance(value, pd.DataFrame)
    compare: Callable[..., None] = pd.testing.assert_frame_equal if is_frame else pd.testing.assert_series_equal
    compare(serializer.loads(serializer.dumps(value)), value, check_freq=False)


@pytest.mark.parametrize("case", POLARS)
def test_polars_comes_back_with_its_types(serializer: Serializer, case: str) -> None:
    value = POLARS[case]
    loaded = serializer.loads(serializer.dumps(value))
    assert type(loaded) is type(value)
    assert loaded.equals(value, null_equal=True)
    if isinstance(value, pl.DataFrame):
        assert loaded.schema == value.schema
    else:
        assert (loaded.name, loaded.dtype) == (value.name, value.dtype)


def test_what_streams_arrow_comes_back_as_a_table(serializer: Serializer) -> None:
    class Relation:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return TABLES[0].__arrow_c_stream__(requested_schema)

    assert serializer.loads(serializer.dumps(Relation())).equals(TABLES[0])


class Frame(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1]}, r"builtins\.dict.*Use the serializer 'pickle', or 'json'"),
        (ValueError("no"), r"builtins\.ValueError.*'pickle'"),
        (np.arange(3), "Use the serializer 'numpy' for arrays"),
        (pl.LazyFrame({"a": [1]}), r"Return frame\.collect\(\)"),
        (pa.RecordBatchReader.from_batches(pa.schema([]), []), r"return reader\.read_all\(\)"),
        (Frame({"a": [1]}), r"Frame.*A subclass would come back as a pandas\.DataFrame"),
        (pa.chunked_array([[1]]), "pyarrow.ChunkedArray cannot be written"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"])), "pandas.DataFrame.*'pickle'"),
        (pd.DataFrame({"a": [1, "x"]}), "Conversion failed for column a"),
        (pd.DataFrame({"a": [1j]}), "Conversion failed for column a"),
        (pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}), "Object would come back as Binary"),
        (pl.DataFrame({"a": [1]}, schema={"a": pl.Int128}), "polars.DataFrame cannot be written"),
        *[(each, "3 rows but no columns") for each in ONLY_ROWS],
        (pd.DataFrame(index=range(3)), "3 rows but no columns"),
        (FRAME.select([]), "10 rows but no columns"),
    ],
)
def test_what_would_not_come_back_is_refused(serializer: Serializer, value: Any, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        serializer.dumps(value)


@pytest.mark.filterwarnings("ignore:.*column names of mixed type")
def test_names_of_columns_that_would_come_back_as_text_are_refused(serializer: Serializer) -> None:
    with pytest.raises(SerializationError, match=r"1 would come back as '1'.*Make all names of columns text"):
        serializer.dumps(pd.DataFrame([[1, 2]], columns=[1, "a"]))


@pytest.mark.parametrize("kind", [pa.month_day_nano_interval(), pa.list_(pa.dictionary(pa.int8(), pa.int64()))])
def test_what_arrow_has_and_parquet_lacks_is_refused_by_parquet(kind: pa.DataType) -> None:
    table = pa.table({"a": pa.nulls(1, kind)})
    assert ArrowSerializer().loads(ArrowSerializer().dumps(table)).equals(table)
    with pytest.raises(SerializationError, match="cannot be written as a Parquet file"):
        ParquetSerializer().dumps(table)


@pytest.mark.parametrize("kind", [pa.date64(), pa.timestamp("s"), pa.struct([("b", pa.time32("s"))])])
def test_types_that_parquet_lacks_come_back_as_they_were(kind: pa.DataType) -> None:
    table = pa.table({"a": pa.nulls(2, kind), "b": [1, 2]})
    written = ParquetSerializer().dumps(table)
    assert ParquetSerializer().loads(written).schema == table.schema
    assert ParquetSerializer().load_part(BytesSource(written), ["a"], None).schema.field("a").type == kind


def test_the_memory_of_a_table_is_written_as_it_lies() -> None:
    table = pa.table({"a": np.arange(ROWS)})
    addresses = []

    class Watching(MemoryPayload):
        def write(self, data: bytes | bytearray | memoryview, /) -> int:
            addresses.append(np.frombuffer(data, np.uint8).__array_interface__["data"][0])
            return super().write(data)

    assert ArrowSerializer().dump(table, Watching()) is None
    assert table.column("a").chunk(0).buffers()[1].address in addresses


def test_a_table_is_read_in_the_memory_of_the_payload() -> None:
    payload = MemoryPayload()
    ArrowSerializer().dump(pa.table({"a": np.arange(ROWS)}), payload)
    memory = np.frombuffer(payload.view(), np.uint8)

    class Same(MemoryPayload):
        def view(self) -> memoryview:
            return memoryview(memory)

    start = memory.__array_interface__["data"][0]
    address = ArrowSerializer().load(Same()).column("a").chunk(0).buffers()[1].address
    assert start < address < start + memory.nbytes


# Parts

some_rows = st.slices(12)


@given(rows=some_rows, columns=st.permutations("abc").flatmap(lambda names: st.integers(1, 3).map(lambda n: names[:n])))
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("kind", ["table", "pandas", "polars"])
@pytest.mark.parametrize("form", [ArrowSerializer(), ParquetSerializer(row_group_size=3)])
def test_a_part_is_what_slicing_the_whole_gives(form: Serializer, kind: str, rows: slice, columns: list[str]) -> None:
    pandas = FRAME.to_pandas().set_index(pd.RangeIndex(100, 120, 2))
    value = {"table": FRAME, "pandas": pandas, "polars": pl.from_arrow(FRAME)}[kind]
    part = form.load_part(put(form, value), columns, rows)
    if kind == "table":
        assert part.equals(FRAME.take(pa.array(range(10)[rows], pa.int64())).select(columns))
    elif kind == "pandas":
        pd.testing.assert_frame_equal(part, pandas.iloc[rows][columns])
    else:
        assert part.equals(value[list(range(10)[rows])].select(columns))


@pytest.mark.parametrize("value", [TABLES[-2], PANDAS["a name"], PANDAS["no name"], POLARS["a series"]])
def test_a_part_is_of_the_kind_that_went_in(serializer: Serializer, value: Any) -> None:
    part = serializer.load_part(put(serializer, value), None, slice(1, None))
    assert type(part) is type(value)
    assert len(part) == 1


def test_the_index_comes_along_with_chosen_columns(serializer: Serializer) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["x", "y"])
    part = serializer.load_part(put(serializer, frame), ["b"], slice(1, 2))
    pd.testing.assert_frame_equal(part, frame[["b"]].iloc[1:2])


def test_an_unknown_column_is_refused_with_the_nearest(serializer: Serializer) -> None:
    source = put(serializer, pd.DataFrame({"price": [1], "count": [2]}, index=["x"]))
    message = r"no column 'prise'\. Did you mean 'price'\? There are: 'price', 'count'\."
    with pytest.raises(ResultUnreadable, match=message):
        serializer.load_part(source, ["prise"], None)
    with pytest.raises(ResultUnreadable, match="columns is empty"):
        serializer.load_part(source, [], None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rows": 5}, r"rows=5 is no slice\. Pass one"),
        ({"rows": [1, 2]}, r"rows=\[1, 2\] is no slice"),
        ({"rows": slice("a")}, "is not of whole numbers"),
        ({"rows": slice(1.5)}, "is not of whole numbers"),
        ({"rows": slice(None, None, 0)}, "has the step 0"),
        ({"columns": "a"}, r"Pass columns=\['a'\]"),
        ({"columns": 5}, "columns=5 is no list of names"),
        ({"columns": [5]}, "There is no column 5"),
    ],
)
def test_what_is_no_part_is_refused_with_the_rule(serializer: Serializer, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultUnreadable, match=message):
        serializer.load_part(put(serializer, FRAME), **{"columns": None, "rows": None, **asked})


def test_numbers_of_numpy_choose_rows(serializer: Serializer) -> None:
    part = serializer.load_part(put(serializer, FRAME), None, slice(np.int64(1), np.int64(3)))
    assert part.column("a").to_pylist() == [1, 2]


def test_a_series_has_no_columns(serializer: Serializer) -> None:
    with pytest.raises(ResultUnreadable, match="a Series, which has no columns"):
        serializer.load_part(put(serializer, pd.Series([1], name="a")), ["a"], None)


FOOTER = 64 * 1024  # bytes: so much of a Parquet file's end is read at a time


class Counting(MemoryPayload):
    """Counts what is read of it, in bytes."""

    read = 0

    def open(self) -> BinaryIO:
        payload, stream = self, self.stream

        class File(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                payload.read += len(data)
                return data

        return File(stream)


@pytest.mark.parametrize("form", [ArrowSerializer(), ParquetSerializer(compression=None)])
def test_only_the_chosen_columns_are_read(form: Serializer) -> None:
    numbers = np.random.default_rng(0).random(ROWS)
    payload = Counting()
    form.dump(pa.table(dict.fromkeys("abcdefghij", numbers)), payload)
    assert form.load_part(payload, ["b"], None).num_rows == ROWS
    assert payload.read < len(payload.stream) / 10 + 2 * FOOTER


def test_only_the_row_groups_of_the_chosen_rows_are_read() -> None:
    form = ParquetSerializer(compression=None, row_group_size=ROWS)
    payload = Counting()
    form.dump(pa.table({"a": np.random.default_rng(0).random(ROWS * 5)}), payload)
    assert form.load_part(payload, None, slice(-3, None)).num_rows == 3
    assert payload.read < len(payload.stream) / 5 + 2 * FOOTER


def test_only_the_batches_of_the_chosen_rows_are_read() -> None:
    payload = Counting()
    chunks = [pa.record_batch({"a": np.arange(ROWS)}) for _ in range(10)]
    ArrowSerializer().dump(pa.Table.from_batches(chunks), payload)
    part = ArrowSerializer().load_part(payload, None, slice(ROWS - 1, ROWS + 1))
    assert part.column("a").to_pylist() == [ROWS - 1, 0]
    assert payload.read < len(payload.stream) / 4


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_files_that_others_wrote_are_read(suffix: str) -> None:
    file = io.BytesIO()
    if suffix == "parquet":
        pq.write_table(FRAME, file, store_schema=False)
        form: Serializer = ParquetSerializer()
    else:
        form = ArrowSerializer()
        with pa.ipc.new_file(file, FRAME.schema) as writer:
            writer.write_table(FRAME, max_chunksize=3)
    assert form.load(BytesSource(bytearray(file.getvalue()))).equals(FRAME)
    part = form.load_part(BytesSource(file.getvalue()), ["b"], slice(2, 7, 2))
    assert part.column("b").to_pylist() == ["text 2", "text 4", "text 6"]


# What is damaged, or newer


@pytest.mark.slow
@given(st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("form", [ArrowSerializer(), ArrowSerializer(compression="lz4"), ParquetSerializer()])
def test_damage_is_named_or_harmless(form: Any, data: st.DataObject) -> None:
    file = io.BytesIO()
    form._write(TABLES[4], file.write)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for read in (form.load, lambda source: form.load_part(source, None, slice(1, 2))):
        try:
            read(BytesSource(content))
        except (ResultError, MemoryError):  # a length that is damaged may be more than any machine has
            pass


def test_half_a_file_is_corrupt(serializer: Serializer) -> None:
    payload = put(serializer, pa.table({"a": np.random.default_rng(0).random(ROWS)}))
    half = BytesSource(bytearray(payload.view()[: ROWS * 4]))
    with pytest.raises(ResultCorrupt, match="not a whole (Arrow IPC|Parquet) file"):
        serializer.load(half)


def test_offsets_that_lead_out_of_the_memory_are_corrupt() -> None:
    file = io.BytesIO()
    table = pa.table({"a": ["some text", "more"]})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    content = bytearray(file.getvalue())
    place = content.index((13).to_bytes(4, "little"), content.index(b"some text") - 80)  # the end of "more"
    content[place : place + 4] = (1_000_000).to_bytes(4, "little")
    with pytest.raises(ResultCorrupt, match="not a whole Arrow IPC file"):
        ArrowSerializer().load(BytesSource(content))


def test_a_kind_of_table_that_is_not_known_yet_is_unreadable(serializer: Serializer) -> None:
    file = io.BytesIO()
    serializer._write(FRAME, file.write)  # type: ignore[attr-defined]
    newer = bytearray(file.getvalue().replace(b"pyarrow.Table", b"cuarrow.Table"))
    with pytest.raises(ResultUnreadable, match=r"cuarrow\.Table, which is not known here"):
        serializer.load(BytesSource(newer))


def test_a_newer_version_of_the_format_is_unreadable() -> None:
    file = io.BytesIO()
    with pa.ipc.new_file(file, FRAME.schema) as writer:
        writer.write_table(FRAME)
    content = file.getvalue()
    messages = []
    for place in range(0, len(content), 2):
        if content[place : place + 2] == b"\x04\x00":  # one of these is the version
            newer = bytearray(content[:place] + b"\x05\x00" + content[place + 2 :])
            with contextlib.suppress(ResultCorrupt):
                try:
                    ArrowSerializer().load(BytesSource(newer))
                except ResultUnreadable as error:
                    messages.append(str(error))
    assert any(pa.__version__ in each and "Install a newer one" in each for each in messages)


def test_without_the_library_of_the_table_the_error_names_it(
    serializer: Serializer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = serializer.dumps(POLARS["text"])
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ResultUnreadable, match=r"polars\.DataFrame, but polars cannot be imported.*Install polars"):
        serializer.loads(written)


columns_of = {
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.string(): st.text(max_size=8),
    pa.large_binary(): st.binary(max_size=8),
    pa.bool_(): st.booleans(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(dt.UTC)),
    pa.list_(pa.int8()): st.lists(st.integers(-128, 127), max_size=3),
    pa.dictionary(pa.int16(), pa.string()): st.sampled_from(["x", "y"]),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    types: Sequence[pa.DataType] = draw(st.lists(st.sampled_from(list(columns_of)), min_size=1, max_size=4))
    chunks = []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, 4))
        cells = [draw(st.lists(st.none() | columns_of[each], min_size=count, max_size=count)) for each in types]
        arrays = [pa.array(each, kind) for each, kind in zip(cells, types, strict=True)]
        chunks.append(pa.record_batch(arrays, names=[f"column {place}" for place in range(len(types))]))
    return pa.Table.from_batches(chunks)


@pytest.mark.slow
@given(table=tables(), rows=some_rows)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("form", [ArrowSerializer(), ArrowSerializer(compression="zstd"), ParquetSerializer()])
def test_any_table_comes_back_whole_and_in_parts(form: Serializer, table: pa.Table, rows: slice) -> None:
    written = form.dumps(table)
    loaded = form.loads(written)
    assert loaded.schema == table.schema
    assert loaded.to_pylist() == table.to_pylist()  # `equals` tells dictionaries apart
    part = form.load_part(BytesSource(written), table.column_names[:1], rows)
    assert part.to_pylist() == [{"column 0": each} for each in table.column(0).to_pylist()[rows]]
