"""Failures of tasks: captured, reported, and raised again as in plain Python."""

import traceback
from typing import Any

import pytest

from perdure import flow, task
from perdure.states import StateType


class Problem(Exception):
    pass


@task
def fail() -> None:
    raise Problem("x")


def test_a_failed_task_raises_the_original_object() -> None:
    error = Problem("one and only")

    @task
    def raise_it() -> None:
        raise error

    @flow
    def catches() -> Any:
        with pytest.raises(Problem) as raised:
            raise_it()
        return raised.value is error

    assert catches() is True


def test_the_traceback_leads_to_the_line_that_raised() -> None:
    @flow
    def fails() -> None:
        fail()

    with pytest.raises(Problem) as raised:
        fails()

    assert traceback.extract_tb(raised.value.__traceback__)[-1].line == 'raise Problem("x")'


def test_a_fallback_for_a_failed_task_with_try_and_except() -> None:
    @flow
    def falls_back() -> int:
        try:
            fail()
        except Problem:
            return 2
        return 1

    assert falls_back() == 2


def test_a_fallback_for_a_failed_task_with_its_state() -> None:
    @flow
    def falls_back() -> int:
        state = fail(return_state=True)
        return 2 if state.is_failed() else 1

    assert falls_back() == 2


def test_a_failed_states_result_raises() -> None:
    @flow
    def asks() -> bool:
        state = fail(return_state=True)
        with pytest.raises(Problem):
            state.result()
        return True

    assert asks() is True


def test_a_failed_states_result_is_the_exception_if_asked_not_to_raise() -> None:
    @flow
    def asks() -> Any:
        return type(fail(return_state=True).result(raise_on_failure=False))

    assert asks() is Problem


def test_a_failed_future_raises_and_can_be_asked_not_to() -> None:
    @flow
    def asks() -> Any:
        future = fail.submit()
        with pytest.raises(Problem):
            future.result()
        return type(future.result(raise_on_failure=False))

    assert asks() is Problem


def test_the_message_of_a_failed_task_names_type_and_text() -> None:
    state = fail(return_state=True)

    assert state.message == "Task run encountered an exception Problem: x"


def test_a_task_that_fails_outside_a_flow_raises_its_own_exception() -> None:
    with pytest.raises(Problem, match="x"):
        fail()


def test_stop_iteration_in_a_task_is_an_ordinary_failure() -> None:
    @task
    def stop() -> None:
        raise StopIteration("nothing left")

    state = stop(return_state=True)

    assert state.is_failed()
    assert state.message == "Task run encountered an exception StopIteration: nothing left"
    assert isinstance(state.result(raise_on_failure=False), StopIteration)


def test_stop_iteration_in_a_flow_is_an_ordinary_failure() -> None:
    @flow
    def stop() -> None:
        raise StopIteration("nothing left")

    state = stop(return_state=True)

    assert state.message == "Flow run encountered an exception. StopIteration: nothing left"
    with pytest.raises(StopIteration):
        stop()


def test_a_failure_is_in_the_database_with_its_message(known: Any) -> None:
    fail(return_state=True)

    run = known.task_run("fail")
    assert run.state_type is StateType.FAILED
    assert run.state_message == "Task run encountered an exception Problem: x"
    assert known.result(run.id).is_exception


def test_an_exception_that_cannot_be_pickled_is_still_raised() -> None:
    class Unpicklable(Exception):
        def __reduce__(self) -> Any:
            raise TypeError("no")

    @task(persist_result=True)
    def raise_it() -> None:
        raise Unpicklable("kept in memory")

    with pytest.raises(Unpicklable, match="kept in memory"):
        raise_it()


def test_a_persisted_failure_raises_the_same_object() -> None:
    error = Problem("same")

    @task(persist_result=True)
    def raise_it() -> None:
        raise error

    assert raise_it(return_state=True).result(raise_on_failure=False) is error


def test_an_exception_group_is_raised_as_it_is() -> None:
    @task
    def raise_group() -> None:
        raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])

    with pytest.raises(ExceptionGroup) as raised:
        raise_group()
    assert [type(each) for each in raised.value.exceptions] == [ValueError, KeyError]


def test_the_cause_of_an_exception_stays() -> None:
    @task
    def chained() -> None:
        try:
            1 / 0  # noqa: B018 - it is what raises
        except ZeroDivisionError as error:
            raise Problem("chained") from error

    with pytest.raises(Problem) as raised:
        chained()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_exception_whose_text_cannot_be_had_is_an_ordinary_failure() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    attempts = []

    @task(retries=1)
    def raise_it() -> None:
        attempts.append(1)
        raise Mute

    state = raise_it(return_state=True)

    assert state.is_failed()
    assert state.message == "Task run encountered an exception Mute: <its text cannot be had: RuntimeError>"
    assert len(attempts) == 2
