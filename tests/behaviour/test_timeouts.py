"""Timeouts: the run is FAILED and named TimedOut, in the main thread, in other threads and on event loops."""

import asyncio
import math
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from perdure import flow, task
from perdure.errors import DefinitionError, RunTimeout


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


def test_a_task_in_the_main_thread_is_interrupted_in_a_system_call(known: Any) -> None:
    @task(timeout_seconds=0.05)
    def sleeps() -> None:
        time.sleep(10)

    began = time.monotonic()
    state = sleeps(return_state=True)

    assert time.monotonic() - began < 9  # it would sleep for 10
    assert (state.is_failed(), state.name) == (True, "TimedOut")
    assert state.message == "Task run exceeded timeout of 0.05 second(s)"
    with pytest.raises(TimeoutError):
        state.result()
    assert known.task_run("sleeps").state_name == "TimedOut"


def test_a_task_in_another_thread_is_interrupted() -> None:
    @task(timeout_seconds=0.05)
    def sleeps() -> None:
        busy(10)

    @flow
    def submits() -> Any:
        return sleeps.submit().wait().name  # type: ignore[union-attr]

    began = time.monotonic()
    assert submits() == "TimedOut"
    assert time.monotonic() - began < 9  # it would sleep for 10


def test_a_coroutine_task_is_interrupted() -> None:
    @task(timeout_seconds=0.05)
    async def sleeps() -> None:
        await asyncio.sleep(10)

    @flow
    async def calls() -> Any:
        state = await sleeps(return_state=True)
        return state.name

    assert asyncio.run(calls()) == "TimedOut"


def test_a_coroutine_task_called_by_a_sync_flow_is_interrupted() -> None:
    @task(timeout_seconds=0.05)
    async def sleeps() -> None:
        await asyncio.sleep(10)

    assert flow(lambda: sleeps(return_state=True).name)() == "TimedOut"


def test_a_flow_is_interrupted() -> None:
    @flow(timeout_seconds=0.05)
    def sleeps() -> None:
        time.sleep(10)

    state = sleeps(return_state=True)

    assert (state.name, state.message) == ("TimedOut", "Flow run exceeded timeout of 0.05 second(s)")


def test_an_async_flow_is_interrupted() -> None:
    @flow(timeout_seconds=0.05)
    async def sleeps() -> None:
        await asyncio.sleep(10)

    async def main() -> Any:
        return (await sleeps(return_state=True)).name

    assert asyncio.run(main()) == "TimedOut"


def test_a_flow_is_interrupted_while_it_waits_for_a_future() -> None:
    go = threading.Event()

    @task
    def waits() -> None:
        go.wait(60)

    @flow(timeout_seconds=0.05)
    def waits_too() -> None:
        try:
            waits.submit().result()
        finally:
            go.set()

    assert waits_too(return_state=True).name == "TimedOut"


def test_a_timeout_is_retried() -> None:
    attempts = []

    @task(timeout_seconds=0.05, retries=1)
    def slow_once() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            time.sleep(10)
        return len(attempts)

    assert slow_once() == 2


def test_a_swallowing_except_exception_does_not_stop_a_timeout() -> None:
    @task(timeout_seconds=0.05)
    def swallows() -> None:
        while True:
            with suppress(Exception):
                time.sleep(10)

    assert swallows(return_state=True).name == "TimedOut"


def test_a_timeout_error_of_ones_own_is_an_ordinary_failure() -> None:
    @task(timeout_seconds=5)
    def raises() -> None:
        raise TimeoutError("mine")

    state = raises(return_state=True)

    assert (state.name, state.message) == ("Failed", "Task run encountered an exception TimeoutError: mine")


def test_the_flows_timeout_ends_the_flow_while_a_task_with_a_longer_one_runs(known: Any) -> None:
    @task(timeout_seconds=20)
    def sleeps() -> None:
        time.sleep(10)

    @flow(timeout_seconds=0.05)
    def calls() -> int:
        sleeps(return_state=True)
        time.sleep(10)
        return 1

    state = calls(return_state=True)

    assert (state.name, state.message) == ("TimedOut", "Flow run exceeded timeout of 0.05 second(s)")
    assert known.task_run("sleeps").state_name == "Crashed"


