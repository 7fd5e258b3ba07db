"""Copying results to other storages."""

from pathlib import Path
from typing import Any

import pytest
from persisting import kept

from perdure import settings
from perdure._results.lookup import persisted_record
from perdure.errors import ResultCorrupt, ResultInUse, ResultOverwritten, ResultUntrusted
from perdure.filesystems import LocalFileSystem
from perdure.results import copy_result, get_result, verify

LARGE = bytes(range(256)) * 1_000
KEY = "k1:" + "A" * 43 + "="


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    place = tmp_path / "other"
    place.mkdir()
    return place


@pytest.mark.parametrize("value", [[1], LARGE], ids=["small", "large"])
def test_a_copy_is_the_same_byte_for_byte_and_its_run_refers_to_it(home: Path, other: Path, value: Any):
    id = kept(value)
    before = persisted_record(id)
    done = copy_result(id, other)
    assert files(other) == files(home / "storage")
    after = persisted_record(id)
    assert (after.storage_key, after.size, after.digest) == (before.storage_key, before.size, before.digest)
    assert after.storage_id == done.result.storage_id != before.storage_id
    assert get_result(id) == done.result.get() == value


def test_a_moved_result_leaves_nothing_behind(home: Path, other: Path):
    id = kept(LARGE)
    assert copy_result(id, LocalFileSystem(basepath=other), move=True).is_moved
    assert files(home / "storage") == {}
    assert get_result(id) == LARGE


def test_what_other_runs_refer_to_is_not_moved_away(home: Path, other: Path):
    first, second = (kept([1], result_storage_key="{digest}") for _ in range(2))
    done = copy_result(first, other, move=True)
    assert (done.is_moved, done.shared_with) == (False, (second,))
    assert get_result(second) == [1]


@pytest.mark.parametrize("value", [[1], LARGE], ids=["small", "large"])
@pytest.mark.parametrize("keys", [None, KEY], ids=["unsigned", "signed"])
def test_a_copy_under_another_key_is_whole_and_signed_as_before(other: Path, value: Any, keys: str | None):
    with settings.temporary_settings(results_signing_keys=keys):
        id = kept(value)
        copy_result(id, other, key="named/so")
        assert get_result(id) == value
        assert [each.finding for each in verify([id])] == ["ok"]


def test_a_signed_result_cannot_change_its_key_without_the_keys(other: Path):
    with settings.temporary_settings(results_signing_keys=KEY):
        id = kept([1])
    with pytest.raises(ResultUntrusted, match="is signed"):
        copy_result(id, other, key="named/so")
    assert files(other) == {}


def test_a_signed_copy_stays_valid_without_the_keys_at_hand(other: Path):
    with settings.temporary_settings(results_signing_keys=KEY):
        id = kept(LARGE)
    copy_result(id, other)
    with settings.temporary_settings(results_signing_keys=KEY):
        assert [each.finding for each in verify([id])] == ["ok"]


def test_what_is_not_whole_is_not_copied(home: Path, other: Path):
    id = kept(LARGE)
    (payload,) = (home / "storage").glob("*.payload")
    payload.write_bytes(b"x" + payload.read_bytes()[1:])
    with pytest.raises(ResultCorrupt, match="another digest"):
        copy_result(id, other)
    assert files(other) == {}
    assert persisted_record(id).storage_key in files(home / "storage")


def test_a_copy_replaces_nothing_else(other: Path):
    (other / "taken").write_text("mine")
    with pytest.raises(ResultInUse, match="holds something else"):
        copy_result(kept(LARGE), other, key="taken")
    assert files(other) == {"taken": b"mine"}


def test_a_copy_to_where_it_is_already_is_an_error(home: Path):
    with pytest.raises(ResultInUse, match="already"):
        copy_result(kept([1]), home / "storage")


def test_a_copy_that_was_cut_short_is_finished(home: Path, other: Path):
    id = kept(LARGE)
    (payload,) = (home / "storage").glob("*.payload")
    (other / payload.name).write_bytes(payload.read_bytes()[:100])
    copy_result(id, other)
    assert get_result(id) == LARGE


def test_a_result_whose_key_was_used_again_is_not_copied_as_another_one_s(other: Path):
    first, second = (kept(value, result_storage_key="shared") for value in (b"short", b"longer"))
    with pytest.raises(ResultOverwritten, match=second):
        copy_result(first, other)
    assert files(other) == {}
