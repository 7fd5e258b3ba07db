"""Large pickles: streamed, with the memory of arrays and tables beside them."""

import pickle
import sys
import threading
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure._serializers.payload import THRESHOLD
from perdure.errors import ResultCorrupt, SerializationError, StorageError
from perdure.serializers import CompressedSerializer, EncryptedSerializer, PickleSerializer, Serializer, new_key
from perdure.testing.serializer_conformance import MemoryPayload

SERIALIZER = PickleSerializer()
MIB = 1024 * 1024


def dumped(value: Any, serializer: Serializer = SERIALIZER) -> MemoryPayload:
    payload = MemoryPayload()
    assert serializer.dump(value, payload) is None
    return payload


def again(value: Any, serializer: Serializer = SERIALIZER) -> Any:
    payload = MemoryPayload()
    written = serializer.dump(value, payload)
    return serializer.load(payload) if written is None else serializer.loads(written)


class Discarding:
    """A payload of which nothing is kept."""

    def __init__(self, takes_buffers: bool = True) -> None:
        self.takes_buffers = takes_buffers
        self.size = 0

    def write(self, data: Any, /) -> int:
        self.size += memoryview(data).nbytes
        return memoryview(data).nbytes

    def add_buffer(self, buffer: memoryview, /) -> None:
        self.size += buffer.nbytes


SIZES = st.integers(THRESHOLD - 300, THRESHOLD + 300)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        SIZES.map(bytes),
        SIZES.map(lambda size: "x" * size),
        SIZES.map(bytearray),
        SIZES.map(lambda size: np.arange(size, dtype="u1")),
        st.lists(st.integers(0, THRESHOLD).map(lambda size: np.ones(size, "u1")), max_size=3),
    )
)
def test_values_come_back_at_any_size_and_the_small_ones_are_what_dumps_gives(value: Any) -> None:
    payload = MemoryPayload()
    written = SERIALIZER.dump(value, payload)
    loaded = SERIALIZER.load(payload) if written is None else SERIALIZER.loads(written)
    assert pickle.dumps(loaded) == pickle.dumps(value)
    if written is not None:
        assert written == SERIALIZER.dumps(value)
        assert not payload.stream
        assert not payload.kept


