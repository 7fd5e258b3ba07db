"""Arrays in .npy files: what goes in comes out, writable, whole or in parts."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from perdure._serializers.payload import THRESHOLD, BytesSource
from perdure.errors import ResultCorrupt, ResultError, ResultUnreadable, SerializationError
from perdure.serializers import NumpySerializer, Serializer
from perdure.testing.serializer_conformance import MemoryPayload, SerializerConformance

LARGE = np.arange(60_000.0).reshape(300, 200)
POINTS = np.array([(1, 2.5, "a"), (2, -1.0, "b"), (3, 0.0, "c")], dtype=[("x", "i4"), ("y", "f8"), ("name", "U3")])
serializer = NumpySerializer()

ARRAYS = {
    "no dimension": np.array(3.5),
    "no rows": np.zeros((0, 3)),
    "no width": np.zeros(3, dtype="S0"),
    "the other byte order": np.arange(5, dtype=">i2"),
    "columns first": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "with gaps": np.arange(20).reshape(4, 5)[::2, ::-1],
    "broadcast": np.broadcast_to(np.arange(3), (2, 3)),
    "text": np.array(["naïve", "☃"]),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2024-05-01", "NaT"], dtype="M8[D]"),
    "complex": np.array([1 + 2j]),
    "fields": POINTS,
    "fields of arrays": np.zeros(2, dtype=[("m", "f4", (2, 2)), ("n", [("k", "?")])]),
    "fields with gaps": POINTS[["x", "name"]],
    "a name beyond Latin-1": np.zeros(2, dtype=[("☃", "i1")]),
    "many fields": np.zeros(1, dtype=[(f"field {each:05}", "i1") for each in range(4_000)]),
}


def same(loaded: Any, value: Any) -> bool:
    is_same = type(loaded) is np.ndarray and loaded.dtype == value.dtype and loaded.shape == value.shape
    if value.dtype.names:  # there may be anything between the fields
        return is_same and repr(loaded) == repr(value)
    return is_same and loaded.tobytes() == value.tobytes()


def put(value: Any) -> BytesSource | MemoryPayload:
    """A value in its payload, or in the text of a small one."""
    payload = MemoryPayload()
    written = serializer.dump(value, payload)
    return payload if written is None else BytesSource(written)


class TestNumpy(SerializerConformance):
    @pytest.fixture
    def serializer(self) -> Serializer:
        return NumpySerializer()

    @pytest.fixture
    def values(self) -> list[Any]:
        return [value for value in ARRAYS.values() if value.nbytes < 1_000]

    @pytest.fixture
    def large_values(self) -> list[Any]:
        return [LARGE, np.asfortranarray(LARGE), LARGE[::2]]

    def is_same(self, loaded: Any, value: Any) -> bool:
        return same(loaded, value)


@pytest.mark.parametrize("case", ARRAYS)
def test_an_array_comes_back_as_numpy_itself_would_load_it(case: str) -> None:
    loaded = serializer.loads(serializer.dumps(ARRAYS[case]))
    assert same(loaded, ARRAYS[case])
    file = io.BytesIO()
    serializer._write(ARRAYS[case], file.write)
    file.seek(0)
    assert same(np.load(file, max_header_size=1_000_000), ARRAYS[case])
    assert loaded.flags.f_contiguous is ARRAYS[case].flags.f_contiguous or case in ("with gaps", "fields with gaps")


def test_what_is_loaded_can_be_written_to() -> None:
    small = serializer.loads(serializer.dumps(np.arange(3)))
    large = serializer.load(put(LARGE))
    read_only = serializer.load(BytesSource(bytes(put(LARGE).view())))
    for each in (small, large, read_only):
        each[0] = 7
        assert each.flat[0] == 7


def test_the_payload_is_an_npy_file(tmp_path: Path) -> None:
    payload = MemoryPayload()
    serializer.dump(LARGE, payload)
    (tmp_path / "large.npy").write_bytes(payload.stream)
    assert same(np.array(np.load(tmp_path / "large.npy", mmap_mode="r")), LARGE)


def test_files_of_numpy_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", LARGE)
    content = (tmp_path / "large.npy").read_bytes()
    assert same(serializer.load(BytesSource(bytearray(content))), LARGE)


def test_a_memory_map_comes_back_as_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", LARGE)
    mapped = np.load(tmp_path / "large.npy", mmap_mode="r")
    assert same(serializer.load(put(mapped)), LARGE)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_memory_of_an_array_is_written_as_it_lies(order: Any) -> None:
    addresses = []

    class Watching(MemoryPayload):
        def write(self, data: bytes | bytearray | memoryview, /) -> int:
            addresses.append(np.frombuffer(data, np.uint8).__array_interface__["data"][0])
            return super().write(data)

    array = np.asarray(LARGE, order=order)
    serializer.dump(array, Watching())
    assert addresses[-1] == array.__array_interface__["data"][0]


def test_an_array_is_loaded_in_the_memory_of_the_payload() -> None:
    view = put(LARGE).view()
    loaded = serializer._read(view)
    view[-8:] = np.array([-1.0]).tobytes()
    assert loaded[-1, -1] == -1


def test_a_large_array_with_gaps_is_copied_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure._serializers.arrays._CHUNK", 10_000)
    sizes = []

    class Watching(MemoryPayload):
        def write(self, data: bytes | bytearray | memoryview, /) -> int:
            sizes.append(memoryview(data).nbytes)
            return super().write(data)

    payload = Watching()
    serializer.dump(LARGE[:, ::2], payload)
    assert max(sizes) <= 10_000
    assert same(serializer.load(payload), LARGE[:, ::2])


@pytest.mark.parametrize("items", [THRESHOLD // 8 - 16, THRESHOLD // 8 - 15])
def test_the_document_takes_files_up_to_the_threshold(items: int) -> None:
    small = serializer.dump(np.zeros(items), MemoryPayload())
    assert (small is None) is (128 + items * 8 > THRESHOLD)


class Subclass(np.ndarray[Any, Any]):
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([{}, None]), r"object, whose items are elsewhere.*astype\('U20'\)"),
        (np.zeros(1, dtype=[("a", "O")]), "items are elsewhere"),
        (np.array(["a"], dtype=np.dtypes.StringDType()), r"StringDType.*astype\('U20'\)"),
        (np.ma.masked_array([1, 2], [True, False]), r"Return value\.filled\(\)"),
        (np.zeros(1).view(Subclass), r"Subclass.*view\(numpy\.ndarray\)"),
        (np.zeros(1, dtype=[("a", "i4")]).view(np.recarray), r"recarray.*view\(numpy\.ndarray\)"),
        (np.float64(1.5), r"numpy\.float64.*numpy\.asarray\(value\)"),
        ([1, 2], r"builtins\.list.*'pickle', or 'json'"),
        (ValueError("no"), r"builtins\.ValueError.*'pickle'"),
    ],
)
def test_what_would_not_come_back_is_refused(value: Any, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        serializer.dumps(value)


def test_a_table_is_pointed_to_the_formats_for_tables() -> None:
    import pandas as pd

    with pytest.raises(SerializationError, match=r"Use the serializer 'arrow' or 'parquet' for tables"):
        serializer.dumps(pd.DataFrame({"a": [1]}))


shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
types = st.one_of(
    arrays.scalar_dtypes(),
    arrays.array_dtypes(arrays.integer_dtypes() | arrays.unicode_string_dtypes(max_len=4), max_size=3),
)


@pytest.mark.slow
@given(array=types.flatmap(lambda each: arrays.arrays(each, shapes)), order=st.sampled_from("CFA"), data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_array_comes_back_whole_and_in_parts(array: Any, order: Any, data: st.DataObject) -> None:
    array = np.array(array, order=order)
    if array.dtype.names is None and array.ndim:
        array = array[data.draw(st.slices(array.shape[0]))]
    written = serializer.dumps(array)
    assert same(serializer.loads(written), array)
    if array.ndim:
        rows = data.draw(st.slices(array.shape[0]))
        part = serializer.load_part(BytesSource(written), None, rows)
        assert same(part, np.array(array[rows]))
        assert part.flags.writeable


# Parts


def test_only_the_chosen_rows_are_read() -> None:
    class Counting(MemoryPayload):
        read = 0

        def open(self) -> BinaryIO:
            payload, stream = self, self.stream

            class File(io.BytesIO):
                def read(self, size: int | None = -1) -> bytes:
                    data = super().read(size)
                    payload.read += len(data)
                    return data

            return File(stream)

    payload = Counting()
    serializer.dump(LARGE, payload)
    assert same(serializer.load_part(payload, None, slice(100, 102)), LARGE[100:102])
    assert payload.read < LARGE[100:102].nbytes + 256


def test_fields_are_columns() -> None:
    part = serializer.load_part(put(POINTS), ["name", "x"], slice(1, None))
    assert part.dtype.names == ("name", "x")
    assert part.tolist() == [("b", 2), ("c", 3)]
    with pytest.raises(ResultUnreadable, match=r"no column 'nam'\. Did you mean 'name'\?"):
        serializer.load_part(put(POINTS), ["nam"], None)


def test_an_array_without_fields_has_no_columns() -> None:
    with pytest.raises(ResultUnreadable, match="of float64, and only a structured array has columns"):
        serializer.load_part(put(LARGE), ["a"], None)


def test_an_array_without_dimensions_has_no_rows() -> None:
    assert serializer.load_part(put(np.array(3.5)), None, None).item() == 3.5
    with pytest.raises(ResultUnreadable, match="no dimension, so it has no rows"):
        serializer.load_part(put(np.array(3.5)), None, slice(0, 1))


# What is damaged, or newer


def file_of(array: Any) -> bytearray:
    file = io.BytesIO()
    serializer._write(array, file.write)
    return bytearray(file.getvalue())


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        (b"NUMPY\x01", b"NUMPY\x04", ResultUnreadable, "version 4, and this version of Perdure reads up to 3"),
        (b"'<i8'", b"'|O8'", ResultUnreadable, "pickled Python objects, which are not loaded"),
        (b"NUMPY", b"NUMPX", ResultCorrupt, r"not a whole \.npy file"),
        (b"'<i8'", b"'<i4'", ResultCorrupt, "takes 40 bytes, but 80 follow"),
        (b"'<i8'", b"'<??'", ResultCorrupt, "header of the .npy file is damaged"),
        (b"(10,)", b"(-9,)", ResultCorrupt, r"\(-9,\) is no shape"),
        (b"(10,)", b"(((((", ResultCorrupt, "header of the .npy file is damaged"),
        (b"False", b"'no' ", ResultCorrupt, "fortran_order is 'no'"),
    ],
)
def test_a_damaged_header_is_named(old: bytes, new: bytes, error: type[ResultError], message: str) -> None:
    content = file_of(np.arange(10)).replace(old, new)
    with pytest.raises(error, match=message):
        serializer.load(BytesSource(content))


def test_half_a_file_is_corrupt() -> None:
    content = file_of(LARGE)
    for size in (0, 7, 11, 60, 1_000):
        with pytest.raises(ResultCorrupt):
            serializer.load(BytesSource(content[:size]))
        with pytest.raises(ResultCorrupt):
            serializer.load_part(BytesSource(content[:size]), None, slice(200, 201))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # numpy's, of a header that happens to look like an old one
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_named_or_harmless(data: st.DataObject) -> None:
    content = file_of(POINTS)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    for read in (serializer.load, lambda source: serializer.load_part(source, None, slice(1, 2))):
        try:
            read(BytesSource(content))
        except ResultError:
            pass
