"""`perdure.results.prune`: what it removes, and what it leaves."""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import PrivateAttr

from perdure import flow, session, settings, task
from perdure._platform.ids import new_id
from perdure._results.keys import new_key
from perdure._store.protocol import Orchestrator
from perdure.errors import ResultMissing, SettingError, StorageError
from perdure.filesystems import LocalFileSystem
from perdure.records import CacheRecord, InputRecord, Record, RemovalRecord, ResultFilter, ResultRecord
from perdure.results import Pruned, get_result, prune
from perdure.states import StateType as S
from perdure.testing._sample_records import flow_run, persisted, state, task_run

LONG_AGO = 1_000_000_000_000_000  # microseconds since 1970: 2001


@pytest.fixture
def storage(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(tmp_path / "results")


@pytest.fixture
def known() -> Iterator[Orchestrator]:
    """The orchestrator; results are kept for a day."""
    with settings.temporary_settings(results_retention="1d", results_prune_grace_seconds=0):
        yield session.current().orchestrator


def stored(storage: LocalFileSystem, run: Any, key: str | None = None, **fields: Any) -> ResultRecord:
    """The record of an old result, whose document is there."""
    record = persisted(run, key, storage_id=session.current().storage_id(storage), created=LONG_AGO, **fields)
    assert record.storage_key is not None
    storage.write(record.storage_key, b'{"serializer": {"type": "json"}, "data": "1", "perdure_version": "0"}')
    path = storage.describe(record.storage_key)
    os.utime(path, (900_000_000, 900_000_000))
    return record


def ended(known: Orchestrator, run: Any, kind: S = S.COMPLETED) -> Any:
    """The run, reported with its final state."""
    known.commit([run, state(run, S.RUNNING), state(run, kind)])
    return run


def left(known: Orchestrator, *records: Record, **options: Any) -> set[str]:
    """The keys that are left in the storages once the records were reported and all was pruned."""
    known.commit(records)
    pruned = prune(**options)
    assert pruned.failures == {}
    storages = {each.storage_id for each in records if isinstance(each, ResultRecord)}
    return {key for id in storages for key in session.current().storages.get(id or "").list()}


def test_an_old_result_is_removed_and_a_new_one_kept(known: Orchestrator, storage: LocalFileSystem):
    old, new = stored(storage, ended(known, task_run())), stored(storage, ended(known, task_run()))
    new = new._replace(created=session.current().clock())
    assert left(known, old, new) == {new.storage_key}
    (removed,) = known.results(ResultFilter(removed=True))
    assert removed.run_id == old.run_id


def test_what_was_freed_is_reported(known: Orchestrator, storage: LocalFileSystem):
    known.commit([stored(storage, ended(known, task_run()), size=1_000) for _ in range(3)])
    pruned = prune()
    (freed,) = pruned.freed
    assert (freed.reason, freed.count, freed.size) == ("age", 3, 3_000)
    assert (pruned.count, pruned.size, prune().freed) == (3, 3_000, [])


def test_a_dry_run_changes_nothing_and_shows_the_same(known: Orchestrator, storage: LocalFileSystem):
    known.commit([stored(storage, ended(known, task_run()))])
    before = known.results(ResultFilter())
    tried = prune(dry_run=True)
    assert known.results(ResultFilter()) == before
    assert prune().freed == tried.freed


def test_a_result_goes_only_after_its_grace_period(known: Orchestrator, storage: LocalFileSystem):
    old = stored(storage, ended(known, task_run()))
    assert left(known, old, grace=timedelta(hours=1)) == {old.storage_key}
    (doomed,) = known.results(ResultFilter(doomed=True, removed=False))
    assert doomed.run_id == old.run_id
    assert sum(each.count for each in prune(grace=3600).waiting) == 1
    assert left(known, old, RemovalRecord(old.run_id, LONG_AGO, None), grace=3600) == set()


def test_what_a_live_cache_key_stands_for_stays(known: Orchestrator, storage: LocalFileSystem):
    live, expired = stored(storage, ended(known, task_run())), stored(storage, ended(known, task_run()))
    keys = [CacheRecord("live", live.run_id, 0, None), CacheRecord("expired", expired.run_id, 0, LONG_AGO)]
    assert left(known, live, expired, *keys) == {live.storage_key}


def test_a_document_stays_while_any_result_leads_to_it(known: Orchestrator, storage: LocalFileSystem):
    one, other = (stored(storage, ended(known, task_run()), "shared") for _ in range(2))
    kept = other._replace(created=session.current().clock())
    assert left(known, one, kept) == {"shared"}
    assert known.results(ResultFilter(doomed=True)) == []  # whoever uses one of them may use all of them
    assert left(known, one, other) == set()


def test_a_document_goes_when_the_grace_period_of_all_its_results_is_over(
    known: Orchestrator, storage: LocalFileSystem
):
    early, late = (stored(storage, ended(known, task_run()), "shared") for _ in range(2))
    known.commit([early, late, RemovalRecord(early.run_id, LONG_AGO, None)])
    assert left(known, late, grace=3600) == {"shared"}
    known.commit([RemovalRecord(late.run_id, LONG_AGO, None)])
    assert prune(grace=3600).count == 1  # one document, though two results led to it
    assert list(storage.list()) == []


@pytest.mark.parametrize("kind", [S.RUNNING, S.PENDING, S.PAUSED, S.CRASHED])
def test_what_an_unfinished_or_resumable_flow_run_may_need_stays(
    known: Orchestrator, storage: LocalFileSystem, kind: S
):
    root = flow_run()
    child = flow_run(parent_flow_run_id=root.id)
    known.commit([root, state(root, kind), child])
    results = [stored(storage, ended(known, task_run(run.id))) for run in (root, child)]
    assert left(known, *results) == {each.storage_key for each in results}
    known.commit([state(root, S.COMPLETED), state(child, S.COMPLETED)])
    assert left(known, *results) == set()


def test_what_a_task_without_a_flow_is_still_doing_stays(known: Orchestrator, storage: LocalFileSystem):
    outer = task_run()
    known.commit([outer, state(outer, S.RUNNING)])
    inner = ended(known, task_run(parent_task_run_id=outer.id))
    called = ended(known, flow_run(parent_task_run_id=outer.id))
    results = [stored(storage, each) for each in (inner, called)]
    assert left(known, *results) == {each.storage_key for each in results}
    known.commit([state(outer, S.COMPLETED)])
    assert left(known, *results) == set()


def test_what_an_unfinished_run_was_given_stays(known: Orchestrator, storage: LocalFileSystem):
    source, user = ended(known, task_run()), flow_run()
    result = stored(storage, source)
    known.commit([user, state(user, S.RUNNING), InputRecord(user.id, source.id, "x")])
    assert left(known, result) == {result.storage_key}
    ended(known, user)
    assert left(known, result) == set()


def test_the_newest_runs_of_each_flow_keep_their_results(known: Orchestrator, storage: LocalFileSystem):
    results = []
    for name in ("daily", "daily", "weekly", "daily"):
        run = ended(known, flow_run(flow_name=name))
        child = ended(known, flow_run(flow_name="part", parent_flow_run_id=run.id))
        results.append(stored(storage, ended(known, task_run(child.id))))
    with settings.temporary_settings(results_retention="2 runs", results_prune_grace_seconds=0):
        known = session.current().orchestrator
        assert left(known, *results) == {each.storage_key for each in results[1:]}


def test_the_newest_results_stay_within_the_size(known: Orchestrator, storage: LocalFileSystem):
    with settings.temporary_settings(results_retention="250 B", results_prune_grace_seconds=0):
        known = session.current().orchestrator
        results = [stored(storage, ended(known, task_run()), size=100) for _ in range(4)]
        assert left(known, *results) == {each.storage_key for each in results[2:]}


def test_a_document_that_was_written_again_stays(known: Orchestrator, storage: LocalFileSystem):
    result = stored(storage, ended(known, task_run()), "reports/today")
    storage.write("reports/today", b"by a run that has not answer of it yet")
    assert left(known, result) == {"reports/today"}


def test_a_reference_that_appears_after_the_mark_is_seen(known: Orchestrator, storage: LocalFileSystem):
    result = stored(storage, ended(known, task_run()))
    known.commit([result])
    pruning = known.pruning()
    try:
        now = session.current().clock()
        pruning.doom('{"age": 1}', now, now)
        known.commit([result._replace(run_id=ended(known, task_run()).id)])  # by a run that had found it in the cache
        assert list(pruning.removable(now)) == []
    finally:
        pruning.close()


def test_a_result_pending_deletion_is_not_reused(home: Path):
    runs = count()

    @task(persist_result=True, cache_key_fn=lambda: "key", cache_expiration=timedelta(milliseconds=1))
    def number() -> list[int]:
        return [next(runs)]

    assert number() == [0]
    with settings.temporary_settings(results_retention="0.001s"):
        assert sum(each.count for each in prune(grace=60).waiting) == 1
        assert number() == [1]


def test_a_large_result_goes_with_its_payload(home: Path):
    @flow(persist_result=True, result_retention="0.001s")
    def large() -> bytes:
        return bytes(1_000_000)

    run = large(return_state=True).run_id
    storage = home / "storage"
    assert len(list(storage.iterdir())) == 2
    assert prune(grace=0).size > 1_000_000
    assert list(storage.iterdir()) == []
    with pytest.raises(ResultMissing):
        get_result(run)


def test_a_storage_that_cannot_be_had_is_named_and_the_others_continue(known: Orchestrator, storage: LocalFileSystem):
    lost = persisted(ended(known, task_run()), storage_id=(nobody := new_id()), created=LONG_AGO)
    here = stored(storage, ended(known, task_run()))
    known.commit([lost, here])
    pruned = prune()
    assert list(pruned.failures) == [nobody]
    assert "is not in this database" in pruned.failures[nobody]
    assert list(storage.list()) == []
    (waiting,) = known.results(ResultFilter(doomed=True, removed=False))
    assert waiting.run_id == lost.run_id


class Stubborn(LocalFileSystem):
    """Removes all documents but one."""

    _kept: str = PrivateAttr("")

    def delete(self, key: str) -> None:
        if key == self._kept:
            raise StorageError(f"{key} stays.")
        super().delete(key)


def test_what_a_storage_does_not_let_go_of_leaves_the_rest_to_be_removed(known: Orchestrator, tmp_path: Path):
    storage = Stubborn(tmp_path / "results")
    results = [stored(storage, ended(known, task_run()), new_key()) for _ in range(100)]
    storage._kept = results[7].storage_key or ""
    known.commit(results)
    pruned = prune()
    assert list(pruned.failures.values()) == [f"{storage._kept} stays."]
    left_over = set(storage.list())
    waiting = known.results(ResultFilter(doomed=True, removed=False))
    assert storage._kept in left_over <= {each.storage_key for each in waiting}
    assert pruned.count + len(waiting) == 100
    storage._kept = ""
    assert prune().count == len(waiting)
    assert list(storage.list()) == []


def orphans_of(pruned: Pruned) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {each.kind: (each.count, tuple(sorted(each.keys))) for each in pruned.orphans}


def test_what_nothing_leads_to_is_found_and_removed_when_asked(known: Orchestrator, storage: LocalFileSystem):
    result, orphan = stored(storage, ended(known, task_run())), stored(storage, task_run(), "orphan")
    known.commit([result._replace(created=session.current().clock())])
    payload = f"gone.{'0' * 16}.payload"
    for key, data in ((payload, b"p"), ("notes.txt", b"the user's own"), ("new", b'{"perdure_version": "0"}')):
        storage.write(key, data)
    for key in (payload, "notes.txt"):
        os.utime(storage.describe(key), (1_000_000_000, 1_000_000_000))
    assert orphans_of(prune()) == {"document": (1, (orphan.storage_key,)), "payload": (1, (payload,))}
    assert len(list(storage.list())) == 5
    assert all(each.removed for each in prune(orphans=True).orphans)
    assert set(storage.list()) == {result.storage_key, "notes.txt", "new"}


def test_results_that_another_storage_of_the_place_leads_to_are_no_orphans(
    known: Orchestrator, storage: LocalFileSystem, tmp_path: Path
):
    inner = LocalFileSystem(tmp_path / "results" / "inner")
    results = [stored(each, ended(known, task_run()), "kept") for each in (storage, inner)]
    known.commit([each._replace(created=session.current().clock()) for each in results])
    assert prune().orphans == []


def test_nothing_is_removed_where_nothing_says_how_long_to_keep(home: Path):
    flow(persist_result=True)(lambda: [1])()
    pruned = prune(grace=0)
    assert (pruned.count, pruned.waiting, pruned.orphans) == (0, [], [])


@pytest.mark.parametrize("grace", [-1, float("nan"), True, "1h"])
def test_a_grace_that_is_no_time_is_refused(grace: Any):
    with pytest.raises(SettingError, match="grace=.* is no span of time"):
        prune(grace=grace)
