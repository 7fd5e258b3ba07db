"""What every orchestrator must do: subclass `OrchestratorConformance` and give it a fixture `orchestrator`."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from perdure._model.records import (
    ArtifactChangeRecord,
    ArtifactFilter,
    ArtifactRecord,
    BlockRecord,
    CacheFilter,
    CacheRecord,
    CancelRecord,
    Claim,
    DecisionRecord,
    FlowKeyRecord,
    FlowRunRecord,
    InputRecord,
    LogFilter,
    LogRecord,
    PastStateRecord,
    ReleaseRecord,
    RemovalRecord,
    RenameRecord,
    ResultFilter,
    ResultRecord,
    RunCount,
    RunFilter,
    SourceRecord,
    StartRecord,
    StateRecord,
    StepEndRecord,
    StepRecord,
    TaskRunRecord,
    TransactionRecord,
    ValueRecord,
    VariableRecord,
    WaitRecord,
)
from perdure._model.state_types import StateType as S
from perdure._platform.ids import dated_id, id_at, new_id
from perdure._store.protocol import Orchestrator

__all__ = ["OrchestratorConformance"]

STORAGE = "06a3d9f2-0000-7000-8000-000000000000"  # the id of a storage's block
FIRST, SECOND, THIRD = (f"06a3d9f2-0000-7000-8000-00000000001{number}" for number in range(3))  # ids
A_STEP = '{"step": "a step"}'
WANTED = "06a3d9f2-0000-7000-8000-000000000001"  # another one's
_times = count(1_700_000_000_000_000, 1_000)


def _new_id(created: int) -> str:
    """A run's id has the time of its creation in it."""
    return id_at(created) + new_id()[len(id_at(created)) :]


def flow_run(
    id: str | None = None, name: str = "brisk-owl", flow_name: str = "pipeline", **fields: Any
) -> FlowRunRecord:
    """A flow run's record, created after all the records made before it."""
    created = next(_times)
    record = FlowRunRecord(id or _new_id(created), name, flow_name, None, None, None, "[]", "{}", created)
    return record._replace(**fields)


def task_run(
    flow_run_id: str | None = None, name: str = "load-0", task_name: str = "load", **fields: Any
) -> TaskRunRecord:
    """A task run's record, created after all the records made before it."""
    created = next(_times)
    record = TaskRunRecord(_new_id(created), name, task_name, "flights.load", flow_run_id, None, "[]", created)
    return record._replace(**fields)


def state(run: FlowRunRecord | TaskRunRecord, type: S, message: str | None = None) -> StateRecord:
    """A state of the run, later than all the records made before it."""
    return StateRecord(run.id, isinstance(run, TaskRunRecord), type, type.capitalize(), message, next(_times))


def literal(run: FlowRunRecord | TaskRunRecord, value: str = "null") -> ResultRecord:
    """The record of a run's literal result."""
    of_task = isinstance(run, TaskRunRecord)
    return ResultRecord(run.id, of_task, "literal", "builtins.NoneType", False, next(_times), value)


def persisted(run: FlowRunRecord | TaskRunRecord, storage_key: str | None = None, **fields: Any) -> ResultRecord:
    """The record of a run's persisted result, under a key of its own."""
    of_task = isinstance(run, TaskRunRecord)
    record = ResultRecord(run.id, of_task, "persisted", "builtins.dict", False, next(_times), size=100)
    place = {"storage_id": STORAGE, "storage_key": storage_key or run.id.replace("-", "")}
    return record._replace(**place | fields)


def block(name: str | None, type: str = "local-file-system") -> BlockRecord:
    """A block's record."""
    return BlockRecord(new_id(), type, name, '{"basepath": "/data"}', next(_times), next(_times))


def artifact(key: str | None = None, **fields: Any) -> ArtifactRecord:
    """The record of an artifact that is progress."""
    time = next(_times)
    return ArtifactRecord(new_id(), key, "progress", None, None, time, time, "5", None)._replace(**fields)


def claim(key: str = "key") -> Claim:
    """The claim of a cache key by a new run."""
    return Claim(key, new_id(), new_id(), next(_times))


