"""What every orchestrator must do: subclass `OrchestratorConformance` and give it a fixture `orchestrator`."""

import pytest

from perdure._model.records import ArtifactChangeRecord, LogRecord, StepEndRecord, TransactionRecord, ValueRecord
from perdure._platform.ids import new_id
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.variables.records import VariableRecord
from perdure._store.protocol import Orchestrator
from perdure.testing._cache_conformance import CacheConformance
from perdure.testing._results_conformance import ResultsConformance
from perdure.testing._runs_conformance import RunsConformance
from perdure.testing._sample_records import FIRST, SECOND, artifact, block, flow_run, literal, step, task_run, times

__all__ = ["OrchestratorConformance"]


class OrchestratorConformance(RunsConformance, ResultsConformance, CacheConformance):
    """The behaviour of the protocol, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

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

    def test_log_lines_are_numbered_and_continue(self, orchestrator: Orchestrator) -> None:
        run = flow_run(flow_name="etl")
        lines = [LogRecord(run.id, None, next(times), level, "", str(level)) for level in (10, 20, 30, 40)]
        orchestrator.report([run, *lines, LogRecord(new_id(), new_id(), next(times), 50, "", "of another")])
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
