"""Small results in the database itself: all that is done with results in files is done with them, too."""

import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from persisting import kept

from perdure import flow, session, settings, task
from perdure._results.lookup import persisted_record
from perdure._results.store import result_record
from perdure._store import wire
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.flow_run_deletion import delete_flow_run
from perdure.cli.json_shapes import result_shape
from perdure.errors import ResultMissing, ResultUntrusted, StorageError
from perdure.records import RunFilter
from perdure.results import (
    PersistedResult,
    copy_result,
    find_result,
    get_result,
    prune,
    remove_result,
    rewrite,
    verify,
)
from tests.server.serving import serving

KEYS = "k1:" + "A" * 43 + "="
OTHER = "k2:" + "B" * 43 + "=," + KEYS


@pytest.fixture(autouse=True)
def inline(home: Path) -> Iterator[None]:
    with settings.temporary_settings(results_inline_bytes=2_000):
        yield


def files(home: Path) -> list[str]:
    storage = home / "storage"
    return [path.name for path in storage.iterdir()] if storage.exists() else []


def test_a_small_result_is_in_the_database_and_no_file_is_made(home: Path):
    id = kept({"small": [1, 2]})
    session.close()
    assert get_result(id) == {"small": [1, 2]}
    assert files(home) == []


def test_what_is_larger_than_the_setting_says_is_a_file(home: Path):
    id = kept(b"x" * 2_000)
    assert get_result(id) == b"x" * 2_000
    assert len(files(home)) == 1


def test_a_key_or_a_storage_of_ones_own_is_followed(home: Path, tmp_path: Path):
    from perdure.filesystems import LocalFileSystem

    kept([1], result_storage_key="named")
    kept([2], result_storage=LocalFileSystem(basepath=tmp_path / "own"))
    assert (home / "storage" / "named").exists()
    assert len(list((tmp_path / "own").iterdir())) == 1


def test_a_failure_and_the_items_of_a_generator_are_in_the_database_too(home: Path):
    made = []

    @task(persist_result=True)
    def fails() -> None:
        raise ValueError("no")

    @task(persist_result=True)
    def counted() -> Iterator[str]:
        for i in range(3):
            made.append(i)
            yield f"item {i}"

    @flow(retries=1)
    def both() -> list[str]:
        items = list(counted())
        if len(made) == 3 and made.append(-1) is None:
            fails()
        return items

    assert both() == ["item 0", "item 1", "item 2"]
    assert made == [0, 1, 2, -1]
    assert files(home) == []


def test_each_run_that_takes_over_a_result_has_its_own():
    @task(cache_key_fn=lambda *_: "key", persist_result=True)
    def value() -> list[int]:
        return [1]

    @flow
    def calls() -> str:
        return str(value(return_state=True).run_id)

    first, second = calls(return_state=True), calls(return_state=True)
    known = session.current().orchestrator
    assert isinstance(known, EmbeddedOrchestrator)
    (run,) = known.flow_runs(RunFilter(ids=(str(first.run_id),)))
    delete_flow_run(run, known)
    assert get_result(second.result()) == [1]


def test_it_is_verified_copied_and_removed_as_a_file_is(home: Path, tmp_path: Path):
    first, second = kept([1]), kept([2])
    assert [verdict.finding for quick in (True, False) for verdict in verify(quick=quick)] == ["ok"] * 4
    (tmp_path / "there").mkdir()
    copied = copy_result(first, tmp_path / "there", move=True)
    assert (copied.is_moved, get_result(first), persisted_record(first).value) == (True, [1], None)
    assert remove_result(second).freed > 0
    with pytest.raises(ResultMissing):
        get_result(second)
    session.close()
    with closing(sqlite3.connect(home / "perdure.db")) as database, database:
        assert database.execute("SELECT value FROM result WHERE run_id = ?", (second,)).fetchone() == (None,)


def test_a_pruned_one_leaves_nothing_in_its_row(home: Path):
    id = kept([1])
    with settings.temporary_settings(results_retention=timedelta(microseconds=1)):
        assert prune(grace=0).count == 1
    session.close()
    with closing(sqlite3.connect(home / "perdure.db")) as database, database:
        assert database.execute("SELECT value FROM result WHERE run_id = ?", (id,)).fetchone() == (None,)