def test_the_flows_timeout_ends_the_flow_in_other_threads_too() -> None:
    @task(timeout_seconds=20)
    def sleeps() -> None:
        busy(10)

    @flow(timeout_seconds=0.05)
    def calls() -> int:
        sleeps(return_state=True)
        busy(10)
        return 1

    states = []
    thread = threading.Thread(target=lambda: states.append(calls(return_state=True)))
    thread.start()
    thread.join(60)

    assert [state.message for state in states] == ["Flow run exceeded timeout of 0.05 second(s)"]


def test_the_parents_timeout_goes_through_a_subflow(known: Any) -> None:
    @flow(timeout_seconds=20)
    def child() -> None:
        time.sleep(10)

    @flow(timeout_seconds=0.05)
    def parent() -> int:
        child(return_state=True)
        return 1

    assert parent(return_state=True).name == "TimedOut"
    assert known.flow_run("child").state_name == "Crashed"


def test_a_tasks_timeout_leaves_the_flows_timeout_running() -> None:
    @task(timeout_seconds=0.03)
    def sleeps() -> None:
        time.sleep(10)

    @flow(timeout_seconds=0.15)
    def calls() -> Any:
        name = sleeps(return_state=True).name
        seen.append(name)
        time.sleep(10)

    seen: list[str] = []
    began = time.monotonic()
    state = calls(return_state=True)

    assert seen == ["TimedOut"]
    assert state.name == "TimedOut"
    assert time.monotonic() - began < 9  # it would sleep for 10


def test_an_async_flows_timeout_ends_its_task_too(known: Any) -> None:
    @task
    async def sleeps() -> None:
        await asyncio.sleep(10)

    @flow(timeout_seconds=0.05)
    async def calls() -> int:
        await sleeps(return_state=True)
        return 1

    async def main() -> Any:
        return (await calls(return_state=True)).name

    assert asyncio.run(main()) == "TimedOut"
    assert known.task_run("sleeps").state_name == "Crashed"


def test_in_time_is_in_time() -> None:
    @task(timeout_seconds=5)
    def quick() -> int:
        return 1

    assert [quick() for _ in range(20)] == [1] * 20
    assert flow(lambda: [quick.submit().result() for _ in range(20)])() == [1] * 20


def test_the_exception_names_the_run() -> None:
    @task(timeout_seconds=0.02)
    def sleeps() -> None:
        time.sleep(10)

    error = sleeps(return_state=True).result(raise_on_failure=False)

    assert isinstance(error, RunTimeout)
    assert error.run_id is not None


def test_a_timeout_that_comes_just_as_the_task_ends_stays_its_own() -> None:
    @task(timeout_seconds=0.001)
    def nearly(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    @flow
    def many() -> Any:
        around = [0.0009 + i * 0.000_002 for i in range(100)]
        here = {nearly(seconds, return_state=True).name for seconds in around}
        return here | {future.wait().name for future in [nearly.submit(seconds) for seconds in around]}  # type: ignore[union-attr]

    assert many() <= {"Completed", "TimedOut"}


def _name(called: Any, threads: bool) -> str:
    """What the state of a task is called at its end, in a thread of its own or in the main one."""

    @flow
    def calls() -> Any:
        return (called.submit().wait() if threads else called(return_state=True)).name

    return str(calls())


@pytest.mark.parametrize("threads", [False, True])
def test_what_cleans_up_after_a_timeout_is_not_ended_again(threads: bool) -> None:
    cleaned: list[str] = []

    @task(timeout_seconds=0.05)
    def cleans_up() -> None:
        try:
            busy(60)
        finally:
            try:
                {}["missing"]
            except KeyError:
                busy(0.1)
            busy(0.1)
            cleaned.append("all")

    assert _name(cleans_up, threads) == "TimedOut"
    assert cleaned == ["all"]


@pytest.mark.parametrize("threads", [False, True])
def test_what_is_called_to_clean_up_has_its_own_timeout(threads: bool) -> None:
    cleaned: list[str] = []

    @task(timeout_seconds=0.05)
    def inner() -> None:
        busy(60)

    @task(timeout_seconds=0.05)
    def outer() -> None:
        try:
            busy(60)
        finally:
            cleaned.append(inner(return_state=True).name)
            busy(0.1)
            cleaned.append("all")

    assert _name(outer, threads) == "TimedOut"
    assert cleaned == ["TimedOut", "all"]


@pytest.mark.parametrize("wrong", [math.inf, 1e300, 10**400, math.nan, -1, True, "1"])
def test_a_timeout_that_nobody_can_wait_for_is_refused_at_definition(wrong: Any) -> None:
    with pytest.raises(DefinitionError, match="timeout_seconds"):
        task(timeout_seconds=wrong)(busy)