@pytest.mark.parametrize(
    "value",
    [
        np.arange(MIB // 8, dtype=float),
        np.asfortranarray(np.ones((400, 300))),
        pd.DataFrame({"a": np.arange(20_000), "b": np.arange(20_000) * 1.5}),
        pa.table({"a": np.arange(20_000)}),
        pl.DataFrame({"a": np.arange(20_000), "b": ["x"] * 20_000}),
        pl.Series("a", np.arange(20_000)),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_arrays_and_tables_go_beside_the_stream(value: Any) -> None:
    payload = dumped(value)
    assert payload.kept
    assert len(payload.stream) < 2_000
    loaded = again(value)
    assert type(loaded) is type(value)
    assert np.array_equal(loaded, value)


def test_the_memory_itself_is_given_and_not_a_copy() -> None:
    array = np.zeros(MIB)
    (buffer,) = dumped(array).kept
    assert np.shares_memory(np.frombuffer(buffer, dtype=float), array)


def test_an_array_comes_back_in_the_memory_of_its_buffer_and_can_be_written_to() -> None:
    payload = dumped(np.zeros(MIB))
    memory = [memoryview(bytearray(buffer)) for buffer in payload.kept]
    payload.buffers = lambda: memory  # type: ignore[method-assign]
    loaded = SERIALIZER.load(payload)
    loaded[0] = 1
    assert bytes(memory[0][:8]) == np.float64(1).tobytes()


def test_short_arrays_stay_in_the_stream() -> None:
    payload = dumped([np.arange(1_000.0) for _ in range(100)])
    assert not payload.kept
    assert all(array.flags.writeable for array in SERIALIZER.load(payload))


def test_arrays_with_gaps_come_back() -> None:
    array = np.arange(200_000.0).reshape(400, 500)[::2, ::3]
    assert np.array_equal(again(array), array)


def test_frames_of_types_that_arrow_would_change_are_left_to_polars() -> None:
    frame = pl.DataFrame({"a": ["x", "y"] * 50_000}, schema={"a": pl.Enum(["x", "y"])})
    loaded = again(frame)
    assert loaded.equals(frame)
    assert loaded.schema == frame.schema


TEXTS = [f"the text of row {row:06}" for row in range(100_000)]


@pytest.mark.parametrize(
    "whole",
    [
        pl.DataFrame({"a": TEXTS}),
        pl.Series("a", TEXTS),
        pl.DataFrame({"a": np.arange(100_000)}),
        pa.table({"a": np.arange(100_000), "b": TEXTS}),
        pa.table({"a": pa.array(TEXTS, pa.string_view())}),
        pa.table({"a": pa.array([each.encode() for each in TEXTS], pa.binary_view())}),
        pa.table({"a": [[each] for each in TEXTS], "b": pa.array([{"c": each} for each in TEXTS])}),
        pa.record_batch({"a": TEXTS}),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS]),
        np.arange(100_000),
        np.array(TEXTS),
        pd.DataFrame({"a": np.arange(100_000), "b": TEXTS}),
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string())),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_a_slice_is_written_without_what_it_is_a_slice_of(whole: Any) -> None:
    rows = slice(20_000, 30_000)
    part = whole.slice(20_000, 10_000) if hasattr(whole, "slice") else whole[rows]
    of_all = dumped(whole)
    payload = dumped(part)
    memory = bytes(payload.stream) + b"".join(payload.kept)
    assert len(memory) < 0.15 * (len(of_all.stream) + sum(each.nbytes for each in of_all.kept))
    assert b"the text of row 099999" not in memory
    assert b"the text of row 019999" not in memory
    loaded = SERIALIZER.load(payload)
    assert loaded.equals(part) if hasattr(part, "equals") else np.array_equal(loaded, part)


def test_many_pieces_of_one_table_are_each_written_once() -> None:
    whole = pa.table({"a": np.arange(200_000)})
    pieces = pa.concat_tables([whole.slice(start, 20_000) for start in range(0, 200_000, 20_000)])
    payload = dumped(pieces)
    assert len(payload.stream) + sum(each.nbytes for each in payload.kept) < 1.1 * whole.nbytes
    assert SERIALIZER.load(payload).equals(whole)


@pytest.mark.parametrize(
    "serializer",
    [SERIALIZER, EncryptedSerializer(keys=new_key()), CompressedSerializer(compressionlib="zlib", level=0)],
    ids=["pickle", "encrypted", "compressed"],
)
def test_an_array_is_written_without_a_second_copy(serializer: Serializer) -> None:
    array = np.zeros(2 * MIB)
    serializer.dump(array, Discarding())  # imports what it needs
    tracemalloc.start()
    try:
        serializer.dump(array, Discarding())
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_a_long_list_is_written_piece_by_piece() -> None:
    value = [f"{index:0600}" for index in range(20_000)]
    payload = Discarding()
    tracemalloc.start()
    try:
        SERIALIZER.dump(value, payload)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert payload.size > 10 * MIB
    assert peak < 3 * MIB  # what it remembers of the objects, by their addresses


def test_an_encrypted_array_is_loaded_without_a_second_copy() -> None:
    serializer = EncryptedSerializer(keys=new_key())
    payload = dumped(np.zeros(4 * MIB), serializer)
    file = payload.open()
    payload.open = lambda: file  # type: ignore[method-assign]
    tracemalloc.start()
    try:
        loaded = serializer.load(payload)
        assert tracemalloc.get_traced_memory()[1] < loaded.nbytes + 8 * MIB
    finally:
        tracemalloc.stop()


def test_what_cannot_be_pickled_is_named_without_pickling_the_rest_into_memory() -> None:
    value = {"array": np.zeros(4 * MIB), "lock": threading.Lock()}
    tracemalloc.start()
    try:
        with pytest.raises(SerializationError, match=r'^result\["lock"\]: cannot pickle'):
            SERIALIZER.dump(value, Discarding())
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_what_the_storage_refuses_is_the_storages_error() -> None:
    class Full(Discarding):
        def write(self, data: Any, /) -> int:
            raise StorageError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        SERIALIZER.dump("x" * 100_000, Full())


def test_a_stream_without_its_buffers_is_corrupt() -> None:
    payload = dumped(np.zeros(MIB))
    payload.kept.clear()
    with pytest.raises(ResultCorrupt, match="buffers"):
        SERIALIZER.load(payload)


def test_frames_are_looked_for_only_where_polars_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "polars")
    payload = dumped(pl.DataFrame({"a": np.arange(20_000)}))
    assert not payload.kept
