"""A flow run that somebody cancels ends Cancelled, with all below it, whatever its code is at."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from perdure import cancel_flow_run, flow, pause_flow_run, runtime, session, sleep, task
from perdure._engine.recovery import heartbeat as life
from perdure._platform.ids import new_id
from perdure._run.context import FlowRunContext
from perdure.errors import CancelledRun, CancelRequested, OrchestratorError, ResumeError, RunMissing, SteeringError
from perdure.flows import Flow
from perdure.records import CancelRecord, FlowRunRecord, StartRecord, StateRecord
from perdure.states import StateType
from perdure.testing.crashes import crash_points, outcome_of
from perdure.testing.invariants import violations

hooks: list[str] = []
done: list[str] = []
cancellers: list[threading.Thread] = []


@pytest.fixture(autouse=True)
def nearby(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Flow runs are looked after at once, so that the tests need not wait for it."""
    monkeypatch.setattr(life, "_FIRST_LOOK", 0.01)
    monkeypatch.setattr(life, "_LOOK_SECONDS", 0.01)
    for noted_before in (hooks, done, cancellers):
        noted_before.clear()
    yield
    for thread in cancellers:
        thread.join(20)
    assert violations(session.current().orchestrator) == []


def note(_: Any, run: Any, state: Any) -> None:
    hooks.append(f"{type(run).__name__.removesuffix('RunContext')} {state.type}")


noted: dict[str, Any] = {name: [note] for name in ("on_completion", "on_failure", "on_cancellation", "on_crashed")}


def cancelled_soon(**options: Any) -> None:
    """Have the current flow run cancelled from another thread."""
    run_id = str(runtime.flow_run.id)

    def cancel() -> None:
        with suppress(SteeringError):  # another one was faster
            cancel_flow_run(run_id, **options)

    thread = threading.Thread(target=cancel)
    cancellers.append(thread)  # first: from the start on, it may stop this very code
    thread.start()


def busy() -> None:
    while True:
        time.sleep(0.005)


@task(**noted)
def works() -> None:
    busy()


@task(**noted)
async def awaits() -> None:
    await asyncio.sleep(100)


@task(retries=3, retry_delay_seconds=100)
def tries() -> None:
    raise ValueError("again")


@flow
def below() -> None:
    works()


@flow(**noted)
def plain() -> None:
    cancelled_soon()
    busy()


@flow(**noted)
def in_a_task() -> None:
    cancelled_soon()
    works()


@flow(**noted)
def in_a_subflow() -> None:
    cancelled_soon()
    below()


@flow(**noted)
def in_a_submitted_task() -> None:
    cancelled_soon()
    for future in [works.submit() for _ in range(30)]:
        future.result()


@flow(**noted)
def in_a_coroutine_that_plain_code_calls() -> None:
    cancelled_soon()
    awaits()


@flow(**noted)
async def in_gathered_coroutines() -> None:
    cancelled_soon()
    await asyncio.gather(awaits(), awaits())


@flow(**noted)
async def in_submitted_coroutines() -> None:
    cancelled_soon()
    for future in [awaits.submit() for _ in range(3)]:
        await future.result()


@flow(**noted)
def before_a_retry() -> None:
    cancelled_soon()
    tries.submit().result()


@flow(retries=1, retry_delay_seconds=100, **noted)
def before_a_retry_of_its_own() -> None:
    cancelled_soon()
    raise ValueError("again")


@flow(**noted)
def in_a_sleep() -> None:
    cancelled_soon()
    sleep(100)


@flow(**noted)
def in_a_pause() -> None:
    cancelled_soon()
    pause_flow_run()


@flow(**noted)
async def in_an_awaited_pause() -> None:
    cancelled_soon()
    await pause_flow_run()


@flow(**noted)
def swallowing_exceptions() -> None:
    cancelled_soon()
    while True:
        try:
            works.submit().result()
        except Exception:
            done.append("swallowed")


