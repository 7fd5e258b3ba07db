"""What users of Prefect ask of a state, and make states with."""

import asyncio
import pickle
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import State, flow, task
from perdure.context import get_run_context
from perdure.states import (
    AwaitingRetry,
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Paused,
    Running,
    Scheduled,
    StateDetails,
    StateType,
    Suspended,
    get_state_exception,
    is_state,
    is_state_iterable,
    raise_state_exception,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_state_made_by_hand_keeps_its_id_and_has_it_in_other_processes_too() -> None:
    state = Completed()
    assert state.id != Completed().id
    assert pickle.loads(pickle.dumps(state)).id == state.id


def test_the_states_of_a_run_have_ids_of_their_own_which_stay() -> None:
    @task
    def one() -> int:
        return 1

    @flow
    def two() -> list[Any]:
        return [one(return_state=True), one(return_state=True)]

    states = two()
    assert len({state.id for state in states}) == 2
    first = states[0]
    same = State(first.type, first.name, None, None, first.time, first.flow_run_id, first.task_run_id)
    assert same.id == first.id


def test_a_state_says_of_which_runs_it_is() -> None:
    @task
    def one() -> int:
        return 1

    @flow
    def two() -> Any:
        return one(return_state=True)

    state = two(return_state=True)
    inner = two()
    assert state.state_details.flow_run_id == state.run_id
    assert state.state_details.task_run_id is None
    assert inner.state_details.task_run_id == inner.run_id
    assert inner.state_details.flow_run_id is not None


def test_a_cached_state_names_its_key_and_until_when_it_holds() -> None:
    @task(cache_key_fn=lambda: "prices", cache_expiration=timedelta(hours=1))
    def prices() -> int:
        return 3

    first, second = prices(return_state=True), prices(return_state=True)
    assert (first.name, second.name) == ("Completed", "Cached")
    assert {first.state_details.cache_key, second.state_details.cache_key} == {"prices"}
    until = first.state_details.cache_expiration
    assert until is not None
    assert until - first.timestamp == timedelta(hours=1)
    assert second.state_details.cache_expiration == until


def test_a_run_that_waits_for_its_next_try_says_until_when() -> None:
    runs: list[Any] = []

    @task(retries=1, retry_delay_seconds=0.3)
    def fails_once() -> None:
        runs.append(get_run_context())
        if len(runs) == 1:
            raise ValueError

    @flow
    def waits() -> tuple[datetime, datetime]:
        future = fails_once.submit()
        while not runs or runs[0].state_name != "AwaitingRetry" or runs[0].state.state_details.scheduled_time is None:
            time.sleep(0.005)
        state = runs[0].state
        future.result()
        return state.timestamp, state.state_details.scheduled_time

    since, until = waits()
    assert timedelta(seconds=0.3) <= until - since < timedelta(seconds=5)
    assert AwaitingRetry(scheduled_time=NOON).state_details.scheduled_time == NOON


@pytest.mark.parametrize("made", [Completed, Failed, Crashed, Cancelled, Running, Scheduled, Paused])
def test_all_that_a_state_is_may_be_given_by_name(made: Any) -> None:
    state = made(message="so", data=3, name="Mine", timestamp=NOON, state_details={"cache_key": "key"})
    assert (state.message, state.data, state.name) == ("so", 3, "Mine")
    assert state.timestamp == state.created == state.updated == NOON
    assert state.state_details.cache_key == "key"


def test_details_that_states_do_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match="cash_key"):
        Completed(state_details={"cash_key": "key"})


def test_details_go_from_one_state_to_another() -> None:
    one = State(StateType.FAILED, state_details=StateDetails(task_run_id="t", cache_key="k"))
    again = Failed(state_details=one.state_details)
    assert again.state_details == one.state_details
    assert again.run_id == "t"


def test_a_scheduled_state_is_due_when_it_says_and_now_by_default() -> None:
    assert Scheduled(scheduled_time=NOON).state_details.scheduled_time == NOON
    due = Scheduled().state_details.scheduled_time
    assert due is not None
    assert abs(due - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_paused_state_waits_for_so_long_or_until_then() -> None:
    details = Paused(timeout_seconds=600, pause_key="ask").state_details
    assert details.pause_timeout is not None
    assert timedelta(minutes=9) < details.pause_timeout - datetime.now(UTC) <= timedelta(minutes=10)
    assert (details.pause_key, details.pause_reschedule) == ("ask", False)
    assert Suspended(pause_expiration_time=NOON).state_details == StateDetails(
        pause_timeout=NOON, pause_reschedule=True
    )
    with pytest.raises(ValueError, match="one of them"):
        Paused(timeout_seconds=1, pause_expiration_time=NOON)


def test_what_a_state_stands_for_is_got_and_raised() -> None:
    error = ValueError("no")

    @task
    def fails() -> None:
        raise error

    state = fails(return_state=True)
    assert get_state_exception(state) is error
    with pytest.raises(ValueError, match="no"):
        raise_state_exception(state)


@pytest.mark.parametrize("state", [Completed(data=1), Running()])
def test_a_state_that_is_no_failure_raises_nothing_and_stands_for_no_exception(state: State[Any]) -> None:
    assert raise_state_exception(state) is None
    with pytest.raises(ValueError, match="no exception"):
        get_state_exception(state)


def test_in_async_code_exceptions_of_states_are_awaited() -> None:
    @task(persist_result=True, cache_result_in_memory=False)
    async def fails() -> None:
        raise ValueError("no")

    async def main() -> BaseException:
        state = await fails(return_state=True)
        with pytest.raises(ValueError, match="no"):
            await raise_state_exception(state)  # type: ignore[misc]
        await raise_state_exception(Completed())  # type: ignore[misc]
        return await get_state_exception(state)  # type: ignore[misc, no-any-return]

    assert repr(asyncio.run(main())) == "ValueError('no')"


def test_states_are_distinguished_from_other_values() -> None:
    assert is_state(Completed())
    assert not is_state(Completed)
    assert is_state_iterable([Completed(), Failed()])
    assert not any(map(is_state_iterable, ([], Completed(), [Completed(), 1], iter([Completed()]))))


def test_a_state_that_is_looked_up_has_the_id_that_it_had() -> None:
    @flow(idempotency_key="once")
    def one() -> list[int]:
        return [1]

    assert one(return_state=True).id == one(return_state=True).id
