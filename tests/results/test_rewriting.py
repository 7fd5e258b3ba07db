"""Results are signed and encrypted anew, so that keys can be retired."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from persisting import kept

from perdure import flow, session, settings, task
from perdure._results.lookup import persisted_record
from perdure.errors import ResultOverwritten, ResultUntrusted
from perdure.results import diff, get_result, rewrite, verify
from perdure.serializers import new_key

SPRING, SUMMER = new_key("spring"), new_key("summer")
LARGE = {"bytes": b"large" * 100_000}
ENCRYPTED = "encrypted/compressed/pickle"


@contextmanager
def keys(ring: str | None) -> Iterator[None]:
    """Have these keys sign and encrypt, with nothing left in memory of what other keys wrote."""
    session.close()
    with settings.temporary_settings(results_signing_keys=ring, results_encryption_keys=ring):
        yield
        session.close()


def steps(**options: Any) -> dict[str, tuple[str, ...]]:
    done = list(rewrite(**options))
    assert [each.reason for each in done if each.reason] == []
    return {each.record.run_id: each.steps for each in done}


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "storage").iterdir()}


@pytest.mark.parametrize("value", [{"a": 1}, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("key", [None, "chosen"])
def test_a_key_can_be_retired_once_results_are_rewritten_with_its_successor(value: Any, key: str | None):
    with keys(SPRING):
        options = {} if key is None else {"result_storage_key": key}
        plain, secret = kept(value, **options), kept(value, result_serializer=ENCRYPTED)
    with keys(f"{SUMMER},{SPRING}"):
        assert steps() == {plain: ("signed",), secret: ("encrypted", "signed")}
    with keys(SUMMER):
        assert get_result(plain) == get_result(secret) == value
        assert {each.finding for each in verify()} == {each.finding for each in verify(quick=True)} == {"ok"}
    with keys(SPRING), pytest.raises(ResultUntrusted, match="summer"):
        get_result(plain)


def test_what_has_the_first_keys_is_left_alone(home: Path):
    with keys(SUMMER):
        ids = kept(LARGE), kept(LARGE, result_serializer=ENCRYPTED)
        before = files(home)
        assert steps() == dict.fromkeys(ids, ())
        assert files(home) == before


def test_a_dry_run_shows_what_would_be_done_and_changes_nothing(home: Path):
    with keys(SPRING):
        id = kept(LARGE, result_serializer=ENCRYPTED)
    before = files(home)
    with keys(f"{SUMMER},{SPRING}"):
        assert steps(dry_run=True) == {id: ("encrypted", "signed")}
    assert files(home) == before


def test_nothing_is_left_of_the_old_payload(home: Path):
    with keys(SPRING):
        kept(LARGE, result_serializer=ENCRYPTED)
    before = set(files(home))
    with keys(f"{SUMMER},{SPRING}"):
        steps()
    after = set(files(home))
    assert len(after) == len(before) == 2
    assert len(after & before) == 1  # the document


def test_runs_that_share_a_document_still_do():
    @task(cache_key_fn=lambda: "same", result_serializer=ENCRYPTED)
    def compute() -> list[int]:
        return [1]

    with keys(SPRING):
        ids = [compute(return_state=True).run_id or "" for _ in range(3)]
    with keys(f"{SUMMER},{SPRING}"):
        assert len(steps()) == 1
        assert len({persisted_record(id).digest for id in ids}) == 1
        assert [get_result(id) for id in ids] == [[1]] * 3
        assert compute(return_state=True).name == "Cached"


def test_only_the_chosen_results_are_rewritten():
    with keys(SPRING):
        one, other = kept([1]), kept([2])
    with keys(f"{SUMMER},{SPRING}"):
        assert steps(run_ids=[one]) == {one: ("signed",)}
        assert steps(dry_run=True) == {one: (), other: ("signed",)}


def test_what_is_not_signed_is_signed_only_if_that_is_asked_for():
    id = kept([1])
    with keys(SUMMER):
        (refused,) = rewrite()
        assert "is not signed" in (refused.reason or "")
        assert steps(sign_unsigned=True) == {id: ("signed",)}
        assert get_result(id) == [1]


def test_what_was_altered_is_not_signed_even_if_that_is_asked_for(home: Path):
    kept(LARGE)
    (payload,) = (home / "storage").glob("*.payload")
    payload.write_bytes(b"forged" + payload.read_bytes()[6:])
    with keys(SUMMER):
        (refused,) = rewrite(sign_unsigned=True)
        assert "is not what was written" in (refused.reason or "")


def test_a_signature_is_not_lost_where_there_are_no_signing_keys():
    with keys(SPRING):
        kept([1])
    session.close()
    (refused,) = rewrite(serializer="json")
    assert "would lose its signature. Set PERDURE_RESULTS_SIGNING_KEYS." in (refused.reason or "")


def test_a_result_can_be_written_by_another_serializer_and_its_preview_goes_if_that_encrypts():
    id = kept({"password": "x", "n": 4711})
    assert "4711" in (persisted_record(id).preview or "")
    with keys(SUMMER):
        assert steps(serializer=ENCRYPTED, sign_unsigned=True) == {id: ("serialized", "signed")}
        record = persisted_record(id)
        assert (record.preview, record.serializer is not None and "encrypted" in record.serializer) == (None, True)
        assert get_result(id) == {"password": "x", "n": 4711}


def test_exceptions_are_rewritten_too():
    with keys(SPRING):
        id = kept(ValueError("no"), result_serializer="encrypted/json")
    with keys(f"{SUMMER},{SPRING}"):
        assert steps() == {id: ("encrypted", "signed")}
    with keys(SUMMER):
        assert repr(get_result(id, raise_on_failure=False)) == "ValueError('no')"


def test_without_the_old_key_a_result_stays_as_it_is_and_the_key_is_named(home: Path):
    with keys(SPRING):
        kept([1], result_serializer=ENCRYPTED)
    before = files(home)
    session.close()
    with settings.temporary_settings(results_signing_keys=SPRING, results_encryption_keys=SUMMER):
        (refused,) = rewrite()
    assert "the key 'spring', which this process does not have" in (refused.reason or "")
    assert files(home) == before


def test_an_overwritten_result_goes_by_the_run_that_overwrote_it():
    with keys(SPRING):
        first, second = (kept(value, result_storage_key="shared") for value in ([1], [2, 3]))
    with keys(f"{SUMMER},{SPRING}"):
        assert steps() == {second: ("signed",)}
        assert persisted_record(first).digest != persisted_record(second).digest
        assert list(rewrite([first])) == []
    with keys(SUMMER), pytest.raises(ResultOverwritten):
        diff(first, second)


def test_what_a_kill_left_half_done_can_be_read_and_is_set_right():
    with keys(SUMMER):
        id = kept(LARGE, result_serializer=ENCRYPTED)
        record = persisted_record(id)
        session.current().orchestrator.commit((record._replace(digest=None, size=1),))  # as between its two commits
        session.close()
        assert get_result(id) == LARGE
        steps()
        assert persisted_record(id) == record


PROGRAM = """
from perdure.results import rewrite
print("began", flush=True)
for each in rewrite():
    assert each.reason is None, each.reason
print("done", flush=True)
"""


@pytest.mark.slow
def test_a_rewriting_that_is_killed_at_any_moment_loses_nothing(monkeypatch: pytest.MonkeyPatch):
    @flow
    def fill() -> list[str]:
        return [
            str(task(persist_result=True, result_serializer=ENCRYPTED)(lambda n: n)(n, return_state=True).run_id)
            for n in [b"x" * 99_999 if number % 5 == 0 else b"small" for number in range(60)]
        ]

    with keys(SPRING):
        ids = fill()
    monkeypatch.setenv("PERDURE_RESULTS_SIGNING_KEYS", f"{SUMMER},{SPRING}")
    monkeypatch.setenv("PERDURE_RESULTS_ENCRYPTION_KEYS", f"{SUMMER},{SPRING}")
    settings.reload()
    kills = 0
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        kills += process.returncode == -signal.SIGKILL
        assert {len(get_result(id)) for id in ids} == {99_999, 5}
    assert kills > 0
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True)
    session.close()
    with keys(SUMMER):
        assert {each.finding for each in verify()} == {"ok"}
        assert all(persisted_record(id).digest is not None for id in ids)
