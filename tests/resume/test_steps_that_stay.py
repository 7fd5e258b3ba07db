"""Steps that had completed before a crash stay the runs that they were: submitted and mapped tasks, and subflows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure.records import FlowRun, RunFilter, TaskRun
from perdure.states import StateType
from perdure.task_runners import ProcessTaskRunner, SequentialTaskRunner, ThreadTaskRunner


@task(persist_result=True)
def load(n: int) -> list[int]:
    return [n]


@task(persist_result=True)
def total(rows: list[list[int]]) -> int:
    return sum(map(sum, rows))


def crashed(body: Callable[[], Any], **options: Any) -> tuple[Any, FlowRun]:
    """A flow that a KeyboardInterrupt has stopped, and its run."""
    made = flow(name="crashing", **options)(body)
    with pytest.raises(KeyboardInterrupt):
        made()
    (run,) = session.current().orchestrator.flow_runs(RunFilter(of="crashing"))
    return made, run


def task_runs() -> dict[str, TaskRun]:
    return {run.id: run for run in session.current().orchestrator.task_runs(RunFilter())}


@pytest.mark.parametrize(
    "runner", [ThreadTaskRunner, SequentialTaskRunner, pytest.param(ProcessTaskRunner, marks=pytest.mark.slow)]
)
def test_they_are_the_same_task_runs(runner: type[Any]) -> None:
    ids: list[list[str]] = []

    def body() -> int:
        futures = [*load.map(range(3)), load.submit(7)]
        rows = [future.result() for future in futures]
        ids.append([future.task_run_id for future in futures])
        if len(ids) == 1:
            raise KeyboardInterrupt
        return total(rows)

    made, run = crashed(body, task_runner=runner())
    before = task_runs()
    assert made.resume(run.id) == 10
    assert ids[0] == ids[1]
    now = task_runs()
    assert {id: now[id] for id in before} == before
    assert [now[id].name for id in now.keys() - before.keys()] == ["total-0"]


def test_what_takes_their_results_is_linked_to_them() -> None:
    stops = iter([True, False])

    def body() -> int:
        loaded = load.submit(1)
        loaded.wait()
        if next(stops):
            raise KeyboardInterrupt
        summed = total.submit([loaded])
        return summed.result()

    made, run = crashed(body)
    (earlier,) = task_runs()
    assert made.resume(run.id) == 1
    (later,) = task_runs().keys() - {earlier}
    assert [(each.source_id, each.name) for each in session.current().orchestrator.inputs_of([later])] == [
        (earlier, "rows")
    ]


@flow(persist_result=True)
def day(n: int) -> list[int]:
    return load(n)


def flow_runs() -> dict[str, FlowRun]:
    return {run.id: run for run in session.current().orchestrator.flow_runs(RunFilter(of="day"))}


@pytest.mark.parametrize("is_submitted", [False, True])
def test_subflows_are_the_same_flow_runs(is_submitted: bool) -> None:
    stops = iter([True, False])

    def body() -> list[list[int]]:
        days = [day.submit(n).result() if is_submitted else day(n) for n in range(2)]
        if next(stops):
            raise KeyboardInterrupt
        return days

    made, run = crashed(body)
    before, tasks = flow_runs(), task_runs()
    assert made.resume(run.id) == [[0], [1]]
    assert len(before) == 2
    assert flow_runs() == before
    assert task_runs() == tasks


@pytest.mark.parametrize("is_submitted", [False, True])
def test_a_subflow_whose_result_is_gone_runs_again_as_a_flow_run_of_its_own(home: Path, is_submitted: bool) -> None:
    stops = iter([True, False])

    def body() -> list[int]:
        found: list[int] = day.submit(1).result() if is_submitted else day(1)
        if next(stops):
            raise KeyboardInterrupt
        return found

    made, run = crashed(body)
    before = flow_runs()
    (id,) = before
    for file in (home / "storage").iterdir():
        file.unlink()
    assert made.resume(run.id) == [1]
    now = flow_runs()
    assert now.pop(id) == before[id]
    assert [each.state_name for each in now.values()] == ["Completed"]


def test_one_whose_result_is_gone_runs_again_as_a_task_run_of_its_own(home: Path) -> None:
    stops = iter([True, False])

    def body() -> list[int]:
        rows: list[int] = load.submit(1).result()
        if next(stops):
            raise KeyboardInterrupt
        return rows

    made, run = crashed(body)
    for file in (home / "storage").iterdir():
        file.unlink()
    (before,) = task_runs().values()
    assert made.resume(run.id) == [1]
    now = task_runs()
    assert now.pop(before.id) == before
    (again,) = now.values()
    assert again.state_type is StateType.COMPLETED
    assert [decision.why for decision in session.current().orchestrator.decisions([again.id])] == ["lost"]


def test_those_that_a_stopped_flow_no_longer_begins_stay_completed() -> None:
    is_first = iter([True, False])

    def body() -> None:
        if next(is_first):
            [future.result() for future in load.map(range(3))]
            raise KeyboardInterrupt
        waiting = held.submit()
        futures = [load.submit(n, wait_for=[waiting]) for n in range(3)]
        assert [future.task_run_id for future in futures] == sorted(before)
        raise RuntimeError("the flow is wrong")

    @task
    def held() -> None:
        raise ValueError("nothing that waits for this begins")

    made, run = crashed(body)
    before = task_runs()
    with pytest.raises(RuntimeError):
        made.resume(run.id)
    now = task_runs()
    assert {id: now[id] for id in before} == before
