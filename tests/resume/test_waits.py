"""Waits and tries that outlive the process: a flow run that is resumed waits for the rest only."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import flow, sleep, sleep_until, task
from perdure._engine.recovery import durable_timers as waits
from perdure._platform.clock import system_clock
from perdure.flows import Flow
from perdure.records import FlowRun
from perdure.testing.crashes import crash_points, killed, root_run


@pytest.fixture(autouse=True)
def short_waits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "_KEPT", 0)


def run_now() -> FlowRun:
    run = root_run()
    assert run is not None
    return run


def sleeps_after(made: Flow[..., Any], when: str, hours: float) -> int:
    """How often the flow sleeps when it was killed after an effect that is named, and is resumed hours later."""
    for crash in crash_points(made, flushed=True):
        if "".join(crash.effects[-1:]).startswith(when):
            ending = killed(crash.resume, before=None, clock=lambda: system_clock() + int(hours * 3_600_000_000))
            assert ending.value == "slept"
            return ending.effects.count("sleep")
    raise AssertionError(f"There is no effect {when}.")


def test_a_flow_that_was_killed_while_it_slept_sleeps_no_longer_than_it_would_have() -> None:
    @flow
    def sleeping() -> str:
        sleep(3600)
        return "slept"

    assert sleeps_after(sleeping, "report WaitRecord", hours=1) == 0


def test_a_sleep_that_is_over_is_not_repeated() -> None:
    @task
    def after() -> None: ...

    @flow
    def sleeping() -> str:
        sleep(0.01)
        after()
        return "slept"

    assert sleeps_after(sleeping, "call after", hours=0) == 0


def test_a_task_that_was_killed_while_it_slept_sleeps_for_the_rest() -> None:
    @task
    def sleeps() -> str:
        sleep(timedelta(hours=1))
        return "slept"

    @flow(durable=True)
    def sleeping() -> str:
        return sleeps()

    assert sleeps_after(sleeping, "report WaitRecord", hours=1) == 0


def test_equal_sleeps_are_distinguished_by_their_turn() -> None:
    @flow
    def sleeping() -> float:
        began = time.monotonic()
        sleep(0.05)
        sleep(0.05)
        return time.monotonic() - began

    assert sleeping() >= 0.1


def test_until_when_a_flow_sleeps_is_what_it_was_in_the_first_process() -> None:
    @flow
    def sleeping() -> str:
        sleep_until(datetime.now(UTC) + timedelta(hours=1))
        return "slept"

    assert sleeps_after(sleeping, "report WaitRecord", hours=1) == 0


def test_coroutines_await_their_sleep() -> None:
    @task
    async def sleeps() -> float:
        began = time.monotonic()
        await sleep(0.05)
        return time.monotonic() - began

    @flow
    async def sleeping() -> list[float]:
        await sleep_until(datetime.now(UTC))
        return list(await asyncio.gather(sleeps(), sleeps()))

    assert min(asyncio.run(sleeping())) >= 0.05


def test_outside_all_flows_it_sleeps_too() -> None:
    began = time.monotonic()
    sleep(0.03)
    assert 0.03 <= time.monotonic() - began < 30


@pytest.mark.parametrize(
    "wrong", [lambda: sleep(-1), lambda: sleep(float("nan")), lambda: sleep_until(datetime(2026, 1, 1))]
)
def test_a_wait_needs_a_length_or_a_time_that_is_known_everywhere(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="seconds|time zone"):
        wrong()


# Tries


def test_a_task_that_waited_for_its_next_try_continues_waiting_and_counts_its_tries() -> None:
    attempts: list[int] = []

    @task(retries=2, retry_delay_seconds=0.05)
    def fails() -> None:
        attempts.append(1)
        raise ValueError("again")

    @flow(durable=True)
    def trying() -> str:
        return str(fails(return_state=True).message)

    killed(trying, before=8, flushed=True)
    assert len(attempts) == 1
    assert "again" in trying.resume(run_now().id)
    assert len(attempts) == 3


def test_a_subflow_counts_its_tries_too() -> None:
    attempts: list[int] = []

    @flow(retries=2)
    def fails() -> None:
        attempts.append(1)
        if len(attempts) == 2:
            raise KeyboardInterrupt
        raise ValueError("again")

    @flow(durable=True)
    def trying() -> str:
        return str(fails(return_state=True).message)

    with pytest.raises(KeyboardInterrupt):
        trying()
    assert "again" in trying.resume(run_now().id)
    assert len(attempts) == 4  # failed, stopped, failed, failed


def test_a_flow_that_waited_for_its_next_try_continues_waiting() -> None:
    attempts: list[float] = []

    @flow(retries=1, retry_delay_seconds=0.2)
    def trying() -> str:
        attempts.append(time.monotonic())
        if len(attempts) == 1:
            raise ValueError("again")
        return "came"

    killed(trying, before=5, flushed=True)
    assert len(attempts) == 1
    assert trying.resume(run_now().id) == "came"
    assert attempts[1] - attempts[0] >= 0.2


def test_with_retry_failed_a_task_has_all_its_tries_again() -> None:
    attempts: list[int] = []

    @task(retries=1)
    def fails() -> None:
        attempts.append(1)
        raise ValueError("again")

    @flow(durable=True)
    def trying() -> None:
        fails()

    for act in (trying, lambda: trying.resume(run_now().id, retry_failed=True)):
        with pytest.raises(ValueError, match="again"):
            act()
    assert len(attempts) == 4
