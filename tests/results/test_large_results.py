"""Large values lie in a payload beside their document, and come back whole, in part, or not at all."""

import json
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from perdure import settings as perdure_settings
from perdure._results import payload_writer as payloads
from perdure._results.payload_reader import StoredPayload
from perdure._results.payload_writer import HeldPayload, Layout, PayloadWriter
from perdure._results.store import write_result
from perdure.errors import ResultCorrupt, ResultMissing, SerializationError
from perdure.filesystems import LocalFileSystem
from perdure.results import PersistedResult
from perdure.serializers import new_key, resolve

LARGE = np.arange(100_000, dtype=np.float64)


@pytest.fixture
def storage(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(basepath=tmp_path / "storage")


def written(value: Any, storage: LocalFileSystem, serializer: str = "pickle", key: Any = None) -> PersistedResult[Any]:
    return write_result(value, key, storage, resolve(serializer, serializer), "an id", keep=False)


def fields_of(result: PersistedResult[Any]) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(result.storage.read(result.storage_key))
    return fields


def file_of_payload(result: PersistedResult[Any]) -> Path:
    return Path(result.storage.describe(fields_of(result)["payload"]["key"]))


VALUES: dict[str, Any] = {
    "a numpy array": LARGE,
    "a Fortran array": np.asfortranarray(LARGE.reshape(100, -1)),
    "every other number": LARGE[::2],
    "two arrays in a dict": {"a": LARGE, "b": [LARGE.astype("f4"), "text"]},
    "a pandas frame": pd.DataFrame({"x": LARGE, "name": ["row"] * len(LARGE)}),
    "an Arrow table": pa.table({"x": LARGE}),
    "a polars frame": pl.DataFrame({"x": LARGE}),
    "bytes": bytes(range(256)) * 1_000,
    "a bytearray": bytearray(range(256)) * 1_000,
    "text": "text " * 100_000,
    "many small objects": [{"id": number, "name": str(number)} for number in range(10_000)],
    "an exception": ValueError("x" * 100_000),
}


def assert_same(value: Any, expected: Any) -> None:
    assert type(value) is type(expected)
    if isinstance(value, dict):
        assert value.keys() == expected.keys()
        for key in value:
            assert_same(value[key], expected[key])
    elif isinstance(value, list):
        assert len(value) == len(expected)
        for one, other in zip(value[:10], expected[:10], strict=True):
            assert_same(one, other)
    elif isinstance(value, BaseException):
        assert value.args == expected.args
    elif isinstance(value, np.ndarray):
        np.testing.assert_array_equal(value, expected)
    elif hasattr(value, "equals"):
        assert value.equals(expected)
    else:
        assert value == expected


@pytest.mark.parametrize("serializer", ["pickle", "compressed/pickle"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_large_value_comes_back_as_it_was(storage: LocalFileSystem, value: Any, serializer: str) -> None:
    result = written(value, storage, serializer)
    assert_same(result.get(), value)


def test_a_large_value_is_one_payload_beside_a_small_document(storage: LocalFileSystem) -> None:
    result = written(LARGE, storage)
    document = storage.read(result.storage_key)
    assert len(document) < 1_000
    assert set(storage.list()) == {result.storage_key, fields_of(result)["payload"]["key"]}
    assert file_of_payload(result).stat().st_size < LARGE.nbytes + 1_000
    assert result.size == len(document) + file_of_payload(result).stat().st_size


def test_a_small_array_lies_in_the_document_as_a_plain_pickle(storage: LocalFileSystem) -> None:
    result = written(LARGE[:100], storage)
    assert "payload" not in fields_of(result)
    assert_same(result.get(), LARGE[:100])


def test_buffers_are_aligned_for_the_processor(storage: LocalFileSystem) -> None:
    result = written([LARGE[:19_999], LARGE[:37_777].astype("f4"), LARGE], storage)
    parts = fields_of(result)["payload"]["parts"]
    assert len(parts) == 4
    assert all(offset % 64 == 0 for offset, _ in parts)


def test_a_loaded_array_can_be_written_to_and_the_file_stays_as_it_was(storage: LocalFileSystem) -> None:
    result = written(LARGE.copy(), storage)
    before = file_of_payload(result).read_bytes()
    loaded = result.get()
    loaded[:] = -1
    assert file_of_payload(result).read_bytes() == before
    assert_same(result.get(), LARGE)


def test_a_loaded_array_outlives_its_file(storage: LocalFileSystem) -> None:
    result = written(LARGE, storage)
    loaded = result.get()
    file_of_payload(result).unlink()
    assert_same(loaded, LARGE)


def test_a_large_json_value_is_a_json_file(storage: LocalFileSystem) -> None:
    value = [{"number": number} for number in range(10_000)]
    result = written(value, storage, "json")
    assert json.loads(file_of_payload(result).read_bytes()) == value
    assert result.get() == value


def test_open_reads_and_seeks_without_loading_the_value(storage: LocalFileSystem) -> None:
    value = [{"number": number} for number in range(10_000)]
    with written(value, storage, "json").open() as file:
        assert file.read(3) == b'[{"'
        file.seek(-2, 2)
        assert file.read() == b"}]"


def test_open_works_for_small_results_too(storage: LocalFileSystem) -> None:
    assert written([1, 2], storage, "json").open().read() == b"[1, 2]"


def test_a_missing_payload_is_named_with_its_place(storage: LocalFileSystem) -> None:
    result = written(LARGE, storage)
    file_of_payload(result).unlink()
    with pytest.raises(ResultMissing, match=r"\.payload, where they were written"):
        result.get()


@pytest.mark.parametrize("place", [0, 70, 400_000, -1])
def test_one_changed_bit_of_the_payload_is_an_error(storage: LocalFileSystem, place: int) -> None:
    result = written(LARGE, storage)
    file = file_of_payload(result)
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with pytest.raises(ResultCorrupt, match="have another digest"):
        result.get()
    with pytest.raises(ResultCorrupt, match="have another digest"):
        result.open().read()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b""])
def test_a_payload_of_another_length_is_an_error(storage: LocalFileSystem, change: Any) -> None:
    result = written(LARGE, storage)
    file = file_of_payload(result)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ResultCorrupt, match="bytes"):
        result.get()