@flow(**noted)
def swallowing_everything() -> str:
    try:
        cancelled_soon()
        busy()
    except BaseException:
        done.append("swallowed")
    return "went on"


@flow(**noted)
def generating() -> Iterator[int]:
    cancelled_soon()
    while True:
        yield 1
        time.sleep(0.005)


FLOWS: list[Flow[..., Any]] = [
    *(plain, in_a_task, in_a_subflow, in_a_submitted_task, in_a_coroutine_that_plain_code_calls),
    *(in_gathered_coroutines, in_submitted_coroutines, before_a_retry, before_a_retry_of_its_own),
    *(in_a_sleep, in_a_pause, in_an_awaited_pause, swallowing_exceptions, swallowing_everything, generating),
]


def statuses(known: Any) -> set[str]:
    return {run.state_type for run in (*known.flow_runs(), *known.task_runs())}


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_cancelled_flow_ends_with_all_below_it(flow: Flow[..., Any], known: Any) -> None:
    with pytest.raises(CancelledRun, match="Cancelled by"):
        outcome_of(flow)

    assert statuses(known) == {"CANCELLED"}
    assert hooks.count("Flow CANCELLED") == 1
    assert len(hooks) <= len(known.task_runs()) + 1


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_in_a_thread_it_ends_too(flow: Flow[..., Any], known: Any) -> None:
    ended: list[Any] = []

    def run() -> None:
        try:
            outcome_of(flow)
        except BaseException as error:
            ended.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)

    assert ended == [CancelledRun]
    assert statuses(known) == {"CANCELLED"}
    assert hooks.count("Flow CANCELLED") == 1


def test_the_state_of_a_cancelled_flow_says_who_did_it(known: Any) -> None:
    state = in_a_task(return_state=True)

    assert state.is_cancelled()
    assert "@" in (state.message or "")
    assert known.state_names(known.flow_run("in-a-task").id)[-2:] == ["Cancelling", "Cancelled"]


def test_plain_code_gets_no_exception_that_is_an_exception() -> None:
    assert not issubclass(CancelRequested, Exception)


def test_finally_blocks_run_and_tasks_called_there_do_not(known: Any) -> None:
    @flow
    def cleans_up() -> None:
        try:
            cancelled_soon()
            busy()
        finally:
            done.append("cleaned up")
            works()

    with pytest.raises(CancelledRun):
        cleans_up()
    assert done == ["cleaned up"]
    assert known.task_runs() == []


def test_the_event_loop_continues_after_a_cancelled_flow() -> None:
    async def main() -> list[str]:
        with pytest.raises(CancelledRun):
            await in_gathered_coroutines()
        async with asyncio.timeout(5):
            await asyncio.sleep(0.01)
        return ["went on"]

    assert asyncio.run(main()) == ["went on"]


@pytest.mark.slow
def test_several_that_cancel_a_flow_run_come_to_one_end(known: Any) -> None:
    @flow(**noted)
    def much_disliked() -> None:
        for _ in range(4):
            cancelled_soon()
        works.submit().result()

    assert much_disliked(return_state=True).is_cancelled()
    assert known.state_names(known.flow_run("much-disliked").id).count("Cancelled") == 1
    assert hooks.count("Flow CANCELLED") == 1


@pytest.mark.slow
def test_code_in_a_thread_that_does_not_end_is_waited_for_no_longer_than_the_grace_period(known: Any) -> None:
    @task
    def hangs() -> None:
        cancelled_soon(grace=0.2)
        go.wait(20)
        done.append("woke up")

    @flow
    def hanging() -> None:
        hangs.submit().result()

    go = threading.Event()
    before = time.monotonic()
    with pytest.raises(CancelledRun):
        hanging()
    assert time.monotonic() - before < 15  # the task would wait for 20
    assert statuses(known) == {"CANCELLED"}
    go.set()
    time.sleep(0.1)
    assert done == []
    assert known.state_names(known.task_run("hangs").id)[-1] == "Cancelled"