def step(transaction_id: str, result: ResultRecord, module: str | None = None, cache_key: str = "") -> StepRecord:
    """The record of a run's end inside a transaction."""
    cached = CacheRecord(cache_key, result.run_id, 0, None) if cache_key else None
    staged = json.dumps([result, cached])
    return StepRecord(result.run_id, transaction_id, transaction_id, "flows.load:load", module, None, None, staged)


def ids(runs: Sequence[object]) -> list[str]:
    """The ids of runs."""
    return [run.id for run in runs]  # type: ignore[attr-defined]


class OrchestratorConformance:
    """The behaviour of the protocol, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    def test_a_reported_run_is_answered_at_once(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        orchestrator.report([run])
        assert ids(orchestrator.flow_runs(RunFilter())) == [run.id]

    def test_a_runs_fields_come_back_as_they_were_told(self, orchestrator: Orchestrator) -> None:
        run = flow_run(flow_version="7", parent_flow_run_id=new_id(), parent_task_run_id=new_id(), tags='["a"]')
        task = task_run(run.id, parent_task_run_id=new_id(), tags='["b"]')
        orchestrator.commit([run, task])
        assert orchestrator.flow_runs(RunFilter())[0][: len(run)] == run
        assert orchestrator.task_runs(RunFilter())[0][: len(task)] == task

    def test_a_run_without_states_has_none(self, orchestrator: Orchestrator) -> None:
        orchestrator.commit([task_run()])
        (run,) = orchestrator.task_runs(RunFilter())
        assert run[-7:] == (None, None, None, None, None, None, 0)

    def test_runs_are_chosen_by_whether_they_have_ended(self, orchestrator: Orchestrator) -> None:
        begun, running, ended = task_run(), task_run(), task_run()
        orchestrator.commit([begun, running, state(running, S.RUNNING), ended, state(ended, S.FAILED)])
        assert ids(orchestrator.task_runs(RunFilter(ended=False))) == [running.id, begun.id]
        assert ids(orchestrator.task_runs(RunFilter(ended=True))) == [ended.id]

    def test_a_run_shows_its_newest_state(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        pending, running, failed = (
            state(task, S.PENDING),
            state(task, S.RUNNING),
            state(task, S.FAILED, "ValueError: x"),
        )
        orchestrator.commit([task, pending])
        orchestrator.commit([running])
        orchestrator.commit([failed])
        (run,) = orchestrator.task_runs(RunFilter())
        assert run[-7:] == (S.FAILED, "Failed", "ValueError: x", failed.time, running.time, failed.time, 1)
        assert isinstance(run.state_type, S)

    def test_a_run_that_begins_again_has_not_ended(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        first = state(run, S.RUNNING)
        orchestrator.commit([run, first, state(run, S.FAILED)])
        orchestrator.commit([state(run, S.SCHEDULED), state(run, S.RUNNING)])
        (known,) = orchestrator.flow_runs(RunFilter())
        assert (known.started, known.ended, known.run_count) == (first.time, None, 2)

    def test_states_are_answered_in_the_order_of_arrival(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        reported = [state(task, kind) for kind in (S.PENDING, S.RUNNING, S.COMPLETED)]
        reported[2] = reported[2]._replace(time=reported[0].time - 1)  # a clock that was set back
        orchestrator.commit([task, *reported[:2]])
        orchestrator.report([reported[2]])
        assert list(orchestrator.states(task.id)) == reported

    def test_past_states_are_kept_once_in_the_order_of_their_times(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        reported = [state(task, kind) for kind in (S.PENDING, S.RUNNING, S.COMPLETED)]
        orchestrator.commit([task, *map(PastStateRecord._make, reported[::-1])])
        orchestrator.commit([PastStateRecord._make(reported[0])])
        assert list(orchestrator.states(task.id)) == reported
        (known,) = orchestrator.task_runs(RunFilter())
        assert (known.state_type, known.started, known.ended) == (S.COMPLETED, reported[1].time, reported[2].time)

    def test_a_past_state_that_is_older_does_not_become_the_runs_state(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        earlier, later = state(run, S.RUNNING), state(run, S.CRASHED)
        orchestrator.commit([run, later])
        orchestrator.commit([run, PastStateRecord._make(earlier)])
        assert list(orchestrator.states(run.id)) == [earlier, later]
        assert orchestrator.flow_runs(RunFilter())[0].state_type is S.CRASHED

    def test_what_is_recorded_of_runs_is_counted(self, orchestrator: Orchestrator) -> None:
        run, alone = flow_run(), task_run()
        lines = [LogRecord(run.id, None, 1, 20, "flow", "a"), LogRecord(run.id, new_id(), 2, 20, "task", "b")]
        lines.append(LogRecord(None, alone.id, 3, 20, "task", "c"))
        orchestrator.commit([run, state(run, S.RUNNING), state(run, S.COMPLETED), alone, *lines])
        counts = [RunCount(SECOND, 0, 0), RunCount(run.id, 2, 2), RunCount(alone.id, 0, 1)]
        assert list(orchestrator.run_counts([SECOND, run.id, alone.id])) == counts

    def test_a_run_from_elsewhere_is_found_by_the_whole_of_its_old_id(self, orchestrator: Orchestrator) -> None:
        old = "9b2c1d54-6c1f-4e0a-b1a2-0123456789ab"
        run, other = flow_run(dated_id(old, 1_600_000_000_000_000)), flow_run()
        orchestrator.commit([other, run])
        assert ids(orchestrator.flow_runs(RunFilter(ids=(old,)))) == [run.id]
        assert ids(orchestrator.flow_runs(RunFilter())) == [other.id, run.id]

    def test_a_state_may_arrive_before_its_run(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        pending, running, completed = (state(task, kind) for kind in (S.PENDING, S.RUNNING, S.COMPLETED))
        orchestrator.commit([running, completed])  # by the process that ran it
        orchestrator.commit([task, pending])  # by the process that submitted it, later
        (run,) = orchestrator.task_runs(RunFilter())
        assert run[: len(task)] == task
        assert run[-7:] == (S.COMPLETED, "Completed", None, completed.time, running.time, completed.time, 1)

    def test_telling_of_a_run_again_changes_nothing(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        orchestrator.commit([run, state(run, S.RUNNING)])
        before = orchestrator.flow_runs(RunFilter())
        orchestrator.commit([run])
        assert orchestrator.flow_runs(RunFilter()) == before

    def test_a_run_can_be_renamed(self, orchestrator: Orchestrator) -> None:
        run, task = flow_run(), task_run()
        orchestrator.commit([run, task])
        orchestrator.report([RenameRecord(run.id, False, "flights of May"), RenameRecord(task.id, True, "load May")])
        assert orchestrator.flow_runs(RunFilter())[0].name == "flights of May"
        assert orchestrator.task_runs(RunFilter())[0].name == "load May"

    def test_runs_are_newest_first_up_to_the_limit(self, orchestrator: Orchestrator) -> None:
        runs = [task_run() for _ in range(4)]
        orchestrator.commit(runs)
        assert ids(orchestrator.task_runs(RunFilter(limit=3))) == ids(runs)[:0:-1]

    def test_runs_are_found_by_ids_and_their_beginnings(self, orchestrator: Orchestrator) -> None:
        runs = [flow_run(f"{digit}{new_id()[1:]}") for digit in "0af"]
        orchestrator.commit(runs)
        asked = RunFilter(ids=(runs[0].id, runs[2].id[:8].upper()))
        assert ids(orchestrator.flow_runs(asked)) == [runs[2].id, runs[0].id]
        assert orchestrator.flow_runs(RunFilter(ids=("b",))) == []

    @pytest.mark.parametrize(
        "filter",
        [
            RunFilter(name="wanted"),
            RunFilter(of="wanted"),
            RunFilter(states=(S.FAILED, S.CRASHED)),
            RunFilter(tags=("wanted", 'a "quoted" ü%')),
        ],
        ids=["name", "of", "states", "tags"],
    )
    def test_runs_are_filtered_by(self, orchestrator: Orchestrator, filter: RunFilter) -> None:
        tags = '["a \\"quoted\\" \\u00fc%", "wanted"]'
        wanted = task_run(name="wanted", task_name="wanted", tags=tags)
        other = task_run(name="Wanted", task_name="wanted too", tags='["Wanted", "unwanted"]')
        orchestrator.commit([wanted, other, state(wanted, S.FAILED), state(other, S.COMPLETED)])
        assert ids(orchestrator.task_runs(filter)) == [wanted.id]

    def test_runs_are_filtered_by_when_they_were_created(self, orchestrator: Orchestrator) -> None:
        runs = [flow_run() for _ in range(4)]
        orchestrator.commit(runs)
        between = RunFilter(after=runs[1].created, before=runs[3].created)
        assert ids(orchestrator.flow_runs(between)) == [runs[2].id, runs[1].id]
        assert ids(orchestrator.flow_runs(RunFilter(older_than=runs[1].id))) == [runs[0].id]

    def test_the_children_of_a_flow_run_are_found(self, orchestrator: Orchestrator) -> None:
        parent = flow_run()
        child, task = flow_run(parent_flow_run_id=parent.id), task_run(parent.id)
        orchestrator.commit([parent, child, task, task_run()])
        of_parent = RunFilter(flow_run_ids=(parent.id,))
        assert ids(orchestrator.flow_runs(of_parent)) == [child.id]
        assert ids(orchestrator.task_runs(of_parent)) == [task.id]

    def test_a_result_comes_back_as_it_was_told(self, orchestrator: Orchestrator) -> None:
        reported = ResultRecord(
            run_id=new_id(),
            of_task=True,
            kind="persisted",
            type="builtins.dict",
            is_exception=True,
            created=next(_times),
            storage_id=new_id(),
            storage_key="a/b",
            serializer='{"type": "json"}',
            size=2**40,
            digest="sha256:00",
            expires=next(_times),
            cache_key="key",
            retention='{"age": 60}',
            preview='{"kind": "json"}',
        )
        orchestrator.report([reported])
        (known,) = orchestrator.results(ResultFilter())
        assert known == reported
        assert (known.of_task, known.is_exception) == (True, True)

    def test_the_newest_result_of_a_run_replaces_the_one_before(self, orchestrator: Orchestrator) -> None:
        run = task_run()
        persisted = literal(run)._replace(kind="persisted", value=None, storage_key="k", size=3)
        orchestrator.commit([run, persisted])
        orchestrator.commit([literal(run, "1"), last := literal(run, "2")])
        assert orchestrator.results(ResultFilter()) == [last]

    def test_results_are_filtered(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        task, other = task_run(run.id), task_run()
        reported = [literal(run), literal(task), literal(other)._replace(kind="unpersisted", value=None)]
        orchestrator.commit([run, task, other, *reported])
        assert orchestrator.results(ResultFilter(flow_run_ids=(run.id,))) == [reported[1], reported[0]]
        assert orchestrator.results(ResultFilter(run_ids=(other.id,))) == [reported[2]]
        assert orchestrator.results(ResultFilter(kinds=("literal",), limit=1)) == [reported[1]]

    @pytest.mark.parametrize(
        "wanted",
        [
            ResultFilter(task="wanted"),
            ResultFilter(type="pandas.*"),
            ResultFilter(type="*.DataFrame"),
            ResultFilter(type="pandas.core.DataFrame"),
            ResultFilter(storage_ids=(WANTED, "or this")),
            ResultFilter(storage_keys=("wanted",)),
            ResultFilter(min_size=200),
            ResultFilter(max_size=200, min_size=101),
            ResultFilter(is_exception=True),
            ResultFilter(after=2**52),
            ResultFilter(kinds=("persisted",), storage_keys=("wanted",)),
        ],
    )
    def test_results_are_found_by(self, orchestrator: Orchestrator, wanted: ResultFilter) -> None:
        task, other = task_run(task_name="wanted"), task_run(task_name="Wanted")
        fields = {"type": "pandas.core.DataFrame", "size": 200, "is_exception": True, "created": 2**52}
        right = persisted(task, "wanted", storage_id=WANTED, **fields)
        orchestrator.commit([task, other, right, persisted(other, type="Pandas_core_dataframe")])
        assert orchestrator.results(wanted) == [right]

    @pytest.mark.parametrize(
        "wanted", [ResultFilter(before=2**40), ResultFilter(max_size=3), ResultFilter(is_exception=False)]
    )
    def test_results_are_left_out_by(self, orchestrator: Orchestrator, wanted: ResultFilter) -> None:
        orchestrator.commit([persisted(task_run(), is_exception=True)])
        assert orchestrator.results(wanted) == []

    def test_the_results_of_a_flow_are_those_of_its_runs_and_of_their_tasks(self, orchestrator: Orchestrator) -> None:
        run, other = flow_run(), flow_run(flow_name="other")
        task, another, alone = task_run(run.id), task_run(other.id), task_run()
        reported = [literal(each) for each in (run, task, other, another, alone)]
        orchestrator.commit([run, other, task, another, alone, *reported])
        of_flow = {each.run_id for each in orchestrator.results(ResultFilter(flow=run.flow_name))}
        assert of_flow == {run.id, task.id}

    def test_pages_of_results_go_on_where_the_last_one_ended(self, orchestrator: Orchestrator) -> None:
        reported = [literal(task_run()) for _ in range(5)]
        orchestrator.commit(reported)
        first = orchestrator.results(ResultFilter(limit=2))
        second = orchestrator.results(ResultFilter(limit=2, older_than=first[-1].run_id))
        assert [*first, *second] == reported[:0:-1]

    def test_a_result_is_doomed_and_then_removed(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        reported = persisted(task)
        orchestrator.commit([reported])
        orchestrator.commit([RemovalRecord(task.id, 7, None)])
        assert orchestrator.results(ResultFilter(doomed=True, removed=False)) == [reported._replace(doomed=7)]
        orchestrator.commit([RemovalRecord(task.id, 7, 9)])
        assert orchestrator.results(ResultFilter(removed=True)) == [reported._replace(doomed=7, removed=9)]
        assert orchestrator.results(ResultFilter(doomed=False)) == []

    def test_a_new_result_of_a_run_is_not_doomed(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        orchestrator.commit([persisted(task), RemovalRecord(task.id, 7, None), RemovalRecord(task.id, 7, 8)])
        orchestrator.commit([again := persisted(task)])
        assert orchestrator.results(ResultFilter(doomed=False)) == [again]

    def test_a_removal_does_not_touch_a_result_that_came_after_it_began(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        orchestrator.commit([persisted(task), RemovalRecord(task.id, 7, None)])
        orchestrator.commit([again := persisted(task)])
        orchestrator.commit([RemovalRecord(task.id, 7, 8)])
        assert orchestrator.results(ResultFilter()) == [again]

    def test_inputs_are_found_from_both_ends(self, orchestrator: Orchestrator) -> None:
        source, user, other = task_run(), task_run(), task_run()
        reported = [InputRecord(user.id, source.id, "a"), InputRecord(user.id, other.id, "b")]
        orchestrator.report([*reported, reported[0]])
        orchestrator.commit([last := InputRecord(other.id, source.id, "wait_for")])
        assert orchestrator.inputs_of([user.id]) == reported
        assert orchestrator.uses_of([source.id]) == sorted([reported[0], last])
        assert orchestrator.uses_of([user.id]) == orchestrator.inputs_of([]) == []

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

    def test_of_several_that_claim_a_flow_run_one_has_it_with_its_records(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        seen = state(run, S.RUNNING)
        orchestrator.report([run, seen, StartRecord(run.id, FIRST, None, None, None)])
        mine, yours = state(run, S.CRASHED, "mine"), state(run, S.CRASHED, "yours")
        assert orchestrator.claim(seen, FIRST, SECOND, (mine,))
        assert not orchestrator.claim(seen, FIRST, THIRD, (yours,))
        assert [each.message for each in orchestrator.states(run.id)] == [None, "mine"]
        start = orchestrator.start(run.id)
        assert start is not None
        assert start.process_id == SECOND

    def test_a_flow_run_that_has_gone_on_is_not_claimed(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        seen, since = state(run, S.RUNNING), state(run, S.COMPLETED)
        orchestrator.report([run, seen, StartRecord(run.id, FIRST, None, None, None), since])
        assert not orchestrator.claim(seen, FIRST, FIRST, (state(run, S.CANCELLING),))
        assert orchestrator.claim(since, FIRST, SECOND, ())

    def test_who_wants_a_flow_run_to_be_cancelled_is_known_until_it_is_withdrawn(
        self, orchestrator: Orchestrator
    ) -> None:
        run = flow_run()
        first, second = (CancelRecord(run.id, who, next(_times), 30_000_000) for who in ("one", "two"))
        assert orchestrator.cancellation(run.id) is None
        orchestrator.commit([run, first])
        orchestrator.commit([second])
        assert orchestrator.cancellation(run.id) == second
        orchestrator.withdraw(run.id)
        assert orchestrator.cancellation(run.id) is None

    def test_a_step_that_waits_is_answered_once(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        waits = [WaitRecord(run.id, "a", next(_times), 2), WaitRecord(run.id, "b", next(_times), 0, "{}")]
        orchestrator.report(waits[::-1])
        assert orchestrator.waits(run.id) == waits
        assert [orchestrator.answer(run.id, "b", answer) for answer in ("1", "2")] == [True, False]
        assert orchestrator.waits(run.id)[1].answer == "1"
        orchestrator.report([waits[1]._replace(attempts=1)])
        assert orchestrator.waits(run.id)[1] == waits[1]._replace(attempts=1)
        assert not orchestrator.answer(run.id, "c", "1")

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

    def test_a_transaction_is_one_for_its_key(self, orchestrator: Orchestrator) -> None:
        first = TransactionRecord(new_id(), "key", new_id(), 1)
        again = TransactionRecord(new_id(), "key", new_id(), 2)
        assert orchestrator.transactions.open(first) == first
        assert orchestrator.transactions.open(again) == first._replace(flow_run_id=again.flow_run_id)

    def test_staged_steps_are_committed_together_in_their_order(self, orchestrator: Orchestrator) -> None:
        known = orchestrator.transactions
        opened = known.open(TransactionRecord(new_id(), "key", new_id(), 1))
        results = [literal(task_run())._replace(step="{}"), literal(task_run())]
        steps = [step(opened.id, results[0], module="flows"), step(opened.id, results[1], cache_key="k")]
        for each in steps:
            orchestrator.report([each])
        assert known.steps(opened.id) == steps
        assert known.unfinished(opened.flow_run_id or "") == [opened]
        assert orchestrator.results(ResultFilter()) == []
        assert orchestrator.find_cached("k", now=0) is None

        known.commit(opened.id, 7)

        assert [each.run_id for each in orchestrator.results(ResultFilter())] == [results[1].run_id, results[0].run_id]
        assert orchestrator.find_cached("k", now=0) == results[1]
        assert known.steps(opened.id) == [steps[0]._replace(phase="committed")]
        assert known.committed_steps(opened.id) == [results[0]]
        assert known.open(opened) == opened._replace(committed=7)

    def test_a_step_that_has_ended_is_not_committed(self, orchestrator: Orchestrator) -> None:
        known = orchestrator.transactions
        opened = known.open(TransactionRecord(new_id(), "key", new_id(), 1))
        undone = step(opened.id, literal(task_run()), module="flows")
        orchestrator.report([undone, StepEndRecord(undone.run_id, "rolled back")])
        assert known.steps(opened.id) == []
        assert known.unfinished(opened.flow_run_id or "") == []
        known.commit(opened.id, 7)
        assert orchestrator.results(ResultFilter()) == []

    def test_a_transaction_is_found_by_its_key(self, orchestrator: Orchestrator) -> None:
        known = orchestrator.transactions
        opened = known.open(TransactionRecord(new_id(), "keyed shop\nday 1", new_id(), 1))
        assert known.of_key("keyed shop\nday 1") == opened
        assert known.of_key("key day 1") is None

    def test_a_transactions_values_are_the_last_that_were_set(self, orchestrator: Orchestrator) -> None:
        orchestrator.report([ValueRecord(FIRST, "a", "1"), ValueRecord(FIRST, "b", "2"), ValueRecord(SECOND, "a", "3")])
        orchestrator.report([ValueRecord(FIRST, "a", "4")])
        assert orchestrator.transactions.values(FIRST) == {"a": "4", "b": "2"}

    def test_a_flow_run_is_created_once_for_a_key(self, orchestrator: Orchestrator) -> None:
        known = orchestrator.transactions
        first, second = flow_run(), flow_run()
        assert known.create_once(FlowKeyRecord("pipeline", "k", first.id), [first])
        assert not known.create_once(FlowKeyRecord("pipeline", "k", second.id), [second])
        assert known.create_once(FlowKeyRecord("other", "k", second.id), [second])
        assert known.run_of_key("pipeline", "k") == first.id
        assert (known.key_of_run(first.id), known.key_of_run(new_id())) == ("k", None)
        assert ids(orchestrator.flow_runs(RunFilter())) == ids([second, first])

    def test_items_of_a_generator_are_answered_by_number_the_newest_of_one_first(
        self, orchestrator: Orchestrator
    ) -> None:
        fields = {"item_of": new_id(), "step": A_STEP}
        third, first, second, again = (persisted(task_run(), number=number, **fields) for number in (2, 0, 1, 1))
        others = [persisted(task_run(), number=0, **fields | {"step": "{}"}), persisted(task_run(), **fields, number=3)]
        orchestrator.report([third, first, second, again, *others])
        assert orchestrator.items(fields["item_of"], A_STEP, 0, 3) == [first, again, second, third]
        assert orchestrator.items(fields["item_of"], "{}", 0, 3) == [others[0]]
        assert orchestrator.items(fields["item_of"], A_STEP, 3, 9) == [others[1]]
        orchestrator.commit([literal(task_run()), RemovalRecord(again.run_id, 7, None)])
        assert orchestrator.items(fields["item_of"], A_STEP, 1, 2) == [second]
        assert len(orchestrator.results(ResultFilter(items=True))) == 6
        assert len(orchestrator.results(ResultFilter(items=False))) == 1

    def test_logs_are_answered_by_run_oldest_first(self, orchestrator: Orchestrator) -> None:
        flow, task = new_id(), new_id()
        late = LogRecord(flow, task, 2, 40, "perdure.task_runs", "late")
        early = LogRecord(flow, None, 1, 20, "perdure.flow_runs", "early\nwith a second line")
        orchestrator.report([late, early, LogRecord(new_id(), None, 1, 20, "", "of another run")])
        assert orchestrator.logs(flow_run_id=flow) == [early, late]
        assert orchestrator.logs(task_run_id=task) == [late]

    def test_text_that_utf_8_cannot_hold_is_spelled_out(self, orchestrator: Orchestrator) -> None:
        flow = new_id()
        orchestrator.commit(
            [LogRecord(flow, None, 1, 20, "files", "name \udcff"), LogRecord(flow, None, 2, 20, "", "\0 ü 🦉")]
        )
        escaped, kept = (line.message for line in orchestrator.logs(flow))
        assert escaped == "name \\udcff"
        assert kept in ("\0 ü 🦉", "\\x00 ü 🦉")  # PostgreSQL has no NUL

    def test_a_block_is_found_by_id_type_and_name(self, orchestrator: Orchestrator) -> None:
        dev, prod, anonymous = block("dev"), block("prod", type="a-type"), block(None)
        orchestrator.report([dev, prod, anonymous])
        assert orchestrator.block(anonymous.id) == anonymous
        assert orchestrator.block(new_id()) is None
        assert orchestrator.blocks() == [prod, dev]
        assert orchestrator.blocks(type=dev.type) == orchestrator.blocks(name="dev") == [dev]

    def test_a_name_goes_to_the_block_saved_last(self, orchestrator: Orchestrator) -> None:
        old, new = block("dev"), block("dev")
        orchestrator.commit([old])
        orchestrator.commit([new])
        assert orchestrator.blocks() == [new]
        assert orchestrator.block(old.id) == old._replace(name=None)

    def test_a_block_is_changed_under_its_id(self, orchestrator: Orchestrator) -> None:
        before = block("dev")
        orchestrator.commit([before])
        orchestrator.commit([after := before._replace(data="{}", updated=before.updated + 1)])
        assert orchestrator.blocks() == [after]

    def test_a_deleted_block_is_kept_without_its_name(self, orchestrator: Orchestrator) -> None:
        dev = block("dev")
        orchestrator.commit([dev])
        orchestrator.delete_block(dev.id)
        assert orchestrator.blocks() == []
        assert orchestrator.block(dev.id) == dev._replace(name=None)

    def test_log_lines_are_numbered_and_gone_on_with(self, orchestrator: Orchestrator) -> None:
        run = flow_run(flow_name="etl")
        lines = [LogRecord(run.id, None, next(_times), level, "", str(level)) for level in (10, 20, 30, 40)]
        orchestrator.report([run, *lines, LogRecord(new_id(), new_id(), next(_times), 50, "", "of another")])
        newest = orchestrator.log_lines(LogFilter(flow="etl", limit=2))
        assert [line.message for line in newest] == ["40", "30"]
        earlier = orchestrator.log_lines(LogFilter(flow_run_ids=(run.id,), min_level=20, before=newest[-1].id))
        assert [line.message for line in earlier] == ["20"]
        later = orchestrator.log_lines(LogFilter(since=lines[1].time, after=earlier[0].id))
        assert [line.message for line in later] == ["30", "40", "of another"]
        assert later[0][1:] == lines[2]

    def test_artifacts_are_filtered_newest_first(self, orchestrator: Orchestrator) -> None:
        flow, task = new_id(), new_id()
        first, second = artifact("report", flow_run_id=flow), artifact("report", kind="link", data='{"url": ""}')
        other = artifact(flow_run_id=flow, task_run_id=task, description="rows")
        orchestrator.report([first, second, other])
        assert orchestrator.artifacts(ArtifactFilter()) == [other, second, first]
        assert orchestrator.artifacts(ArtifactFilter(latest=True)) == [other, second]
        assert orchestrator.artifacts(ArtifactFilter(key="report", limit=1)) == [second]
        assert orchestrator.artifacts(ArtifactFilter(kinds=("link",))) == [second]
        assert orchestrator.artifacts(ArtifactFilter(flow_run_ids=(flow,), older_than=other.id)) == [first]
        assert orchestrator.artifacts(ArtifactFilter(task_run_ids=(task,))) == [other]
        assert orchestrator.artifacts(ArtifactFilter(ids=(first.id,))) == [first]

    def test_an_artifact_is_changed_but_not_back_to_what_it_was(self, orchestrator: Orchestrator) -> None:
        made = artifact()
        changes = [ArtifactChangeRecord(made.id, made.updated + after, str(after)) for after in (20, 10)]
        orchestrator.report([made, *changes])
        assert orchestrator.artifacts(ArtifactFilter()) == [made._replace(updated=made.updated + 20, data="20")]

    def test_a_deleted_artifact_is_gone(self, orchestrator: Orchestrator) -> None:
        kept, gone = artifact(), artifact()
        orchestrator.report([kept, gone])
        assert [orchestrator.delete_artifact(gone.id) for _ in range(2)] == [True, False]
        assert orchestrator.artifacts(ArtifactFilter()) == [kept]

    def test_a_variable_is_overwritten_only_if_that_is_asked_for(self, orchestrator: Orchestrator) -> None:
        old, new = VariableRecord("limit", "1", 10, 10), VariableRecord("limit", "2", 20, 20)
        assert orchestrator.set_variable(old, overwrite=False)
        assert not orchestrator.set_variable(new, overwrite=False)
        assert orchestrator.variable("limit") == old
        assert orchestrator.set_variable(new, overwrite=True)
        assert orchestrator.variable("limit") == new._replace(created=10)

    def test_variables_are_listed_by_name_until_they_are_deleted(self, orchestrator: Orchestrator) -> None:
        first, second = VariableRecord("a", "null", 10, 10), VariableRecord("b", '{"x": [1]}', 5, 5)
        for each in (second, first):
            orchestrator.set_variable(each, overwrite=True)
        assert orchestrator.variables() == [first, second]
        assert [orchestrator.delete_variable("a") for _ in range(2)] == [True, False]
        assert orchestrator.variables() == [second]
        assert orchestrator.variable("a") is None

    def test_closing_twice_does_nothing(self, orchestrator: Orchestrator) -> None:
        orchestrator.report([flow_run()])
        orchestrator.close()
        orchestrator.close()
