"""What every orchestrator must do about owners of flow runs: subclass `OwnershipConformance`, as the other suite."""

import json
from collections.abc import Sequence

import pytest

from perdure._model.errors import RunTakenOver
from perdure._model.records import (
    ArtifactRecord,
    CacheRecord,
    CancelRecord,
    DecisionRecord,
    FlowRunRecord,
    InputRecord,
    LogRecord,
    Owner,
    Record,
    RenameRecord,
    Standing,
    StartRecord,
    StateRecord,
    StepRecord,
    TaskRunRecord,
    TransactionRecord,
    ValueRecord,
    WaitRecord,
)
from perdure._model.state_types import StateType as S
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import RunFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import FIRST, SECOND, THIRD, flow_run, literal, state, task_run

__all__ = ["OwnershipConformance"]


class Begun(NamedTuple):
    """A flow run with a task run, begun by the process FIRST, under its first claim."""

    run: FlowRunRecord
    task: TaskRunRecord
    seen: StateRecord


def begun(orchestrator: Orchestrator) -> Begun:
    run = flow_run()
    task = task_run(run.id)
    seen = state(run, S.RUNNING)
    orchestrator.own(Owner(run.id, 1))
    orchestrator.commit([run, seen, StartRecord(run.id, FIRST, None, None, None), task, state(task, S.RUNNING)])
    return Begun(run, task, seen)


def lost(orchestrator: Orchestrator) -> Begun:
    """The same, claimed by the process SECOND since; what is reported is still written under the first claim."""
    had = begun(orchestrator)
    assert orchestrator.claim(had.seen, FIRST, SECOND, (), (1, 2))
    return had


def reports_of(had: Begun) -> dict[str, Sequence[Record]]:
    """What the process that has lost a run may report of it."""
    run, task = had.run, had.task
    later, below = task_run(run.id), flow_run(parent_flow_run_id=run.id)
    inside = task_run(below.id)
    return {
        "a task": [later],
        "a task in a task": [task_run(run.id, parent_task_run_id=task.id)],
        "a subflow": [below],
        "a task in a subflow": [below, inside, literal(inside)],
        "a state": [state(run, S.COMPLETED)],
        "a state of a task": [state(task, S.COMPLETED)],
        "a state of a task that nobody has reported": [state(task_run(run.id), S.COMPLETED)],
        "a name": [RenameRecord(task.id, True, "renamed")],
        "a result": [literal(task)],
        "an item": [literal(task_run())._replace(item_of=run.id, number=0, step='{"step": "s"}')],
        "an entry of the cache": [CacheRecord("key", task.id, 1, None)],
        "a decision": [DecisionRecord(task.id, "keyless")],
        "an input": [InputRecord(task.id, task.id, "x")],
        "a start": [StartRecord(run.id, THIRD, None, None, None)],
        "a wait": [WaitRecord(run.id, "wait", 5)],
        "an artifact": [ArtifactRecord(new_id(), None, "markdown", run.id, task.id, 1, 1, '"#"', None)],
    }


def all_of(had: Begun, orchestrator: Orchestrator) -> dict[str, object]:
    """All records of a run."""
    ids = (had.run.id, had.task.id)
    return {
        "run": orchestrator.flow_runs(RunFilter(ids=(had.run.id,))),
        "subflows": orchestrator.flow_runs(RunFilter(flow_run_ids=(had.run.id,))),
        "tasks": orchestrator.task_runs(RunFilter()),
        "states": orchestrator.states(had.run.id),
        "states of a task": orchestrator.states(had.task.id),
        "results": orchestrator.results(ResultFilter(run_ids=ids)),
        "items": orchestrator.items(had.run.id, '{"step": "s"}', 0, 9),
        "cache": orchestrator.find_cached("key", 0),
        "decisions": orchestrator.decisions(ids),
        "inputs": orchestrator.inputs_of(ids),
        "start": orchestrator.start(had.run.id),
        "waits": orchestrator.waits(had.run.id),
        "artifacts": orchestrator.artifacts(ArtifactFilter()),
    }


