"""Retries of tasks and flows, their delays, and what a flow's retry does not run again."""

import math
import random
import shutil
from typing import Any

import pytest

from perdure import exponential_backoff, flow, settings, task
from perdure._engine.lifecycle.retries import delay_before
from perdure._model.options import TaskOptions
from perdure.errors import DefinitionError


class Flaky:
    """Fails a number of times, then gives how often it was called."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise ValueError(f"failure {self.calls}")
        return self.calls


def options_of(**options: Any) -> TaskOptions:
    return task(**options)(lambda: None).options  # type: ignore[no-any-return]


def test_a_failed_task_is_tried_again(known: Any) -> None:
    flaky = task(retries=2, name="flaky")(Flaky(2))

    assert flaky() == 3
    run = known.task_run("flaky")
    assert run.run_count == 3
    assert known.state_names(run.id) == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]


def test_the_last_failure_is_raised_when_no_retries_are_left() -> None:
    with pytest.raises(ValueError, match="failure 3"):
        task(retries=2)(Flaky(9))()


def test_a_failed_flow_is_tried_again(known: Any) -> None:
    flaky = flow(retries=1, name="flaky")(Flaky(1))

    assert flaky() == 2
    assert known.flow_run("flaky").run_count == 2


def test_a_flow_whose_children_failed_is_tried_again() -> None:
    calls = Flaky(1)

    @flow(retries=1)
    def parent() -> None:
        task(calls)(return_state=True)

    assert parent(return_state=True).is_completed()


def test_a_condition_decides_whether_to_try_again() -> None:
    def only_value_errors(_: Any, __: Any, state: Any) -> bool:
        return isinstance(state.result(raise_on_failure=False), ValueError)

    def raise_key_error() -> None:
        calls.append(1)
        raise KeyError("k")

    calls: list[int] = []
    with pytest.raises(KeyError):
        task(retries=3, retry_condition_fn=only_value_errors)(raise_key_error)()

    assert calls == [1]
    assert task(retries=3, retry_condition_fn=only_value_errors)(Flaky(2))() == 3


def test_a_condition_that_raises_means_no_retry() -> None:
    def broken(*_: Any) -> bool:
        raise RuntimeError("broken")

    flaky = Flaky(1)
    with pytest.raises(ValueError, match="failure 1"):
        task(retries=3, retry_condition_fn=broken)(flaky)()
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (2, [2, 2, 2]),
        (0.5, [0.5, 0.5, 0.5]),
        ([1, 10], [1, 10, 10]),
        (exponential_backoff(3), [3, 6, 12]),
        (None, [0, 0, 0]),
    ],
)
def test_a_short_list_of_delays_repeats_its_last(given: Any, expected: list[float]) -> None:
    options = options_of(retries=3, retry_delay_seconds=given)

    assert [delay_before(options, retry) for retry in (1, 2, 3)] == expected


def test_a_callable_for_delays_is_asked_once_at_definition() -> None:
    asked = []

    def delays(retries: int) -> list[float]:
        asked.append(retries)
        return [0.0] * retries

    flaky = task(retries=2, retry_delay_seconds=delays)(Flaky(2))
    assert asked == [2]

    flaky()
    assert asked == [2]


def test_jitter_only_ever_lengthens_a_delay() -> None:
    options = options_of(retries=1, retry_delay_seconds=10, retry_jitter_factor=0.5)

    delays = [delay_before(options, 1) for _ in range(100)]

    assert 10 <= min(delays) < max(delays) <= 15


def test_a_program_that_seeds_random_has_the_numbers_that_it_would_have_had_without_perdure() -> None:
    @flow
    def drawing() -> float:
        random.seed(1)
        task(retries=1, retry_delay_seconds=0.001, retry_jitter_factor=1)(Flaky(1))()
        return random.random()

    assert drawing() == random.Random(1).random()


def test_a_fractional_delay_is_waited_for() -> None:
    import time

    began = time.monotonic()
    task(retries=1, retry_delay_seconds=0.05)(Flaky(1))()

    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("wrong", [-1, "1", True, [1, -1], [None], math.inf, 1e300, 10**400])
def test_a_wrong_delay_is_refused_at_definition(wrong: Any) -> None:
    with pytest.raises(DefinitionError, match="retry_delay_seconds"):
        options_of(retries=1, retry_delay_seconds=wrong)


def test_a_flows_retry_does_not_run_its_completed_tasks_again() -> None:
    calls = []
    flaky = Flaky(1)

    @task
    def noted(x: int) -> int:
        calls.append(x)
        return x + 100

    @flow(retries=1)
    def parent() -> Any:
        values = [noted(i) for i in range(3)]
        flaky()
        return values

    assert parent() == [100, 101, 102]
    assert calls == [0, 1, 2]


def test_equal_calls_are_distinguished_by_their_turn() -> None:
    calls = []
    flaky = Flaky(1)

    @task
    def counts() -> int:
        calls.append(1)
        return len(calls)

    @flow(retries=1)
    def parent() -> Any:
        values = [counts(), counts()]
        flaky()
        return values

    assert parent() == [1, 2]


def test_a_flows_retry_reuses_submitted_tasks_in_whatever_order_they_come() -> None:
    calls = []
    attempts: list[int] = []

    @task
    def noted(x: int) -> int:
        calls.append(x)
        return 10 * x

    @task
    def after(x: int) -> int:
        calls.append(x)
        return x + 1

    @flow(retries=1)
    def parent() -> Any:
        attempts.append(1)
        order = [3, 1, 2] if len(attempts) == 1 else [2, 3, 1]
        firsts = {i: noted.submit(i) for i in order}
        values = {i: after.submit(future).result() for i, future in firsts.items()}
        if len(attempts) == 1:
            raise ValueError("once")
        return values

    assert parent() == {1: 11, 2: 21, 3: 31}
    assert sorted(calls) == [1, 2, 3, 10, 20, 30]


def test_a_flows_retry_runs_failed_and_unpersisted_tasks_again() -> None:
    calls = []
    flaky = Flaky(1)

    @task(persist_result=False)
    def unpersisted() -> str:
        calls.append("unpersisted")
        return "value"

    @flow(retries=1)
    def parent() -> Any:
        unpersisted()
        return task(flaky)()

    assert parent() == 2
    assert calls == ["unpersisted", "unpersisted"]


def test_a_flows_retry_does_not_run_a_persisted_subflow_again() -> None:
    calls = []
    flaky = Flaky(1)

    @flow
    def child() -> str:
        calls.append(1)
        return "value"

    @flow(retries=1)
    def parent() -> Any:
        value = child()
        flaky()
        return value

    assert parent() == "value"
    assert calls == [1]


def test_a_reused_task_counts_among_the_flows_children() -> None:
    flaky = Flaky(1)

    @task
    def value() -> int:
        return 7

    @flow(retries=1)
    def parent() -> None:
        value()
        flaky()

    result: Any = parent()

    assert [state.result() for state in result] == [7]


def test_a_flows_retry_reuses_mapped_tasks() -> None:
    calls = []
    flaky = Flaky(1)

    @task
    def noted(x: int) -> int:
        calls.append(x)
        return x

    @flow(retries=1)
    def parent() -> Any:
        values = noted.map(range(5)).result()
        flaky()
        return values

    assert parent() == [0, 1, 2, 3, 4]
    assert sorted(calls) == [0, 1, 2, 3, 4]


def test_a_delay_with_a_generator_flow_does_not_hand_items_on_twice() -> None:
    attempts = []

    @flow(retries=1)
    def yields() -> Any:
        attempts.append(1)
        yield 1
        if len(attempts) == 1:
            raise ValueError("once")
        yield 2

    assert list(yields()) == [1, 2]


def test_a_mapped_argument_counts_as_its_runs() -> None:
    calls = []
    flaky = Flaky(1)

    @task
    def noted(x: Any) -> Any:
        calls.append(x)
        return x

    @flow(retries=1)
    def parent() -> Any:
        total = noted(noted.map([1, 2]))
        flaky()
        return total

    assert parent() == [1, 2]
    assert sorted(map(str, calls)) == ["1", "2", "[1, 2]"]


def test_an_argument_that_cannot_be_hashed_is_distinguished_by_its_turn() -> None:
    import threading

    calls = []
    flaky = Flaky(1)

    @task
    def noted(_: Any, x: int) -> int:
        calls.append(x)
        return x

    @flow(retries=1)
    def parent() -> Any:
        values = [noted(threading.Lock(), 1), noted(threading.Lock(), 2)]
        flaky()
        return values

    assert parent() == [1, 2]
    assert calls == [1, 2]


def test_delays_that_a_function_gives_follow_the_number_of_retries() -> None:
    @task(retries=1, retry_delay_seconds=exponential_backoff(1))
    def tried() -> int:
        return 1

    assert tried.options.retry_delays == (1,)
    assert tried.with_options(retries=3).options.retry_delays == (1, 2, 4)


@pytest.mark.parametrize("gone", [False, True], ids=["overwritten", "removed"])
def test_a_flows_retry_takes_no_others_value_for_that_of_a_step_that_is_not_in_memory(gone: bool, known: Any) -> None:
    attempts, called = [], list[str]()

    @task(cache_result_in_memory=False, result_storage_key="shared")
    def shared(number: int) -> list[int]:
        called.append(f"shared {number}")
        return [number]

    @task(cache_result_in_memory=False)
    def own(number: int) -> list[int]:
        called.append(f"own {number}")
        return [number]

    @flow(retries=1)
    def pipeline() -> list[list[int]]:
        values = [own(0), own.submit(1).result(), shared(2), shared.submit(3).result()]
        attempts.append(values)
        if len(attempts) == 1:
            if gone:
                shutil.rmtree(settings.current().local_storage_path)
            raise ConnectionError
        return values

    assert pipeline() == attempts[0] == [[0], [1], [2], [3]]
    first = ["own 0", "own 1", "shared 2", "shared 3"]
    assert called == first + (first if gone else first[2:])
    assert len(known.task_runs()) == len(called)  # what is reused is no run of its own
