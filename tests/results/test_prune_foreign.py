"""Files that records name and that are nobody's results: no prune, and no removal, deletes one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure import session, settings
from perdure._platform.clock import system_clock
from perdure._results.keys import new_key
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import ResultCorrupt
from perdure.filesystems import LocalFileSystem
from perdure.records import ResultRecord
from perdure.results import PersistedResultBlob, Pruned, prune, remove_result
from perdure.states import StateType as S
from perdure.testing._sample_records import flow_run, persisted, state

LONG_AGO = 1_000_000_000_000_000  # microseconds since 1970: 2001
OWN = new_key()


@pytest.fixture
def known() -> Iterator[EmbeddedOrchestrator]:
    with settings.temporary_settings(results_retention="1d", results_prune_grace_seconds=0):
        orchestrator = session.current().orchestrator
        assert isinstance(orchestrator, EmbeddedOrchestrator)
        yield orchestrator


@pytest.fixture
def shared(known: EmbeddedOrchestrator) -> EmbeddedOrchestrator:
    """Others may write to it, by a server."""
    known.tokens.create("ci", Scope.WRITE, system_clock())
    return known


def document(value: str = "1") -> PersistedResultBlob:
    return PersistedResultBlob(serializer={"type": "json"}, data=value.encode(), type="int")


def digest(value: str = "1") -> str:
    found = PersistedResultBlob.from_bytes(document(value).to_bytes()).digest
    assert found is not None
    return found


def named(known: EmbeddedOrchestrator, folder: Path, key: str, digest: str | None = None) -> ResultRecord:
    """A record of somebody else's, of an old result in a folder that no code here has used."""
    block = LocalFileSystem(basepath=folder).record()
    run = flow_run()
    record = persisted(run, key, storage_id=block.id, created=LONG_AGO)._replace(digest=digest)
    known.commit([block, run, state(run, S.COMPLETED), record])
    return record


def put(folder: Path, key: str, content: bytes | None = None) -> Path:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document().to_bytes() if content is None else content)
    os.utime(path, (900_000_000, 900_000_000))
    return path


def reasons(pruned: Pruned) -> str:
    assert pruned.failures == {}
    return " ".join(each.reason for each in pruned.skipped)


@pytest.mark.parametrize("content", [b"precious", b"{}", b'{"serializer": 1}', b"[" * 5_000, b"\xff", b""])
def test_a_file_that_is_no_document_is_left_and_reported(
    known: EmbeddedOrchestrator, tmp_path: Path, content: bytes
) -> None:
    path, other = put(tmp_path, "notes/important.txt", content), put(tmp_path, "report")
    named(known, tmp_path, "notes/important.txt")
    named(known, tmp_path, "report", digest())
    pruned = prune()
    assert reasons(pruned) == "it is no result document"
    assert (pruned.count, path.exists(), other.exists()) == (1, True, False)
    assert pruned.skipped[0].keys == ("notes/important.txt",)


def test_a_document_of_another_result_is_left(known: EmbeddedOrchestrator, tmp_path: Path) -> None:
    path = put(tmp_path, "report", document("2").to_bytes())
    named(known, tmp_path, "report", digest("1"))
    assert reasons(prune()) == "it is another result"
    assert path.exists()


def test_of_a_key_that_was_used_again_both_results_go_with_their_document(
    known: EmbeddedOrchestrator, tmp_path: Path
) -> None:
    path = put(tmp_path, "report", document("2").to_bytes())
    named(known, tmp_path, "report", digest("1"))
    named(known, tmp_path, "report", digest("2"))
    assert reasons(prune()) == ""
    assert not path.exists()


def test_nothing_is_removed_from_a_storage_that_only_others_named(shared: EmbeddedOrchestrator, tmp_path: Path) -> None:
    paths = [put(tmp_path / "theirs", OWN), put(tmp_path / "theirs", "report"), put(tmp_path / "theirs", ".tmp-1")]
    named(shared, tmp_path / "theirs", OWN)
    named(shared, tmp_path / "theirs", "report", digest())
    pruned = prune(orphans=True)
    assert "PERDURE_RESULTS_ALLOWED_STORAGES" in reasons(pruned)
    assert pruned.skipped[0].count == 2
    assert all(path.exists() for path in paths)


@pytest.mark.parametrize("allowed", ["", "/deeper"])
def test_in_an_allowed_place_results_are_removed_and_nothing_else(
    shared: EmbeddedOrchestrator, tmp_path: Path, allowed: str
) -> None:
    folder = tmp_path / "results" / "deeper"
    result, foreign = put(folder, OWN), put(folder, "d41d8cd98f00b204e9800998ecf8427e", b"a cache's file")
    named(shared, folder, OWN, digest())
    with settings.temporary_settings(results_allowed_storages=f"{tmp_path}/results{allowed}"):
        if not allowed:  # of a place above, not all keys like ours are ours
            named(shared, folder, foreign.name, digest())
        pruned = prune()
    assert (pruned.count, result.exists(), foreign.exists()) == (1, False, True)
    assert reasons(pruned) == ("it is no result document" if not allowed else "")


def test_a_storage_that_code_of_this_home_has_used_is_pruned(shared: EmbeddedOrchestrator, tmp_path: Path) -> None:
    path = put(tmp_path / "mine", OWN)
    session.current().storage_id(LocalFileSystem(basepath=tmp_path / "mine"))
    named(shared, tmp_path / "mine", OWN, digest())
    assert reasons(prune()) == ""
    assert not path.exists()


def test_removing_a_result_deletes_no_file_that_is_no_document(known: EmbeddedOrchestrator, tmp_path: Path) -> None:
    path = put(tmp_path, "important.txt", b"precious")
    record = named(known, tmp_path, "important.txt")
    with pytest.raises(ResultCorrupt, match="is not deleted: it is no result document"):
        remove_result(record.run_id)
    assert path.exists()
