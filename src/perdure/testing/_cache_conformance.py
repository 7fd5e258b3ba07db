"""What every orchestrator must do with cache keys; part of `OrchestratorConformance`."""

from perdure._model.records import CacheRecord, DecisionRecord, ReleaseRecord, RemovalRecord, SourceRecord
from perdure._platform.ids import new_id
from perdure._rooms.cache.records import CacheFilter
from perdure._rooms.results.records import ResultFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import claim, literal, persisted, task_run

__all__ = ["CacheConformance"]


class CacheConformance:
    """Cache keys: entries, claims, and why a run was computed or not."""

    def test_a_cache_key_is_found_as_soon_as_it_is_reported(self, orchestrator: Orchestrator) -> None:
        result = literal(task_run())
        assert orchestrator.find_cached("key", now=0) is None
        orchestrator.report([result, CacheRecord("key", result.run_id, 0, None)])
        assert orchestrator.find_cached("key", now=0) == result

    def test_a_cache_key_stands_for_the_newest_result(self, orchestrator: Orchestrator) -> None:
        first, second = literal(task_run()), literal(task_run())
        orchestrator.commit([first, CacheRecord("key", first.run_id, 0, 5)])
        orchestrator.commit([second, CacheRecord("key", second.run_id, 1, None)])
        assert orchestrator.find_cached("key", now=9) == second

    def test_an_expired_cache_key_is_not_found(self, orchestrator: Orchestrator) -> None:
        result = literal(task_run())
        orchestrator.commit([result, CacheRecord("key", result.run_id, 0, expires=10)])
        assert orchestrator.find_cached("key", now=9) == result
        assert orchestrator.find_cached("key", now=10) is None

    def test_a_result_that_is_to_be_removed_is_not_found_by_its_cache_key(self, orchestrator: Orchestrator) -> None:
        result = persisted(task_run())
        orchestrator.commit([result, CacheRecord("key", result.run_id, 0, None)])
        orchestrator.commit([RemovalRecord(result.run_id, 7, None)])
        assert orchestrator.find_cached("key", now=0) is None

    def test_a_missing_cache_key_is_claimed_once(self, orchestrator: Orchestrator) -> None:
        first, second = claim(), claim()
        assert orchestrator.claim_of("key") is None
        assert orchestrator.claim_key(first)
        assert not orchestrator.claim_key(second)
        assert orchestrator.claim_of("key") == first

    def test_a_key_that_has_a_result_is_not_claimed(self, orchestrator: Orchestrator) -> None:
        result = literal(task_run())
        orchestrator.report([result, CacheRecord("key", result.run_id, 0, None)])
        assert not orchestrator.claim_key(claim())
        assert orchestrator.claim_of("key") is None

    def test_a_key_whose_result_is_lost_or_expired_is_claimed(self, orchestrator: Orchestrator) -> None:
        result = literal(task_run())
        orchestrator.commit([result, CacheRecord("key", result.run_id, 0, 5), CacheRecord("k2", result.run_id, 0, 5)])
        assert orchestrator.claim_key(claim()._replace(created=4), lost=result.run_id)
        assert not orchestrator.claim_key(claim("k2")._replace(created=4))
        assert orchestrator.claim_key(claim("k2")._replace(created=5))

    def test_a_released_key_can_be_claimed_at_once(self, orchestrator: Orchestrator) -> None:
        first, second = claim(), claim()
        orchestrator.claim_key(first)
        orchestrator.report([ReleaseRecord("key", second.run_id)])  # not its own
        assert not orchestrator.claim_key(second)
        orchestrator.report([ReleaseRecord("key", first.run_id)])
        assert orchestrator.claim_key(second)

    def test_a_claim_is_taken_over_once(self, orchestrator: Orchestrator) -> None:
        gone, second, third = claim(), claim(), claim()
        orchestrator.claim_key(gone)
        orchestrator.note_wait(("key", gone.run_id), 1)
        assert orchestrator.claim_of("key") == gone._replace(waits=1)
        assert orchestrator.take_over_key(gone, second)
        assert not orchestrator.take_over_key(gone, third)
        assert orchestrator.claim_of("key") == second

    def test_cache_entries_are_found_newest_first(self, orchestrator: Orchestrator) -> None:
        task, other = task_run(), task_run(task_name="other")
        reported = [persisted(task), literal(other)]
        entries = [CacheRecord("a1", task.id, 1, 5, '{"task": "t"}'), CacheRecord("a2", other.id, 2, None)]
        orchestrator.report([task, other, *reported, *entries])
        second, first = orchestrator.cache_entries(CacheFilter())
        assert first == (*entries[0], "load", "builtins.dict", 100, None)
        assert second == (*entries[1], "other", "builtins.NoneType", None, None)
        for wanted in (CacheFilter(keys=("a1",)), CacheFilter(task="load"), CacheFilter(before=2)):
            assert orchestrator.cache_entries(wanted) == [first]
        assert orchestrator.cache_entries(CacheFilter(beginning="a", limit=1)) == [second]

    def test_a_cleared_cache_forgets_its_keys_and_keeps_the_results(self, orchestrator: Orchestrator) -> None:
        result = literal(task_run())
        orchestrator.report(
            [result, CacheRecord("a", result.run_id, 0, None), CacheRecord("b", result.run_id, 1, None)]
        )
        assert orchestrator.clear_cache(CacheFilter(before=1)) == 1
        assert orchestrator.find_cached("a", now=0) is None
        assert orchestrator.find_cached("b", now=0) == result
        assert orchestrator.clear_cache(CacheFilter()) == 1
        assert orchestrator.results(ResultFilter()) == [result]

    def test_decisions_come_back_newest_first(self, orchestrator: Orchestrator) -> None:
        reported = [
            DecisionRecord(new_id(), "cached", other_id=new_id()),
            DecisionRecord(new_id(), "computed", "key", '{"task": "t"}', '{"x": "1"}'),
        ]
        orchestrator.report(reported)
        ids = [each.run_id for each in reported]
        assert list(orchestrator.decisions([*ids, new_id()])) == reported[::-1]
        assert list(orchestrator.decisions(ids[:1])) == reported[:1]

    def test_a_decision_knows_what_its_key_stood_for(self, orchestrator: Orchestrator) -> None:
        before, after = literal(task_run()), literal(task_run())
        orchestrator.commit([before, CacheRecord("key", before.run_id, 0, 5)])
        orchestrator.commit(
            [DecisionRecord(after.run_id, "computed", "key"), after, CacheRecord("key", after.run_id, 6, 9)]
        )
        (decision,) = orchestrator.decisions([after.run_id])
        assert decision.other_id == before.run_id

    def test_that_a_result_was_lost_stays_known_when_it_is_computed(self, orchestrator: Orchestrator) -> None:
        lost = DecisionRecord(new_id(), "lost", detail="It is gone.", other_id=new_id())
        orchestrator.report([lost, DecisionRecord(lost.run_id, "computed", "key", "{}")])
        assert list(orchestrator.decisions([lost.run_id])) == [lost._replace(cache_key="key", components="{}")]

    def test_the_parts_of_a_source_are_kept_once(self, orchestrator: Orchestrator) -> None:
        assert orchestrator.source("digest") is None
        orchestrator.report([SourceRecord("digest", '{"a": "1"}'), SourceRecord("digest", '{"a": "1"}')])
        assert orchestrator.source("digest") == '{"a": "1"}'
