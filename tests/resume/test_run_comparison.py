"""Two runs beside each other: what differs, what is equal, and what is not known."""

import json
from typing import Any

from perdure import flow, session, task
from perdure._explanation.run_comparison import CallsPair, RunComparison, compare_runs
from perdure.cache_policies import INPUTS, TASK_SOURCE
from perdure.records import FlowRun, RunFilter


@task(result_serializer="json")
def rows(rate: float) -> list[float]:
    return [rate, 2 * rate]


@task
def summed(rows: list[float]) -> float:
    return sum(rows)


@flow(durable=True, result_serializer="json")
def measured(day: str, rate: float = 0.5, password: str = "secret") -> float:
    return summed(rows(1.0)) + summed(rows(rate))


def newest() -> FlowRun:
    (run,) = session.current().orchestrator.flow_runs(RunFilter(outermost=True, limit=1))
    return run


def compared(before: FlowRun, after: FlowRun) -> RunComparison:
    return compare_runs(session.current().orchestrator, before, after)


def run_of(called: Any, *args: Any, **kwargs: Any) -> FlowRun:
    called(*args, **kwargs, return_state=True)
    return newest()


def counts(pair: CallsPair) -> tuple[int, int, int]:
    return pair.equal, pair.different, pair.unknown


def test_parameters_are_equal_differ_or_are_not_known_where_they_are_hidden() -> None:
    found = compared(run_of(measured, "monday"), run_of(measured, "monday", rate=2.0))
    assert {each.name: each.differs for each in found.parameters} == {"day": False, "rate": True, "password": None}


def test_results_of_corresponding_calls_are_equal_or_differ() -> None:
    found = compared(run_of(measured, "monday"), run_of(measured, "monday", rate=2.0))
    by_name = {each.of: each for each in found.calls}
    assert counts(by_name["rows"]) == (1, 1, 0)
    assert counts(by_name["measured"]) == (0, 1, 0)
    (result,) = [each for each in found.results if each.of == "rows"]
    assert (result.is_same, result.changes) == (False, 2)


def test_calls_correspond_by_their_arguments_in_whatever_order_they_come() -> None:
    @flow(durable=True, result_serializer="json")
    def ordered(numbers: list[float]) -> None:
        for number in numbers:
            rows(number)

    found = compared(run_of(ordered, [1.0, 2.0, 3.0]), run_of(ordered, [3.0, 1.0, 2.0]))
    assert counts(found.calls[1]) == (3, 0, 0)


def test_pickled_values_with_other_digests_are_not_known_to_differ() -> None:
    @task(persist_result=True)
    def pickled(text: str) -> set[str]:
        return {text}

    @flow
    def sets(text: str) -> None:
        pickled(text)

    found = compared(run_of(sets, "a"), run_of(sets, "b"))
    (result,) = [each for each in found.results if each.of == "pickled"]
    assert result.is_same is None
    assert "digests differ" in (result.note or "")
    assert "perdure result diff" in found.unknown[0]


def test_a_value_and_an_exception_differ_by_their_types() -> None:
    @flow(durable=True)
    def fails(now: bool) -> int:
        if now:
            raise LookupError("now")
        return 1

    (result,) = compared(run_of(fails, False), run_of(fails, True)).results
    assert (result.is_same, result.note) == (False, "One is of the type int, the other of LookupError.")


def test_calls_that_only_one_of_the_runs_made_are_there() -> None:
    @flow
    def chooses(many: bool) -> None:
        rows(1.0)
        if many:
            summed([1.0])

    found = compared(run_of(chooses, False), run_of(chooses, True))
    by_name = {each.of: each for each in found.calls}
    assert by_name["summed"].before is None
    assert by_name["summed"].after is not None
    assert by_name["summed"].after.states == {"COMPLETED": 1}


def test_a_rerun_is_known_as_one_and_its_reused_calls_are_counted() -> None:
    first = run_of(measured, "monday")
    measured.rerun(first.id, from_step="summed-1")
    found = compared(first, newest())
    assert found.is_rerun
    assert not compared(newest(), first).is_rerun
    reused = {each.of: each.after.taken for each in found.calls[1:] if each.after is not None}
    assert reused == {"rows": 2, "summed": 1}


def test_a_rerun_from_the_start_is_known_as_one() -> None:
    first = run_of(measured, "monday")
    measured.rerun(first.id)
    assert compared(first, newest()).is_rerun


def test_the_parts_of_a_tasks_source_that_changed_are_named() -> None:
    factor = 1

    def keyed() -> Any:
        @task(cache_policy=INPUTS + TASK_SOURCE)
        def scaled(number: int) -> int:
            return number * factor

        return flow(name="scaling")(lambda: scaled(2))

    first = run_of(keyed())
    factor = 3
    found = compared(first, run_of(keyed()))
    (source,) = [each for each in found.code if each.what == "source"]
    assert source.differs
    assert any("factor" in each for each in source.changes)


def test_that_a_source_is_not_recorded_is_not_taken_for_equal() -> None:
    found = compared(run_of(measured, "monday"), run_of(measured, "monday"))
    assert {each.of: each.differs for each in found.code if each.what == "source"} == {"rows": None, "summed": None}


def test_runs_of_other_flows_and_with_other_versions_say_so() -> None:
    first = run_of(measured, "monday")
    found = compared(first, replace_version(first, "2"))
    (version,) = [each for each in found.code if each.what == "version"]
    assert version.differs
    other = compared(first, run_of(flow(name="other")(lambda: None)))
    assert "different flows" in other.unknown[0]


def test_a_file_that_is_run_and_the_same_one_imported_are_one_entry_point() -> None:
    known = session.current().orchestrator
    first, second, third = (run_of(measured, "monday") for _ in range(3))
    for run, target in ((first, "/app/flows.py:f"), (second, "flows:f"), (third, "flows:g")):
        start = known.start(run.id)
        assert start is not None
        entry = json.dumps({"target": target, "directory": "/app"})
        known.commit([start._replace(entry_point=entry)])  # type: ignore[attr-defined]
    differs = [
        each.differs for other in (second, third) for each in compared(first, other).code if each.what == "entry point"
    ]
    assert differs == [False, True]


def replace_version(run: FlowRun, version: str) -> FlowRun:
    return run._replace(flow_version=version)
