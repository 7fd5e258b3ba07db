"""What every orchestrator must do with results; part of `OrchestratorConformance`."""

import pytest

from perdure._model.records import InputRecord, RemovalRecord, ResultRecord
from perdure._platform.ids import new_id
from perdure._rooms.results.records import ResultFilter
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import A_STEP, WANTED, flow_run, literal, persisted, task_run, times

__all__ = ["ResultsConformance"]


class ResultsConformance:
    """Results: filters, pages, removal, inputs, items of generators."""

    def test_a_result_comes_back_as_it_was_reported(self, orchestrator: Orchestrator) -> None:
        reported = ResultRecord(
            run_id=new_id(),
            of_task=True,
            kind="persisted",
            type="builtins.dict",
            is_exception=True,
            created=next(times),
            storage_id=new_id(),
            storage_key="a/b",
            serializer='{"type": "json"}',
            size=2**40,
            digest="sha256:00",
            expires=next(times),
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

    def test_the_results_of_the_runs_of_a_flow_alone_are_found(self, orchestrator: Orchestrator) -> None:
        run, other = flow_run(), flow_run(flow_name="other")
        task, below = task_run(run.id), flow_run(parent_flow_run_id=run.id)
        reported = [literal(each) for each in (run, other, task, below)]
        orchestrator.commit([run, other, task, below, *reported])
        own = orchestrator.results(ResultFilter(flow=run.flow_name, of_task=False))
        assert {each.run_id for each in own} == {run.id, below.id}
        assert orchestrator.results(ResultFilter(flow=run.flow_name, of_task=False, task="none")) == []
        assert [each.run_id for each in orchestrator.results(ResultFilter(of_task=True))] == [task.id]

    def test_pages_of_results_continue_where_the_last_one_ended(self, orchestrator: Orchestrator) -> None:
        reported = [literal(task_run()) for _ in range(5)]
        orchestrator.commit(reported)
        first = orchestrator.results(ResultFilter(limit=2))
        second = orchestrator.results(ResultFilter(limit=2, older_than=first[-1].run_id))
        assert [*first, *second] == reported[:0:-1]

    def test_a_result_is_pending_deletion_and_then_removed(self, orchestrator: Orchestrator) -> None:
        task = task_run()
        reported = persisted(task)
        orchestrator.commit([reported])
        orchestrator.commit([RemovalRecord(task.id, 7, None)])
        assert orchestrator.results(ResultFilter(doomed=True, removed=False)) == [reported._replace(doomed=7)]
        orchestrator.commit([RemovalRecord(task.id, 7, 9)])
        assert orchestrator.results(ResultFilter(removed=True)) == [reported._replace(doomed=7, removed=9)]
        assert orchestrator.results(ResultFilter(doomed=False)) == []

    def test_a_new_result_of_a_run_is_not_pending_deletion(self, orchestrator: Orchestrator) -> None:
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