@pytest.mark.slow
def test_a_flow_in_a_thread_that_does_not_end_is_ended_without_it(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from perdure._engine.control import cancellation as cancelling

    @flow(**noted)
    def hanging() -> None:
        cancelled_soon(grace=0.1)
        go.wait(20)
        works()

    monkeypatch.setattr(cancelling, "MARGIN", 0.2)
    go = threading.Event()
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(hanging(return_state=True)))
    thread.start()
    while not cancellers or cancellers[0].ident is None:
        time.sleep(0.01)
    until = time.monotonic() + 60
    while statuses(known) != {"CANCELLED"} and time.monotonic() < until:
        time.sleep(0.02)
    (run,) = known.flow_runs()
    assert "had not ended after 0.1 seconds" in run.state_message
    go.set()
    thread.join(10)
    assert ended[0].is_cancelled()
    assert known.state_names(run.id).count("Cancelled") >= 1
    assert hooks == ["Flow CANCELLED"]


class Waits(logging.Handler):
    """While it writes a line, nothing is interrupted; until a condition holds, and at least for some rounds."""

    def __init__(self, until: Callable[[], object]) -> None:
        super().__init__()
        self._until = until

    def emit(self, _: logging.LogRecord) -> None:
        end = time.monotonic() + 30
        while not self._until() and time.monotonic() < end:
            time.sleep(0.01)


@pytest.mark.slow
def test_a_flow_is_interrupted_though_nobody_can_be_notified_that_it_is_being_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[object] = []

    def fails(*arguments: Any) -> bool:
        tried.append(arguments)
        raise OrchestratorError("The database is full.")

    logger = logging.Logger("waits")
    logger.addHandler(Waits(until=lambda: len(tried) > 2))

    @flow
    def reports() -> None:
        cancelled_soon()
        logger.warning("a line")
        busy()
        done.append("not interrupted")

    monkeypatch.setattr(session.current().orchestrator, "claim", fails)
    assert reports(return_state=True).is_cancelled()
    assert len(tried) > 2
    assert done == []


@pytest.mark.slow
def test_a_flow_is_cancelled_once_there_is_a_thread_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals: list[str] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            if self.name == "perdure-cancel" and len(refusals) < 3:
                refusals.append(self.name)
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr(threading, "Thread", Thread)

    @flow
    def plain() -> None:
        cancelled_soon()
        busy()
        done.append("not interrupted")

    assert plain(return_state=True).is_cancelled()
    assert len(refusals) == 3
    assert done == []


def refused(act: Callable[[], Any], why: str) -> None:
    with pytest.raises(SteeringError, match=why):
        act()


def test_a_flow_run_that_has_ended_is_not_cancelled(known: Any) -> None:
    flow(name="ended")(lambda: 1)()
    run = known.flow_run("ended")
    refused(lambda: cancel_flow_run(run.id), "has ended already: Completed")


def test_a_part_of_a_flow_run_is_not_cancelled_alone() -> None:
    @flow
    def inner() -> None:
        refused(lambda: cancel_flow_run(str(runtime.flow_run.id)), "is part of the flow run")

    flow(lambda: inner())()


def test_an_unknown_flow_run_is_not_cancelled() -> None:
    with pytest.raises(RunMissing):
        cancel_flow_run(new_id())


def lost_run() -> str:
    """A flow run whose process is gone."""
    run_id = new_id()
    session.current().commit(
        (
            FlowRunRecord(run_id, "lost", "lost", None, None, None, "[]", "{}", 1),
            StartRecord(run_id, new_id(), None, None, None),
            StateRecord(run_id, False, StateType.PENDING, "Pending", None, 1),
            StateRecord(run_id, False, StateType.RUNNING, "Running", None, 2),
        )
    )
    return run_id


def test_a_flow_run_whose_process_is_gone_is_cancelled_at_once(known: Any) -> None:
    run_id = lost_run()
    cancel_flow_run(run_id)
    assert known.state_names(run_id) == ["Pending", "Running", "Cancelled"]


