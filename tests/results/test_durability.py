"""How far results are made to survive: which files are synced, and when."""

import os
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import PrivateAttr

from perdure import flow, session, settings, task
from perdure._results.durability import Durability
from perdure._results.store import Secure, write_result
from perdure.errors import StorageError
from perdure.filesystems import LocalFileSystem, Storage
from perdure.serializers import PickleSerializer


class Watched(LocalFileSystem):
    """Notes what is synced, and what the database knew of at that time."""

    _synced: list[str] = PrivateAttr(default_factory=list)
    _known: list[int] = PrivateAttr(default_factory=list)

    def sync(self, keys: Iterable[str]) -> None:
        from perdure.records import ResultFilter

        self._synced.extend(keys)
        self._known.append(len(session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))))
        super().sync(self._synced)


@pytest.fixture
def storage(tmp_path: Any) -> Watched:
    return Watched(basepath=tmp_path)


def with_durability(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_DURABILITY", level)
    settings.reload()


def run_task(storage: LocalFileSystem) -> Any:
    kept = task(persist_result=True, result_storage=storage)(lambda: {"a": "b" * 100_000})
    return flow(lambda: kept(return_state=True))().data


def synchronous() -> int:
    connection = session.current().orchestrator._database.connect()  # type: ignore[attr-defined]
    with closing(connection):
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def test_with_disk_the_document_and_payload_are_on_disk_before_the_reference_is_committed(
    storage: Watched, monkeypatch: pytest.MonkeyPatch
):
    with_durability("disk", monkeypatch)
    result = run_task(storage)
    assert result.storage_key in storage._synced
    assert len(storage._synced) == 2
    assert storage._known == [0, 0]  # once for the payload, once for the document


def test_with_disk_the_database_is_synced_at_each_commit(monkeypatch: pytest.MonkeyPatch):
    assert synchronous() == 1
    with_durability("disk", monkeypatch)
    assert synchronous() == 2


def test_with_batch_it_is_synced_at_the_latest_when_the_process_ends(storage: Watched, monkeypatch: pytest.MonkeyPatch):
    with_durability("batch", monkeypatch)
    result = run_task(storage)
    session.current()._durability.close()
    assert result.storage_key in storage._synced


def test_with_batch_it_is_synced_within_a_second(storage: Watched, monkeypatch: pytest.MonkeyPatch):
    with_durability("batch", monkeypatch)
    result = run_task(storage)
    deadline = time.monotonic() + 60
    while result.storage_key not in storage._synced and time.monotonic() < deadline:
        time.sleep(0.05)
    assert result.storage_key in storage._synced


def test_with_batch_what_could_not_be_synced_is_tried_again(
    storage: Watched, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    durability = Durability("batch")
    refused = iter([OSError("too many open files"), OSError("still")])

    def sync(keys: Iterable[str]) -> None:
        for error in refused:
            raise error
        storage._synced.extend(keys)

    durability._waiting[1] = (SimpleNamespace(sync=sync), ["key"])  # type: ignore[assignment]
    for _ in range(3):
        durability._secure_waiting()
    assert storage._synced == ["key"]
    assert capfd.readouterr().err.count("may not survive a loss of power") == 1


def test_with_process_it_is_left_to_the_operating_system(storage: Watched, monkeypatch: pytest.MonkeyPatch):
    with_durability("process", monkeypatch)
    run_task(storage)
    session.current()._durability.close()
    assert storage._synced == []


def test_with_disk_a_result_that_cannot_be_secured_is_not_committed(storage: Watched, monkeypatch: pytest.MonkeyPatch):
    with_durability("disk", monkeypatch)

    def refuse(_: Iterable[str]) -> None:
        raise StorageError("the disk does not write")

    object.__setattr__(storage, "sync", refuse)
    with pytest.raises(StorageError, match="does not write"):
        run_task(storage)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system was asked for, in order: to flush a file, or to move one to its name."""
    reported: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (reported.append("flush"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *names: (reported.append("move"), replace(*names)))
    return reported


def later(storage: Storage, keys: tuple[str, ...]) -> None:
    """As with "batch", but never in the middle of a test."""


def write_twice(storage: Storage, key: str | None, secure: Secure) -> None:
    for _ in range(2):
        write_result("a value", key, storage, PickleSerializer(), "an id", keep=False, secure=secure)


def test_a_document_is_on_the_disk_before_it_takes_the_place_of_another(tmp_path: Path, calls: list[str]):
    write_twice(LocalFileSystem(tmp_path), "report", later)
    assert calls == ["move", "flush", "move"]


def test_what_replaces_nothing_waits_for_no_disk(tmp_path: Path, calls: list[str]):
    write_twice(LocalFileSystem(tmp_path), None, later)
    assert calls == []


def test_without_durability_replacing_waits_for_no_disk(tmp_path: Path, calls: list[str]):
    write_twice(LocalFileSystem(tmp_path), "report", Durability("process").secure)
    assert calls == ["move", "move"]