def test_the_payload_of_another_result_is_an_error(storage: LocalFileSystem) -> None:
    one, other = written(LARGE, storage), written(LARGE + 1, storage)
    file_of_payload(one).write_bytes(file_of_payload(other).read_bytes())
    with pytest.raises(ResultCorrupt):
        one.get()


def test_with_signing_keys_digests_are_compared_however_untouched_the_file_looks(
    storage: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_SIGNING_KEYS", new_key("a"))
    perdure_settings.reload()
    result = written(LARGE, storage)
    file = file_of_payload(result)
    file.write_bytes(file.read_bytes()[:-1] + b"\7")
    monkeypatch.setattr(LocalFileSystem, "fingerprint", lambda *_: fields_of(result)["payload"]["fingerprint"])
    with pytest.raises(ResultCorrupt):
        result.get()
    monkeypatch.delenv("PERDURE_RESULTS_SIGNING_KEYS")
    perdure_settings.reload()
    result.get()  # here, the fingerprint is believed


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PERDURE_RESULTS_SIGNING_KEYS", new_key("a")), ("PERDURE_RESULTS_COPY_PAYLOADS", "true")],
    ids=["signing keys", "copied payloads"],  # the key is another one in each process
)
def test_with_signing_keys_or_by_a_setting_a_loaded_array_is_not_a_view_of_the_file(
    storage: LocalFileSystem, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    perdure_settings.reload()
    result = written(LARGE, storage)
    loaded = result.get()
    with file_of_payload(result).open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"changed!")
    assert_same(loaded, LARGE)