def test_one_that_was_altered_in_the_database_is_refused_with_signing_keys(home: Path):
    with settings.temporary_settings(results_signing_keys=KEYS):
        id = kept([1])
        assert get_result(id) == [1]
        session.close()
        with closing(sqlite3.connect(home / "perdure.db")) as database, database:
            database.execute("UPDATE result SET value = replace(value, 'builtins.list', 'builtins.dict')")
        with pytest.raises(ResultUntrusted):
            get_result(id)


def test_a_new_key_signs_it_where_it_is():
    with settings.temporary_settings(results_signing_keys=KEYS):
        id = kept([1])
    with settings.temporary_settings(results_signing_keys=OTHER):
        assert [each.steps for each in rewrite([id])] == [("signed",)]
        assert '"signature": "k2:' in (persisted_record(id).value or "")
        assert get_result(id) == [1]


def test_it_stays_there_when_another_serializer_writes_it(home: Path):
    id = kept([1])
    assert [each.steps for each in rewrite([id], serializer="json")] == [("serialized",)]
    assert (get_result(id), files(home)) == ([1], [])


def test_a_large_value_is_not_written_there():
    storage = session.current().storages.get(persisted_record(kept([1])).storage_id or "")
    with pytest.raises(StorageError, match="perdure result copy"), storage.open_writer("0" * 32):
        pass


def test_a_handle_that_travelled_without_its_document_finds_it():
    handle = find_result(kept([1]))
    assert isinstance(handle, PersistedResult)
    before = {name: value for name, value in handle.__getstate__().items() if name != "document"}  # of earlier versions
    earlier: PersistedResult[list[int]] = PersistedResult.__new__(PersistedResult)
    earlier.__setstate__(before)
    assert earlier.get() == pickle.loads(pickle.dumps(handle)).get() == [1]


def test_a_server_takes_no_record_with_a_document_and_sends_none(home: Path):
    id = kept([1])
    record = persisted_record(id)
    assert record.value is not None
    session.close()
    with pytest.raises(wire.InvalidRecords, match="no record that is sent"):
        wire.decode_records(wire.encode_records([record]))
    with serving(home) as server, server.client() as client:
        path = "/api/orchestrator/results"
        answer = client.post(path, json={"filter": [[id]]}, headers={wire.VERSION_HEADER: str(wire.VERSION)})
        shown = client.get(f"/api/results/{id}")
    assert shown.json()["value"] is None
    assert answer.status_code == httpx.codes.OK, answer.text
    assert id in answer.text
    assert "perdure_version" not in answer.text + shown.text


def test_asking_a_server_for_one_says_where_it_can_be_had(home: Path):
    id = kept([1])
    session.close()
    with serving(home) as server, settings.temporary_settings(api_url=server.address):
        with pytest.raises(StorageError, match=f"{id} can only be had on the server's machine.*perdure result copy"):
            get_result(id)
        reasons = [*verify([id]), *verify([id], quick=True)]
    assert [each.finding for each in reasons] == ["unreadable", "unreadable"]
    assert all("on the server's machine" in (each.reason or "") for each in reasons)


def test_what_a_flow_run_had_finished_is_taken_over_when_it_is_resumed(home: Path):
    calls = []

    @task(persist_result=True)
    def step(number: int) -> list[int]:
        calls.append(number)
        return [number]

    @flow(retries=1)
    def steps() -> list[list[int]]:
        done = [step(number) for number in range(3)]
        if len(calls) == 3 and calls.append(-1) is None:
            raise RuntimeError("once")
        return done

    assert steps() == [[0], [1], [2]]
    assert (calls, files(home)) == ([0, 1, 2, -1], [])


def test_a_listing_shows_no_document_as_a_value():
    record = persisted_record(kept([1]))
    assert record.value is not None
    assert result_shape(record)["value"] is None


def test_its_place_is_named_for_people():
    id = kept([1])
    result = find_result(id)
    assert isinstance(result, PersistedResult)
    assert result.location == f"the database, with the run {id}"


def test_a_record_for_another_run_has_the_document_under_that_runs_key():
    result = find_result(kept([1]))
    record = result_record("0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21", True, result, 1)
    assert record.storage_key == "0192f0c18d4e7a318f0e5d0c9a7b6e21"
    assert record.value is not None
