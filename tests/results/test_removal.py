"""Removing results by hand."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from persisting import kept

from perdure import flow, session, task
from perdure.errors import ResultInUse, ResultMissing, StorageError
from perdure.filesystems import LocalFileSystem
from perdure.records import ResultFilter
from perdure.results import get_result, remove_result

LARGE = b"large" * 100_000


def record_of(run_id: str) -> Any:
    (record,) = session.current().orchestrator.results(ResultFilter(run_ids=(run_id,)))
    return record


@pytest.mark.parametrize("value", [[1], LARGE], ids=["small", "large"])
def test_document_and_payload_are_removed_and_the_database_knows_when(home: Path, value: Any):
    id = kept(value)
    size = record_of(id).size
    assert remove_result(id).freed == size
    assert list((home / "storage").iterdir()) == []
    assert record_of(id).removed is not None


def test_loading_a_removed_result_says_when_it_was_removed():
    id = kept([1])
    remove_result(id)
    for ask in (get_result, remove_result):
        with pytest.raises(ResultMissing, match=r"was removed from its storage on \d{4}-\d\d-\d\d at .* Run it again"):
            ask(id)


def test_a_document_that_other_runs_refer_to_stays():
    first, second = (kept([1], result_storage_key="{digest}") for _ in range(2))
    removal = remove_result(first)
    assert (removal.freed, removal.shared_with) == (0, (second,))
    assert get_result(second) == [1]
    assert remove_result(second).freed


def test_what_a_live_cache_key_stands_for_is_kept():
    @task(cache_key_fn=lambda *_: "today", cache_expiration=timedelta(hours=1))
    def give() -> list[int]:
        return [1]

    @flow
    def caches() -> str:
        return str(give(return_state=True).run_id)

    id = caches()
    with pytest.raises(ResultInUse, match="the cache key 'today' refers to it.*--force"):
        remove_result(id)
    assert get_result(id) == [1]
    assert remove_result(id, force=True).freed


def test_what_an_unfinished_run_needs_is_kept():
    @task(persist_result=True)
    def give() -> list[int]:
        return [1]

    @flow
    def waits() -> str:
        id = str(give(return_state=True).run_id)
        with pytest.raises(ResultInUse, match="has not ended"):
            remove_result(id)
        return id

    assert remove_result(waits()).freed


def test_what_a_crashed_flow_needs_to_be_resumed_is_kept():
    ids = []

    @task(persist_result=True)
    def give() -> list[int]:
        return [1]

    @flow
    def crashes() -> None:
        ids.append(str(give(return_state=True).run_id))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crashes()
    with pytest.raises(ResultInUse, match="has crashed and can be resumed"):
        remove_result(ids[0])


def test_a_removal_that_was_cut_short_is_finished_by_the_next(home: Path, monkeypatch: pytest.MonkeyPatch):
    id = kept(LARGE)

    def refuse(*_: object) -> None:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(LocalFileSystem, "delete", refuse)
        with pytest.raises(StorageError):
            remove_result(id)
    assert record_of(id).doomed is not None
    assert record_of(id).removed is None
    remove_result(id)
    assert list((home / "storage").iterdir()) == []


def test_the_payload_of_a_document_that_cannot_be_read_is_removed_too(home: Path):
    id = kept(LARGE)
    (home / "storage" / record_of(id).storage_key).write_bytes(b"not a document")
    remove_result(id)
    assert list((home / "storage").iterdir()) == []
