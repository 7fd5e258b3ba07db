"""Results in formats of other tools: files with the format's ending, which those tools read."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from perdure import task
from perdure._results.payload_writer import payload_ending, payload_key, payload_owner
from perdure._results.removal import payloads_of
from perdure.results import copy_result
from perdure.session import current

SMALL = pa.table({"n": range(3)})
LARGE = pa.table({"n": range(100_000)})
READERS: dict[str, Any] = {
    "parquet": pyarrow.parquet.read_table,
    "arrow": lambda path: pyarrow.ipc.open_file(path).read_all(),
}


def written(value: Any, **options: Any) -> Any:
    return task(persist_result=True, **options)(lambda: value)(return_state=True).data


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("value", [SMALL, LARGE], ids=["small", "large"])
def test_a_table_under_a_key_of_its_format_is_a_file_that_others_read(format: str, value: Any) -> None:
    result = written(value, result_serializer=format, result_storage_key=f"tables/prices.{format}")
    assert result.payload_location.endswith(f".payload.{format}")
    assert READERS[format](result.payload_location).select(["n"]).equals(value)
    assert result.read().load(storage=result.storage).equals(value)


def test_an_array_under_a_key_of_its_format_is_a_file_that_numpy_reads() -> None:
    result = written(np.arange(3), result_serializer="numpy", result_storage_key="steps.npy")
    assert np.load(result.payload_location).tolist() == [0, 1, 2]
    assert result.read().load(storage=result.storage).tolist() == [0, 1, 2]


def test_a_large_table_under_any_key_has_the_ending_and_a_small_one_is_in_the_document() -> None:
    large = written(LARGE, result_serializer="parquet")
    assert READERS["parquet"](large.payload_location).num_rows == 100_000
    assert written(SMALL, result_serializer="parquet").payload_location is None


def test_other_serializers_give_no_ending() -> None:
    result = written(SMALL, result_serializer="compressed/parquet", result_storage_key="prices.parquet")
    assert result.payload_location is None
    assert written(list(range(100_000)), result_storage_key="x.parquet").payload_location.endswith(".payload")


def test_a_result_that_is_written_again_has_one_file(home: Path) -> None:
    for rows in (3, 5, 100_000, 2):
        result = written(pa.table({"n": range(rows)}), result_serializer="parquet", result_storage_key="prices.parquet")
        assert READERS["parquet"](result.payload_location).num_rows == rows
        assert [str(each) for each in home.rglob("*.payload.parquet")] == [result.payload_location]


def test_a_key_that_is_made_of_the_digest_writes_an_equal_table_once(home: Path) -> None:
    options = {"result_serializer": "parquet", "result_storage_key": "{digest}.parquet"}
    first, second = written(SMALL, **options), written(SMALL, **options)
    assert first.storage_key == second.storage_key
    assert [str(each) for each in home.rglob("*.payload.parquet")] == [first.payload_location]
    assert READERS["parquet"](second.payload_location).select(["n"]).equals(SMALL)


@pytest.mark.parametrize("key", ["x", "a/b.parquet", "x.y.payload", "two\nlines"])
@pytest.mark.parametrize("ending", ["", ".parquet", ".npy"])
def test_a_payloads_key_names_its_document_and_its_format(key: str, ending: str) -> None:
    made = payload_key(key, ending)
    assert (payload_owner(made), payload_ending(made)) == (key, ending)


@pytest.mark.parametrize(
    "key", ["x.parquet", "x.payload", "x.payload.parquet", ".0123456789abcdef.payload", "x.0123456789abcdef.parquet"]
)
def test_other_keys_are_no_payloads(key: str) -> None:
    assert payload_owner(key) is None


def test_who_removes_a_document_finds_its_file() -> None:
    result = written(SMALL, result_serializer="parquet", result_storage_key="prices.parquet")
    assert payloads_of(current().storages.get(result.storage_id), "prices.parquet") == [
        Path(result.payload_location).name
    ]


def test_a_copy_under_another_key_has_the_ending(tmp_path: Path) -> None:
    @task(persist_result=True, result_serializer="parquet")
    def table() -> Any:
        return LARGE

    state = table(return_state=True)
    copy_result(state.task_run_id, tmp_path, key="copy.parquet")
    (file,) = tmp_path.glob("copy.parquet.*.payload.parquet")
    assert READERS["parquet"](file).num_rows == 100_000