def test_the_document_of_another_result_is_an_error(storage: LocalFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def results(self, _: Any) -> list[Any]:
            return []

    monkeypatch.setattr("perdure._platform.providers._orchestrator", Nothing, raising=False)
    monkeypatch.setattr("perdure._platform.providers.orchestrator", Nothing)
    one, other = written([1], storage), written([2], storage)
    storage.write(one.storage_key, storage.read(other.storage_key))
    with pytest.raises(ResultCorrupt, match="holds another result"):
        one.get()


def test_chunks_are_checked_alone_so_that_a_part_needs_no_other(
    storage: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "CHUNK", 1_000)
    with PayloadWriter(storage, lambda: "k") as payload:
        payload.write(bytes(10_500))
        layout = payload.finish()
    assert len(layout.digests) == 11
    file = Path(storage.describe("k"))
    file.write_bytes(bytes(9_999) + b"x" + bytes(500))
    stored = StoredPayload(storage, layout, lambda: "it")
    assert stored.read(0, 9_000) == bytes(9_000)
    assert stored.read(10_000, 500) == bytes(500)
    with pytest.raises(ResultCorrupt, match=r"bytes 9,000 to 10,000 have another digest"):
        stored.read(9_500, 1)
    with pytest.raises(ResultCorrupt):
        stored.verify()


@settings(deadline=None, max_examples=50)
@given(
    writes=st.lists(st.binary(max_size=3_000), min_size=1, max_size=8),
    buffers=st.lists(st.binary(max_size=3_000), max_size=4),
    start=st.integers(0, 4_000),
    size=st.integers(0, 4_000),
)
def test_what_goes_into_a_payload_comes_out(
    tmp_path_factory: pytest.TempPathFactory, writes: list[bytes], buffers: list[bytes], start: int, size: int
) -> None:
    storage = LocalFileSystem(basepath=tmp_path_factory.mktemp("payload"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "CHUNK", 700)
        held = HeldPayload()
        for each in writes:
            held.write(each)
        for each in buffers:
            held.add_buffer(memoryview(each))
        layout = held.write_to(storage, "k")
    stored = StoredPayload(storage, Layout.from_description(json.loads(json.dumps(layout.describe()))), lambda: "it")
    stream = b"".join(writes)
    assert bytes(stored.view()) == stream
    assert [bytes(each) for each in stored.buffers()] == buffers
    file = stored.open()
    file.seek(start)
    assert file.read(size) == stream[start : start + size]


def test_a_value_that_cannot_be_serialized_leaves_nothing_behind(storage: LocalFileSystem) -> None:
    with pytest.raises(SerializationError):
        written([LARGE, list(range(100_000)), (each for each in ())], storage)
    assert list(storage.list()) == []


def test_a_document_that_cannot_be_written_takes_its_payload_with_it(tmp_path: Path) -> None:
    class Full(LocalFileSystem):
        def create(self, key: str, data: bytes) -> None:
            raise pickle.PicklingError

    storage = Full(basepath=tmp_path)
    with pytest.raises(pickle.PicklingError):
        written(LARGE, storage)
    assert list(storage.list()) == []


def test_a_key_that_is_written_again_lets_go_of_the_old_payload(storage: LocalFileSystem) -> None:
    old = written(LARGE, storage, key="latest")
    new = written(LARGE + 1, storage, key="latest")
    assert len(list(storage.list())) == 2
    assert_same(old.get(), LARGE + 1)
    assert_same(new.get(), LARGE + 1)
    written("small", storage, key="latest")
    assert list(storage.list()) == ["latest"]


@pytest.mark.parametrize("value", [LARGE, "small"], ids=["large", "small"])
def test_a_key_of_the_digest_stores_equal_values_once(storage: LocalFileSystem, value: Any) -> None:
    results = [written(each, storage, key=lambda digest: f"by-digest/{digest}") for each in (value, value, "another")]
    assert results[0].storage_key == results[1].storage_key != results[2].storage_key
    assert len(list(storage.list())) == (3 if value is LARGE else 2)
    assert_same(results[1].get(), value)


def damage_document(result: PersistedResult[Any]) -> None:
    result.storage.write(result.storage_key, b"damaged")


def damage_payload(result: PersistedResult[Any]) -> None:
    file = file_of_payload(result)
    file.write_bytes(file.read_bytes()[:-4] + b"\1\2\3\4")


@pytest.mark.parametrize("damage", [damage_document, damage_payload])
def test_a_key_of_the_digest_mends_what_was_damaged(
    storage: LocalFileSystem, damage: Callable[[PersistedResult[Any]], None]
) -> None:
    damage(written(LARGE, storage, key=str))
    assert_same(written(LARGE, storage, key=str).get(), LARGE)


class Refusing(LocalFileSystem):
    """Writes no document while it is to refuse, or writes it and is stopped then."""

    _refuses: bool = PrivateAttr(default=False)
    _writes: bool = PrivateAttr(default=False)

    def write(self, key: str, data: bytes) -> None:
        if not self._refuses or self._writes:
            super().write(key, data)
        if self._refuses:
            raise KeyboardInterrupt


@pytest.mark.parametrize("key", ["latest", str], ids=["template", "digest"])
@pytest.mark.parametrize("writes", [False, True], ids=["before", "after"])
def test_a_write_that_fails_leaves_the_result_that_was_there_or_the_new_one(
    tmp_path: Path, key: Any, writes: bool
) -> None:
    storage = Refusing(basepath=tmp_path)
    value = LARGE if key is str else LARGE + 1
    result = written(LARGE, storage, key=key)
    storage._refuses, storage._writes = True, writes
    with pytest.raises(KeyboardInterrupt):
        written(value, storage, key=key)
    assert_same(result.get(), value if writes else LARGE)


def test_values_that_are_written_at_once_under_their_digest_are_all_there(storage: LocalFileSystem) -> None:
    together = threading.Barrier(6)

    def write(turn: int) -> PersistedResult[Any]:
        together.wait()
        return written(LARGE + turn, storage, key=str)

    with ThreadPoolExecutor(6) as pool:
        for turn in range(10):
            for result in list(pool.map(write, [turn] * 6)):
                assert_same(result.get(), LARGE + turn)


def test_a_document_that_names_another_s_payload_does_not_take_it_along(storage: LocalFileSystem) -> None:
    result = written(LARGE, storage)
    storage.write("copy", storage.read(result.storage_key))
    written(LARGE + 1, storage, key="copy")
    assert_same(result.get(), LARGE)


@pytest.mark.parametrize(
    "changes",
    [
        *({"size": 2**60, "chunk": 2**60}, {"size": 2**63}, {"size": 1e999}, {"size": -1}, {"chunk": 0}, {"parts": []}),
        *({"parts": [[0, 2**60]]}, {"parts": [[-1, 1]]}, {"digests": []}, {"size": True}, {"size": "10"}),
    ],
    ids=range(11),
)
def test_a_hostile_layout_is_corrupt_and_takes_no_memory(storage: LocalFileSystem, changes: dict[str, Any]) -> None:
    result = written(LARGE, storage)
    fields = fields_of(result)
    fields["payload"] |= changes
    for name in ("digest", "perdure_version", "checksum"):
        del fields[name]
    storage.write(result.storage_key, json.dumps(fields).encode())
    result.digest = None  # such as of a handle that Prefect wrote
    for use in (result.get, lambda: result.open().read(), lambda: result.read().verify(lambda: "it", storage)):
        with pytest.raises(ResultCorrupt):
            use()
