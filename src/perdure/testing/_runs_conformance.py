"""What every orchestrator must do with runs and their states; part of `OrchestratorConformance`."""

import pytest

from perdure._model.errors import RecordRefused
from perdure._model.records import (
    CancelRecord,
    FlowKeyRecord,
    LogRecord,
    PastStateRecord,
    RenameRecord,
    StartRecord,
    WaitRecord,
)
from perdure._model.state_types import StateType as S
from perdure._platform.ids import dated_id, new_id
from perdure._rooms.runs.records import FailureCount, FailureFilter, RunCount, RunFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import FIRST, SECOND, THIRD, flow_run, ids, literal, state, task_run, times

__all__ = ["RunsConformance"]


class RunsConformance:
    """Runs and states: reporting, filters, claims, cancelling, waits."""

    def test_a_reported_run_is_answered_at_once(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        orchestrator.report([run])
        assert ids(orchestrator.flow_runs(RunFilter())) == [run.id]

    def test_a_runs_fields_come_back_as_they_were_reported(self, orchestrator: Orchestrator) -> None:
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

    def test_failed_runs_are_counted_by_flow_type_and_message(self, orchestrator: Orchestrator) -> None:
        runs = [flow_run(), flow_run(), flow_run()]
        ends = [state(each, S.FAILED, "a") for each in runs[:2]] + [state(runs[2], S.CRASHED, "a")]
        raised = literal(runs[0])._replace(type="builtins.ValueError", is_exception=True)
        below = flow_run(parent_flow_run_id=runs[0].id)
        orchestrator.commit([*runs, *ends, raised, below, state(below, S.FAILED, "a")])
        name, times = runs[0].flow_name, [each.time for each in ends]
        counts = {
            FailureCount(name, S.FAILED, "builtins.ValueError", "a", 1, runs[0].id, times[0], times[0]),
            FailureCount(name, S.FAILED, None, "a", 1, runs[1].id, times[1], times[1]),
            FailureCount(name, S.CRASHED, None, "a", 1, runs[2].id, times[2], times[2]),
        }
        assert set(orchestrator.failures(FailureFilter())) == counts
        assert sum(each.runs for each in orchestrator.failures(FailureFilter(of=name))) == 4
        assert not orchestrator.failures(FailureFilter(after=runs[2].created + 1_000_000))
        apart = orchestrator.failures(FailureFilter(of=name, step=1_000, first_step=times[0]))
        assert sorted(each.step for each in apart) == [
            (time - times[0]) // 1_000 for time in (*times, times[2] + 3_000)
        ]

    def test_failed_runs_are_counted_by_tags(self, orchestrator: Orchestrator) -> None:
        runs = [flow_run(tags='["a", "b"]'), flow_run(tags='["a"]'), flow_run()]
        orchestrator.commit([*runs, *(state(each, S.FAILED, each.id) for each in runs)])
        found = [
            {each.newest_id for each in orchestrator.failures(FailureFilter(tags=tags))}
            for tags in (("a",), ("b", "a"))
        ]
        assert found == [{runs[0].id, runs[1].id}, {runs[0].id}]

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

    def test_reporting_a_run_again_changes_nothing(self, orchestrator: Orchestrator) -> None:
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

    def test_a_flow_run_that_has_continued_is_not_claimed(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        seen, since = state(run, S.RUNNING), state(run, S.COMPLETED)
        orchestrator.report([run, seen, StartRecord(run.id, FIRST, None, None, None), since])
        assert not orchestrator.claim(seen, FIRST, FIRST, (state(run, S.CANCELLING),))
        assert orchestrator.claim(since, FIRST, SECOND, ())

    def test_who_wants_a_flow_run_to_be_cancelled_is_known_until_it_is_withdrawn(
        self, orchestrator: Orchestrator
    ) -> None:
        run = flow_run()
        first, second = (CancelRecord(run.id, who, next(times), 30_000_000) for who in ("one", "two"))
        assert orchestrator.cancellation(run.id) is None
        orchestrator.commit([run, first])
        orchestrator.commit([second])
        assert orchestrator.cancellation(run.id) == second
        orchestrator.withdraw(run.id)
        assert orchestrator.cancellation(run.id) is None

    def test_a_step_that_waits_is_answered_once(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        waits = [WaitRecord(run.id, "a", next(times), 2), WaitRecord(run.id, "b", next(times), 0, "{}")]
        orchestrator.report(waits[::-1])
        assert orchestrator.waits(run.id) == waits
        assert [orchestrator.answer(run.id, "b", answer) for answer in ("1", "2")] == [True, False]
        assert orchestrator.waits(run.id)[1].answer == "1"
        orchestrator.report([waits[1]._replace(attempts=1)])
        assert orchestrator.waits(run.id)[1] == waits[1]._replace(attempts=1)
        assert not orchestrator.answer(run.id, "c", "1")

    def test_a_flow_run_is_created_once_for_a_key(self, orchestrator: Orchestrator) -> None:
        known = orchestrator.transactions
        first, second = flow_run(), flow_run()
        with pytest.raises(RecordRefused):
            known.create_once(FlowKeyRecord("pipeline", "k", new_id()), [first])
        assert known.create_once(FlowKeyRecord("pipeline", "k", first.id), [first])
        assert not known.create_once(FlowKeyRecord("pipeline", "k", second.id), [second])
        assert known.create_once(FlowKeyRecord("other", "k", second.id), [second])
        assert known.run_of_key("pipeline", "k") == first.id
        assert (known.key_of_run(first.id), known.key_of_run(new_id())) == ("k", None)
        assert ids(orchestrator.flow_runs(RunFilter())) == ids([second, first])
