from collections.abc import Iterator

import pytest
from rich_runs import report_a_run

from perdure._model.state_types import ABANDONED
from perdure._platform.clock import system_clock
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.maintenance import pruning_runs
from perdure._store.maintenance.checking import check
from perdure._store.maintenance.pruning_runs import prune_runs
from perdure._store.sql.database import Database
from perdure._store.sql.tables import metadata
from perdure.records import (
    CacheRecord,
    FlowRunRecord,
    RemovalRecord,
    ResultFilter,
    RunFilter,
    StepRecord,
    TransactionRecord,
)
from perdure.states import StateType as S
from perdure.testing._sample_records import flow_run, ids, literal, persisted, state, task_run

NOW = system_clock()


@pytest.fixture
def known(database: Database) -> Iterator[EmbeddedOrchestrator]:
    known = EmbeddedOrchestrator(database)
    yield known
    known.close()


def left(known: EmbeddedOrchestrator) -> set[str]:
    """The ids of the flow runs that are there."""
    return set(ids(known.flow_runs(RunFilter())))


def count(known: EmbeddedOrchestrator, table: str) -> int:
    return int(known._read(f"SELECT count(*) FROM {table}", ())[0][0])


def stays(database: Database) -> bool:
    """Whether nothing went."""
    return not prune_runs(database, NOW, NOW).get("flow_run")


def test_a_run_goes_with_all_that_is_in_it(known: EmbeddedOrchestrator, database: Database) -> None:
    unfinished = report_a_run(known, S.RUNNING, kept=False)
    rows = {name: count(known, name) for name in metadata.tables}
    report_a_run(known, kept=False)
    gone = prune_runs(database, NOW, NOW)
    assert (gone["flow_run"], gone["task_run"]) == (2, 2)
    assert {name: count(known, name) for name in metadata.tables} == rows
    assert unfinished.id in left(known)
    assert check(database).dangling == []


def test_a_dry_run_removes_nothing_and_shows_what_would_go(known: EmbeddedOrchestrator, database: Database) -> None:
    report_a_run(known, kept=False)
    assert prune_runs(database, NOW, NOW, dry_run=True) == {"flow_run": 2, "task_run": 2}
    assert len(left(known)) == 2


@pytest.mark.parametrize("end", [S.RUNNING, S.PENDING, S.PAUSED, S.CANCELLING, S.CRASHED])
def test_what_is_unfinished_or_may_be_resumed_stays(known: EmbeddedOrchestrator, database: Database, end: S) -> None:
    report_a_run(known, end, kept=False)
    assert stays(database)


def test_what_crashed_goes_once_it_is_asked_for_or_abandoned(known: EmbeddedOrchestrator, database: Database) -> None:
    crashed, abandoned = report_a_run(known, S.CRASHED, kept=False), report_a_run(known, S.CRASHED, kept=False)
    known.commit([state(abandoned, S.CRASHED)._replace(name=ABANDONED)])
    prune_runs(database, NOW, NOW)
    assert abandoned.id not in left(known)
    assert crashed.id in left(known)
    prune_runs(database, NOW, NOW, states=[S.CRASHED])
    assert left(known) == set()


def test_what_ended_later_stays(known: EmbeddedOrchestrator, database: Database) -> None:
    early, late = report_a_run(known, kept=False), report_a_run(known, kept=False)
    ended = known.flow_runs(RunFilter(ids=(late.id,)))[0].ended
    prune_runs(database, ended or 0, NOW)
    assert early.id not in left(known)
    assert late.id in left(known)


def test_a_subflow_that_still_runs_keeps_its_tree(known: EmbeddedOrchestrator, database: Database) -> None:
    inner = flow_run(parent_flow_run_id=report_a_run(known, kept=False).id)
    known.commit([inner, state(inner, S.RUNNING)])
    assert stays(database)


def test_a_result_that_is_kept_keeps_its_tree(known: EmbeddedOrchestrator, database: Database) -> None:
    report_a_run(known)
    assert stays(database)
    (result,) = known.results(ResultFilter(kinds=("persisted",)))
    known.commit([RemovalRecord(result.run_id, 1, None)])
    known.commit([RemovalRecord(result.run_id, 1, 2)])
    assert not stays(database)


def test_results_that_are_kept_go_when_that_is_asked_for(known: EmbeddedOrchestrator, database: Database) -> None:
    report_a_run(known)
    assert prune_runs(database, NOW, NOW, results=True)["result"] == 2


def test_a_cache_key_that_stands_for_a_result_keeps_its_tree(known: EmbeddedOrchestrator, database: Database) -> None:
    run = report_a_run(known, kept=False)
    known.commit([CacheRecord("live", run.id, 0, None)])
    assert stays(database)


def test_a_transaction_with_hooks_to_come_keeps_its_tree(known: EmbeddedOrchestrator, database: Database) -> None:
    run = report_a_run(known, kept=False)
    known.transactions.open(TransactionRecord(run.id, "key", run.id, 1))
    known.commit([StepRecord(run.id, run.id, run.id, "k", "m", None, None, "[]")])
    assert stays(database)


def test_a_kept_item_of_a_generator_keeps_its_tree(known: EmbeddedOrchestrator, database: Database) -> None:
    run = report_a_run(known, kept=False)
    known.commit([persisted(task_run(), item_of=run.id, step="s", number=0)])
    assert stays(database)


def test_tasks_outside_of_flows_go_with_what_they_called(known: EmbeddedOrchestrator, database: Database) -> None:
    outer = task_run()
    inner, below = task_run(parent_task_run_id=outer.id), flow_run(parent_task_run_id=outer.id)
    known.commit([each for run in (outer, inner, below) for each in (run, state(run, S.COMPLETED), literal(run))])
    assert prune_runs(database, NOW, NOW, dry_run=True) == {"flow_run": 1, "task_run": 2}
    prune_runs(database, NOW, NOW)
    assert [count(known, table) for table in ("task_run", "flow_run", "result", "state")] == [0, 0, 0, 0]


def test_large_trees_go_in_groups_and_what_was_interrupted_goes_the_next_time(
    known: EmbeddedOrchestrator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning_runs, "_GROUP", 7)
    monkeypatch.setattr(pruning_runs, "_TREES", 2)
    runs = [large_run(known) for _ in range(3)]

    def interrupt(gone: int) -> None:
        if gone > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune_runs(database, NOW, NOW, progress=interrupt)
    assert runs[2].id in left(known)
    assert 0 < count(known, "task_run") < 60
    prune_runs(database, NOW, NOW)
    assert (left(known), count(known, "task_run"), count(known, "state")) == (set(), 0, 0)


def large_run(known: EmbeddedOrchestrator) -> FlowRunRecord:
    run = flow_run()
    tasks = [task_run(run.id) for _ in range(20)]
    known.commit([run, *(each for task in tasks for each in (task, state(task, S.COMPLETED))), state(run, S.COMPLETED)])
    return run