class OwnershipConformance:
    """Whose a flow run is decides the last claim."""

    def test_a_claim_ends_no_task_that_has_ended_since_it_was_seen(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        other = task_run(had.run.id)
        ends = [state(each, S.CRASHED) for each in (had.run, had.task, other)]
        orchestrator.commit([other, state(other, S.RUNNING), literal(had.task), state(had.task, S.COMPLETED)])
        assert orchestrator.claim(had.seen, FIRST, SECOND, ends, (1, 2))
        assert [each.type for each in orchestrator.states(had.task.id)] == [S.RUNNING, S.COMPLETED]
        assert [each.type for each in orchestrator.states(other.id)] == [S.RUNNING, S.CRASHED]
        assert [each.type for each in orchestrator.states(had.run.id)] == [S.RUNNING, S.CRASHED]

    def test_nothing_that_is_reported_under_a_lost_claim_is_kept(self, orchestrator: Orchestrator) -> None:
        had = lost(orchestrator)
        before = all_of(had, orchestrator)
        orchestrator.commit([record for records in reports_of(had).values() for record in records])
        orchestrator.commit(reports_of(had)["a state"])
        assert all_of(had, orchestrator) == before

    def test_what_is_reported_under_the_last_claim_is_kept(self, orchestrator: Orchestrator) -> None:
        had = lost(orchestrator)
        before = all_of(had, orchestrator)
        orchestrator.own(Owner(had.run.id, 2))
        orchestrator.commit([record for records in reports_of(had).values() for record in records])
        after = all_of(had, orchestrator)
        assert [what for what in after if after[what] == before[what]] == []

    def test_a_lost_claim_is_heard_of_before_a_commit_returns(self, orchestrator: Orchestrator) -> None:
        heard: list[Owner] = []
        orchestrator.hear_of_lost(heard.append)
        had = begun(orchestrator)
        orchestrator.commit([literal(had.task)])
        assert heard == []
        orchestrator.claim(had.seen, FIRST, SECOND, (), (1, 2))
        orchestrator.commit([literal(had.task)])
        assert heard == [Owner(had.run.id, 1)]

    def test_other_runs_of_the_same_process_and_all_log_lines_are_kept(self, orchestrator: Orchestrator) -> None:
        other = begun(orchestrator)
        had = lost(orchestrator)
        alone = task_run()
        line = LogRecord(had.run.id, None, 1, 40, "perdure", "It was taken over.")
        orchestrator.commit([literal(had.task), literal(other.task), alone, state(alone, S.RUNNING), line])
        kept = [each.run_id for each in orchestrator.results(ResultFilter())]
        assert kept == [other.task.id]
        assert len(orchestrator.states(alone.id)) == 1
        assert orchestrator.logs(had.run.id) == [line]

    def test_a_run_that_has_ended_here_is_no_longer_compared(self, orchestrator: Orchestrator) -> None:
        had = lost(orchestrator)
        orchestrator.disown(had.run.id)
        orchestrator.commit([literal(had.task)])  # such as one that is signed anew
        assert [each.run_id for each in orchestrator.results(ResultFilter())] == [had.task.id]

    def test_of_claims_with_one_number_the_first_one_counts(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        assert orchestrator.claim(had.seen, FIRST, FIRST, (), (1, 2))  # the same process, such as a notebook's
        assert not orchestrator.claim(had.seen, FIRST, FIRST, (), (1, 2))
        assert orchestrator.claim(had.seen, FIRST, SECOND, (), (2, 3))

    def test_noting_a_state_from_outside_leaves_a_run_with_its_owner(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        crashed = state(had.run, S.CRASHED)
        assert orchestrator.claim(had.seen, FIRST, FIRST, (crashed,), (1, 1))
        assert orchestrator.standing(had.run.id) == Standing(FIRST, 1, S.CRASHED, None)
        orchestrator.commit([literal(had.task)])
        assert len(orchestrator.results(ResultFilter())) == 1

    def test_how_a_run_stands_is_answered_at_once(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        assert orchestrator.standing(new_id()) is None
        assert orchestrator.standing(had.run.id) == Standing(FIRST, 1, S.RUNNING, None)
        request = CancelRecord(had.run.id, "somebody", 5, 6)
        orchestrator.commit([request])
        orchestrator.claim(had.seen, FIRST, SECOND, (), (1, 2))
        assert orchestrator.standing(had.run.id) == Standing(SECOND, 2, S.RUNNING, request)

    def test_a_claim_of_an_earlier_version_is_one_too(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        assert orchestrator.claim(had.seen, FIRST, SECOND, ())
        standing = orchestrator.standing(had.run.id)
        assert standing is not None
        assert (standing.process_id, abs(standing.epoch)) == (SECOND, 2)
        orchestrator.commit([literal(had.task)])
        assert orchestrator.results(ResultFilter()) == []
        assert orchestrator.claim(had.seen, SECOND, THIRD, (), (standing.epoch, 3))

    def test_a_transaction_is_not_committed_under_a_lost_claim(self, orchestrator: Orchestrator) -> None:
        had = begun(orchestrator)
        opened = orchestrator.transactions.open(TransactionRecord(new_id(), "key", had.run.id, 1))
        staged = f"[{_as_json(literal(had.task))}, null]"
        orchestrator.commit([StepRecord(had.task.id, opened.id, opened.id, "load", None, None, None, staged)])
        orchestrator.claim(had.seen, FIRST, SECOND, (), (1, 2))
        orchestrator.commit([ValueRecord(opened.id, "x", "json:1")])
        with pytest.raises(RunTakenOver, match="taken over by another process"):
            orchestrator.transactions.commit(opened.id, 5, Owner(had.run.id, 1))
        assert orchestrator.results(ResultFilter()) == []
        assert orchestrator.transactions.values(opened.id) == {}
        orchestrator.transactions.commit(opened.id, 5, Owner(had.run.id, 2))
        assert len(orchestrator.results(ResultFilter())) == 1


def _as_json(record: Record) -> str:
    return json.dumps(record)
