"""A flow run has one owner: a process that has lost its run stops, and changes nothing of it any more."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

import pytest

from perdure import flow, runtime, session, task
from perdure._platform.ids import new_id
from perdure.errors import CancelRequested, ResumeError, RunTakenOver
from perdure.records import FlowRun, ResultFilter, RunFilter, StateRecord
from perdure.states import StateType
from perdure.task_runners import ProcessTaskRunner
from perdure.testing.invariants import violations

OTHER = new_id()


def the_run() -> FlowRun:
    return session.current().orchestrator.flow_runs(RunFilter(outermost=True))[0]


def claimed(after: str, epochs: tuple[int, int], *states: StateType) -> None:
    """Have the run be claimed, or noted to have come to a state, by somebody else."""
    known, run = session.current().orchestrator, the_run()
    assert run.state_type is not None
    assert run.state_name is not None
    assert run.state_time is not None
    seen = StateRecord(run.id, False, run.state_type, run.state_name, None, run.state_time)
    reported = [StateRecord(run.id, False, each, each.capitalize(), None, session.current().clock()) for each in states]
    assert known.claim(seen, session.current().process_id, after, reported, epochs)


def take_over() -> None:
    claimed(OTHER, (1, 2))


@task(persist_result=True)
def keep(what: Any) -> list[Any]:
    return [what]


@task(persist_result=True)
def lose(what: Any) -> list[Any]:
    take_over()
    return [what]


@task
async def alose() -> list[int]:
    await asyncio.to_thread(take_over)
    return [1]


def calls_and_catches() -> list[Any]:
    keep(1)
    try:
        lose(2)
    except RunTakenOver as error:
        seen.append(error)
    keep(3)  # whatever is called from then on stops the flow
    seen.append("went on")
    return [1]


def submits() -> Any:
    futures = [keep.submit(1), lose.submit(2)]
    return [future.result() for future in futures]


async def awaits() -> Any:
    await alose()
    await asyncio.sleep(10)


def has_a_subflow() -> Any:
    return flow(durable=True)(lambda: lose(1))()


def yields() -> Any:
    yield 1
    take_over()
    yield 2


def transacts() -> Any:
    from perdure.transactions import transaction

    with transaction("key"):
        keep(1)
        take_over()


def waits() -> Any:
    take_over()
    time.sleep(10)


seen: list[object] = []
WAYS: list[Callable[[], Any]] = [calls_and_catches, submits, awaits, has_a_subflow, yields, transacts]


def outcome(run: Any) -> Any:
    made = run()
    if inspect.iscoroutine(made):
        return asyncio.run(made)
    return list(made) if hasattr(made, "__next__") else made


@pytest.mark.parametrize(
    "way", [*WAYS, pytest.param(waits, marks=pytest.mark.slow)], ids=[each.__name__ for each in (*WAYS, waits)]
)
def test_a_flow_whose_run_was_taken_over_ends_and_leaves_the_run_as_it_is(way: Callable[[], Any]):
    seen.clear()
    hooks: list[str] = []
    hook = lambda *_: hooks.append("called")  # noqa: E731
    run = flow(durable=True, on_crashed=[hook], on_completion=[hook], on_failure=[hook], on_cancellation=[hook])(way)
    began = time.monotonic()
    with pytest.raises(RunTakenOver, match="Another process has taken over the flow run"):
        outcome(run)
    assert time.monotonic() - began < 9  # it would sleep for 10
    known = session.current().orchestrator
    assert [state.type for state in known.states(the_run().id)] == [StateType.PENDING, StateType.RUNNING]
    assert hooks == []
    assert "went on" not in seen
    start, standing = known.start(the_run().id), known.standing(the_run().id)
    assert start is not None
    assert standing is not None
    assert (start.process_id, standing.epoch) == (OTHER, 2)
    values = [each.value for each in known.results(ResultFilter(kinds=("literal",)))]
    assert values == []


def test_a_checkpoint_raises_where_its_run_was_taken_over():
    seen.clear()
    with pytest.raises(RunTakenOver):
        flow(durable=True)(calls_and_catches)()
    (error,) = seen
    assert isinstance(error, RunTakenOver)
    results = session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))
    assert len(results) == 1  # of what was kept before


def test_the_state_of_a_run_that_was_taken_over_is_returned_if_it_is_asked_for():
    state = flow(durable=True)(lambda: lose(1))(return_state=True)
    assert (state.type, state.name) == (StateType.CRASHED, "TakenOver")


@pytest.mark.slow
def test_what_a_task_in_another_process_reports_under_a_lost_claim_is_not_kept():
    @task(persist_result=True)
    def slow() -> list[int]:
        import time

        time.sleep(0.5)
        return [1]

    @flow(durable=True, task_runner=ProcessTaskRunner(max_workers=1))
    def submits_to_a_process() -> Any:
        keep.submit(0).result()  # the process is there
        future = slow.submit()
        time.sleep(0.2)
        take_over()
        return future.result()

    with pytest.raises(RunTakenOver):
        submits_to_a_process()
    results = session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))
    assert len(results) == 1


def test_code_that_catches_everything_keeps_nothing_of_a_run_that_was_taken_over():
    @flow(durable=True)
    def stubborn() -> int:
        for number in range(5):
            try:
                lose(number) if number == 1 else keep(number)
            except (RunTakenOver, CancelRequested):
                continue
        return 5

    with pytest.raises(RunTakenOver):
        stubborn()
    assert len(session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))) == 1
    assert the_run().state_type is StateType.RUNNING


def test_other_runs_of_the_process_continue():
    @flow
    def loses() -> None:
        lose(1)

    @flow
    def continues() -> int:
        return keep(7)[0]

    with pytest.raises(RunTakenOver):
        loses()
    assert continues() == 7
    assert the_run().state_type is StateType.COMPLETED


def test_a_run_is_neither_resumed_nor_taken_over_in_the_process_that_runs_it():
    said: list[str] = []

    @flow
    def resumes_itself() -> int:
        for take in (False, True):
            with pytest.raises(ResumeError) as raised:
                resumes_itself.resume(runtime.flow_run.id, take_over=take)
            said.append(str(raised.value))
        return 1

    assert resumes_itself() == 1
    assert "still runs, in the process" in said[0]
    assert "--take-over" in said[0]
    assert "runs in this very process" in said[1]


@pytest.mark.slow
def test_a_run_that_others_take_for_crashed_is_running_again_once_its_process_sees_it():
    @flow
    def cut_off() -> int:
        claimed(session.current().process_id, (1, 1), StateType.CRASHED)
        deadline = time.monotonic() + 60
        while the_run().state_type is not StateType.RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
        return keep(1)[0]

    assert cut_off() == 1
    known = session.current().orchestrator
    names = [state.name for state in known.states(the_run().id)]
    assert names == ["Pending", "Running", "Crashed", "Resuming", "Running", "Completed"]
    assert violations(known) == []
