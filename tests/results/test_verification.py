"""Whether results are there, whole and trusted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from persisting import kept

from perdure import flow, session, settings
from perdure._results import verification
from perdure._results.lookup import persisted_record
from perdure.errors import MissingResult, StorageError
from perdure.filesystems import LocalFileSystem
from perdure.results import verify
from perdure.serializers import Serializer

LARGE = b"large" * 100_000


def path_of(run_id: str, storage: Path) -> Path:
    return storage / str(persisted_record(run_id).storage_key)


def findings(**options: Any) -> dict[str, str]:
    return {each.record.run_id: each.finding for each in verify(**options)}


@pytest.fixture(params=[False, True], ids=["full", "quick"])
def quick(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_whole_results_are_ok(quick: bool):
    ids = [kept([1]), kept(LARGE), kept(b"x", result_storage_key="chosen")]
    assert findings(quick=quick) == dict.fromkeys(ids, "ok")


def test_a_document_that_is_gone_is_missing(home: Path, quick: bool):
    id = kept([1])
    path_of(id, home / "storage").unlink()
    (verdict,) = verify(quick=quick)
    assert verdict.finding == "missing"
    assert verdict.reason
    assert "run the task again" in verdict.reason


def test_a_payload_that_is_gone_is_missing(home: Path, quick: bool):
    kept(LARGE)
    (payload,) = (home / "storage").glob("*.payload")
    payload.unlink()
    (verdict,) = verify(quick=quick)
    assert verdict.finding == "missing"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip])
@pytest.mark.parametrize("suffix", [".payload", ""])
def test_what_was_altered_is_corrupt(home: Path, damage: Callable[[Path], None], suffix: str):
    id = kept(LARGE)
    (found,) = (each for each in (home / "storage").iterdir() if each.suffix == suffix)
    damage(found)
    assert findings() == {id: "corrupt"}
    if damage is cut:
        assert findings(quick=True) == {id: "corrupt"}


def test_what_is_not_signed_is_untrusted():
    id = kept([1])
    key = "k1:" + "A" * 43 + "="
    with settings.temporary_settings(results_signing_keys=key):
        assert findings() == {id: "untrusted"}
        assert {each.finding for each in verify([kept([2])])} == {"ok"}


class Odd(Serializer):
    type: Literal["odd-for-verification"] = "odd-for-verification"

    def dumps(self, obj: Any) -> bytes:
        return b"odd"

    def loads(self, data: bytes) -> Any:
        raise AssertionError("a value was loaded")


def test_what_no_serializer_here_reads_is_unreadable_and_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch):
    id = kept([1], result_serializer=Odd())
    assert findings() == {id: "ok"}
    monkeypatch.delitem(__import__("perdure._serializers.base", fromlist=["_types"])._types, "odd-for-verification")
    assert findings() == {id: "unreadable"}


def test_a_storage_that_refuses_makes_its_results_unreadable_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: bool
):
    far, near = kept([1], result_storage=LocalFileSystem(basepath=tmp_path / "far")), kept([1])
    for name in ("entries", "read"):
        works = getattr(LocalFileSystem, name)

        def refuse(storage: LocalFileSystem, *args: Any, works: Callable[..., Any] = works) -> Any:
            if storage.basepath == tmp_path / "far":
                raise StorageError("no route to host")
            return works(storage, *args)

        monkeypatch.setattr(LocalFileSystem, name, refuse)
    assert findings(quick=quick) == {far: "unreadable", near: "ok"}


def test_a_result_that_is_younger_than_the_listing_is_looked_at(monkeypatch: pytest.MonkeyPatch):
    id = kept([1])
    monkeypatch.setattr(LocalFileSystem, "entries", lambda self, prefix="": iter(()))
    monkeypatch.setattr(verification, "system_clock", lambda: 0)
    assert findings(quick=True) == {id: "ok"}


def test_many_results_are_asked_for_a_page_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("perdure._results.lookup._PAGE", 2)

    for number in range(5):
        kept([number])
    assert list(findings(quick=True).values()) == ["ok"] * 5


def test_only_the_runs_that_are_named_are_checked():
    first, _ = kept([1]), kept([2])
    assert findings(run_ids=[first]) == {first: "ok"}


def test_a_run_without_a_persisted_result_is_an_error():
    @flow
    def forget() -> list[int]:
        return [1]

    with pytest.raises(MissingResult, match="is in no storage"):
        list(verify([str(forget(return_state=True).run_id)]))


def test_a_result_whose_key_was_used_again_is_overwritten_and_says_by_which_run(quick: bool):
    first, second = (kept(value, result_storage_key="shared") for value in (b"short", b"longer" * 9))
    verdicts = {each.record.run_id: each for each in verify(quick=quick)}
    assert (verdicts[first].finding, verdicts[second].finding) == ("overwritten", "ok")
    assert f"was overwritten by run 'give-0' ({second})" in (verdicts[first].reason or "")


def test_an_equal_result_under_the_same_key_overwrites_nothing(quick: bool):
    ids = [kept(b"same", result_storage_key="shared") for _ in range(2)]
    assert findings(quick=quick) == dict.fromkeys(ids, "ok")


def test_a_document_that_no_known_run_wrote_is_said_to_be_so():
    first, second = (kept(value, result_storage_key="shared") for value in (b"short", b"longer" * 9))
    record = persisted_record(second)
    session.current().orchestrator.commit((record._replace(storage_key="elsewhere"),))
    (verdict,) = verify([first])
    assert "was overwritten by a run that this database does not know" in (verdict.reason or "")
