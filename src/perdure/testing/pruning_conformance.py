"""What every orchestrator must know of results that are to be removed: subclass, and give a fixture `orchestrator`."""

from collections.abc import Sequence

import pytest

from perdure._model.records import CacheRecord, FlowRunRecord, InputRecord, RemovalRecord, ResultRecord, StateRecord
from perdure._model.state_types import StateType as S
from perdure._rooms.results.records import Doomed, ResultFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import STORAGE, flow_run, persisted, state, task_run

__all__ = ["PruningConformance"]

NOW = 2_000_000_000_000_000  # microseconds since 1970
DAY = 86_400_000_000
A_DAY = '{"age": 86400}'


def run_of_a_flow(type: S = S.COMPLETED) -> tuple[FlowRunRecord, StateRecord, ResultRecord]:
    """A flow run in a state, and its old result."""
    run = flow_run()
    return run, state(run, type), persisted(run, created=NOW - 2 * DAY)


def doomed(orchestrator: Orchestrator, retention: str | None = A_DAY, dry_run: bool = False) -> Sequence[Doomed]:
    """What is to be removed at `NOW`, with an hour of grace, after it was marked."""
    pruning = orchestrator.pruning()
    try:
        return pruning.doom(retention, NOW, NOW - DAY // 24, dry_run)
    finally:
        pruning.close()


class PruningConformance:
    """The behaviour of `Pruning`, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    def test_what_breaks_a_limit_is_pending_deletion(self, orchestrator: Orchestrator) -> None:
        orchestrator.commit([*run_of_a_flow(), *run_of_a_flow()])
        expected = [Doomed(STORAGE, "age", False, 2, 200)]
        assert doomed(orchestrator, dry_run=True) == expected
        assert orchestrator.results(ResultFilter(doomed=True)) == []
        assert doomed(orchestrator) == expected
        assert {each.doomed for each in orchestrator.results(ResultFilter())} == {NOW}

    def test_what_was_pending_deletion_before_the_grace_period_may_be_removed(self, orchestrator: Orchestrator) -> None:
        early, late = run_of_a_flow(), run_of_a_flow()
        orchestrator.commit([*early, *late, RemovalRecord(early[0].id, NOW - DAY, None)])
        pruning = orchestrator.pruning()
        try:
            pruning.doom(A_DAY, NOW, NOW - 1)
            ((removable,),) = pruning.removable(NOW - 1)
            assert (removable.run_id, removable.reason) == (early[0].id, "age")
            pruning.removed([removable], NOW)
            assert list(pruning.removable(NOW - 1)) == []
        finally:
            pruning.close()
        (removed,) = orchestrator.results(ResultFilter(removed=True))
        assert (removed.run_id, removed.removed) == (removable.run_id, NOW)

    def test_a_postponed_removal_begins_its_grace_period_again(self, orchestrator: Orchestrator) -> None:
        run = run_of_a_flow()
        orchestrator.commit([*run, RemovalRecord(run[0].id, NOW - DAY, None)])
        pruning = orchestrator.pruning()
        try:
            pruning.doom(A_DAY, NOW, NOW - 1)
            for page in pruning.removable(NOW - 1):
                pruning.postpone(page, NOW)
            assert list(pruning.removable(NOW - 1)) == []
        finally:
            pruning.close()

    @pytest.mark.parametrize("type", [S.PENDING, S.RUNNING, S.CRASHED])
    def test_what_a_run_may_still_need_is_not_pending_deletion(self, orchestrator: Orchestrator, type: S) -> None:
        orchestrator.commit(run_of_a_flow(type))
        assert doomed(orchestrator) == []

    def test_what_a_run_was_given_is_not_pending_deletion(self, orchestrator: Orchestrator) -> None:
        source, user = run_of_a_flow(), flow_run()
        orchestrator.commit([*source, user, InputRecord(user.id, source[0].id, "x")])
        assert doomed(orchestrator) == []

    def test_what_a_cache_key_stands_for_is_not_pending_deletion(self, orchestrator: Orchestrator) -> None:
        run = run_of_a_flow()
        orchestrator.commit([*run, CacheRecord("key", run[0].id, 0, NOW + 1)])
        assert doomed(orchestrator) == []

    def test_results_at_one_place_are_pending_deletion_together(self, orchestrator: Orchestrator) -> None:
        old, new = flow_run(), flow_run()
        results = [persisted(old, "shared", created=NOW - 2 * DAY), persisted(new, "shared", created=NOW)]
        orchestrator.commit([old, state(old, S.COMPLETED), new, state(new, S.COMPLETED), *results])
        assert doomed(orchestrator) == []
        orchestrator.commit([results[1]._replace(created=NOW - 2 * DAY)])
        assert doomed(orchestrator) == [Doomed(STORAGE, "age", False, 1, 100)]

    def test_a_result_keeps_to_its_own_limits(self, orchestrator: Orchestrator) -> None:
        runs = [flow_run() for _ in range(4)]
        own = [f'{{"runs": 2, "of": "flow pipeline", "run": "{run.id}"}}' for run in runs]
        for run, retention in zip(runs, own, strict=True):
            orchestrator.commit([run, state(run, S.COMPLETED), persisted(run, created=0, retention=retention)])
        assert doomed(orchestrator) == [Doomed(STORAGE, "runs", False, 2, 200)]
        kept = orchestrator.results(ResultFilter(doomed=False))
        assert [each.run_id for each in kept] == [runs[3].id, runs[2].id]

    def test_keys_that_no_result_leads_to_are_reported(self, orchestrator: Orchestrator) -> None:
        run = task_run()
        orchestrator.commit([run, persisted(run, "known")])
        pruning = orchestrator.pruning()
        try:
            assert pruning.storages() == [STORAGE]
            assert pruning.unknown(STORAGE, ["known", "other"]) == {"other"}
            assert pruning.unknown("another storage", ["known"]) == {"known"}
        finally:
            pruning.close()