@pytest.mark.slow
def test_of_many_that_cancel_a_lost_flow_run_one_ends_it(known: Any) -> None:
    run_id = lost_run()
    errors: list[Exception] = []

    def cancel() -> None:
        try:
            cancel_flow_run(run_id)
        except SteeringError as error:
            errors.append(error)

    threads = [threading.Thread(target=cancel) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert known.state_names(run_id) == ["Pending", "Running", "Cancelled"]
    assert all("has ended already: Cancelled" in str(error) for error in errors)


def test_a_cancelled_flow_run_is_not_resumed(known: Any) -> None:
    with pytest.raises(CancelledRun):
        plain()
    with pytest.raises(ResumeError, match="was cancelled"):
        plain.resume(known.flow_run("plain").id)


def test_a_crashed_flow_run_that_was_to_be_cancelled_is_not_resumed() -> None:
    @flow
    def crashing() -> None:
        run_ids.append(str(runtime.flow_run.id))
        raise KeyboardInterrupt

    run_ids: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        crashing()
    session.current().commit((CancelRecord(run_ids[0], "somebody", 1, 1),))
    with pytest.raises(ResumeError, match="was to be cancelled"):
        crashing.resume(run_ids[0])


def test_a_flow_that_ends_before_it_could_be_cancelled_keeps_its_end(
    known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "_FIRST_LOOK", 60)
    refusals: list[str] = []

    def cancel(run_id: str) -> None:
        try:
            cancel_flow_run(run_id)
        except SteeringError as error:
            refusals.append(str(error))

    @flow
    def quick() -> int:
        thread = threading.Thread(target=cancel, args=(str(runtime.flow_run.id),))
        cancellers.append(thread)
        thread.start()
        time.sleep(0.15)
        return 1

    assert quick() == 1
    cancellers[0].join(10)
    assert "had ended Completed before it could be cancelled" in refusals[0]
    assert session.current().orchestrator.cancellation(known.flow_run("quick").id) is None


def test_what_was_submitted_before_a_cancellation_does_not_begin_after_it_nor_what_depends_on_it(known: Any) -> None:
    @task
    def first() -> None:
        run = FlowRunContext.get()
        assert run is not None
        while len(run.children) < 3:  # until all have been called
            time.sleep(0.001)
        run.controller.request = CancelRecord(run.id, "somebody", 1, 60_000_000)  # before the flow is interrupted

    @task
    def second() -> None:
        done.append("second")

    @task
    def third(given: None) -> None:
        done.append("third")

    @flow
    def below(given: None) -> None:
        done.append("below")

    @flow
    def waits() -> None:
        seconds = second.submit(wait_for=[first.submit()])
        depending(seconds, return_state=True)

    depending: Any = None
    for each in (third, below):
        depending = each
        waits(return_state=True)
    assert {run.state_type for run in known.task_runs() if run.task_name != "first"} == {StateType.CANCELLED}
    assert (known.flow_run("below").state_type, done) == (StateType.CANCELLED, [])


@pytest.mark.parametrize("grace", [-1, float("nan"), True, "long"])
def test_a_grace_period_is_a_number_of_seconds(grace: Any) -> None:
    with pytest.raises(ValueError, match="grace="):
        cancel_flow_run(new_id(), grace=grace)


@pytest.mark.slow
def test_a_crash_at_any_moment_of_a_cancellation_leaves_a_run_that_can_be_cancelled() -> None:
    @flow(durable=True)
    def busily() -> None:
        run_id = str(runtime.flow_run.id)
        session.current().commit((CancelRecord(run_id, "somebody", 1, 1_000_000),))
        for _ in range(50):
            works_briefly.submit().result()

    @task
    def works_briefly() -> None:
        time.sleep(0.005)

    for crash in crash_points(busily, flushed=True, most=60):
        run = crash.run
        if run is None or run.state_type == "CANCELLED":
            continue
        cancel_flow_run(run.id)
        assert violations(session.current().orchestrator) == [], crash
