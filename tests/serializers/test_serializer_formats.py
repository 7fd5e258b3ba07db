"""What the file formats have in common: how they are named, what they need, and where they write to."""

import subprocess
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pytest

from perdure import flow, task
from perdure._serializers import base
from perdure._serializers.payload import BytesSource
from perdure.errors import DefinitionError, ResultCorrupt, ResultUnreadable, UnknownSerializer
from perdure.serializers import ArrowSerializer, NumpySerializer, ParquetSerializer, Serializer, resolve
from perdure.testing.serializer_conformance import MemoryPayload

FORMATS = ["arrow", "parquet", "numpy"]


def test_a_name_gives_the_serializer_with_its_defaults() -> None:
    assert resolve("arrow", "pickle") == ArrowSerializer(compression=None)
    assert resolve("parquet", "pickle") == ParquetSerializer(compression="zstd", row_group_size=1_048_576)
    assert resolve("numpy", "pickle") == NumpySerializer()
    assert (
        resolve("compressed/numpy", "pickle").loads(resolve("compressed/numpy", "pickle").dumps(np.arange(3)))[2] == 2
    )


def test_the_names_are_known_before_they_are_used() -> None:
    with pytest.raises(UnknownSerializer, match=r"Did you mean 'parquet'\?.*arrow.*numpy"):
        resolve("parqet", "pickle")


def test_the_names_cannot_be_taken() -> None:
    with pytest.raises(DefinitionError, match="'arrow' is Perdure's own; give"):
        type("Mine", (Serializer,), {"type": "arrow", "__annotations__": {"type": str}})


@pytest.mark.slow
def test_naming_a_format_imports_none_of_the_libraries() -> None:
    program = """
        import sys
        import perdure.serializers
        assert "perdure._serializers.formats" not in sys.modules
        from perdure import task
        for name in ("arrow", "parquet", "numpy"):
            task(result_serializer=name)(lambda: 1)
        assert not {"pyarrow", "numpy", "pandas", "polars"} & sys.modules.keys()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("arrow", "pyarrow", "arrow"), ("parquet", "pyarrow", "arrow"), ("numpy", "numpy", "numpy")],
)
def test_without_its_library_a_format_is_refused_where_it_is_named(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base._named.cache_clear()  # a name that was resolved before is not looked at again
    base._described.clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match=rf"needs the package {library}.*perdure\[{extra}\]"):
        task(result_serializer=name)(lambda: 1)
    with pytest.raises(UnknownSerializer, match=rf"'{name}' cannot be used: it needs the package {library}"):
        Serializer.from_name(name)
    with pytest.raises(ResultUnreadable, match=rf"it needs the package {library}.*install 'perdure\[{extra}\]'"):
        Serializer.from_description({"type": name})


@pytest.mark.parametrize("name", FORMATS)
def test_exceptions_have_a_serializer_that_takes_them(name: str) -> None:
    serializer = resolve(name, name).for_exceptions()
    assert str(serializer.loads(serializer.dumps(ValueError("no data")))) == "no data"


@pytest.mark.parametrize("name", FORMATS)
def test_columns_are_a_list(name: str) -> None:
    with pytest.raises(ResultUnreadable, match=r"Pass columns=\['price'\]"):
        resolve(name, name).load_part(BytesSource(b""), "price", None)


@pytest.mark.parametrize("name", FORMATS)
def test_a_step_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ResultUnreadable, match="has the step 0"):
        resolve(name, name).load_part(BytesSource(b""), None, slice(0, 1, 0))


@pytest.mark.parametrize("name", FORMATS)
def test_part_of_what_is_no_such_file_is_corrupt(name: str) -> None:
    for data in (b"", b"\xff\xff\xff\xff", b"%%%"):
        with pytest.raises(ResultCorrupt):
            resolve(name, name).load_part(BytesSource(data), None, slice(0, 1))


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_the_memory_of_a_table_is_written_without_a_copy_and_ends_up_in_an_ordinary_file(name: str) -> None:
    payload = MemoryPayload()
    table = pa.table({"number": np.arange(100_000), "text": pa.array(["a", "b"] * 50_000).dictionary_encode()})
    assert resolve(name, name).dump(table, payload) is None
    library = pa.ipc.open_file(payload.view()) if name == "arrow" else pa.parquet.ParquetFile(payload.open())
    read = library.read_all() if name == "arrow" else library.read()
    assert read.column("number").to_pylist() == list(range(100_000))


def test_a_flow_keeps_tables_and_arrays_in_their_formats() -> None:
    @task(persist_result=True, result_serializer="arrow")
    def prices() -> pa.Table:
        return pa.table({"price": [1.5, 2.5]})

    @task(persist_result=True, result_serializer="numpy", cache_result_in_memory=False)
    def noise() -> np.ndarray:
        return np.arange(3)

    @flow
    def report() -> tuple[float, int]:
        return prices().column("price")[1].as_py(), int(noise()[2])

    assert report() == (2.5, 2)
