"""`get_result`: the value of a run, for a process that did not run it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from perdure import State, flow, session, task
from perdure.core.errors import FailedRun, MissingResult, RunMissing, UnfinishedRun
from perdure.core.ids import new_id
from perdure.core.records import FlowRunRecord, StateRecord
from perdure.core.states import StateType
from perdure.results import aget_result, get_result


@task
def double(n: int) -> int:
    if n < 0:
        raise ValueError("negative")
    return 2 * n


kept_double = task(persist_result=True)(double.fn)


def later(state: State[Any]) -> str:
    """The id of the state's run, with this process's memory of it gone."""
    session.close()
    assert state.run_id is not None
    return state.run_id


def test_a_persisted_value_can_be_had_later():
    run_id = later(flow(persist_result=True)(lambda: {"a": 1})(return_state=True))
    assert get_result(run_id) == {"a": 1}


def test_an_id_may_be_a_uuid():
    run_id = later(flow(persist_result=True)(lambda: 5)(return_state=True))
    assert get_result(UUID(run_id)) == 5


@pytest.mark.parametrize("value", [True, UUID(int=5)])
def test_a_literal_can_be_had_later(value: object):
    run_id = later(flow(lambda: value)(return_state=True))
    assert get_result(run_id) == value


def test_a_task_run_s_value_can_be_had_later():
    run_id = later(kept_double(4, return_state=True))
    assert get_result(run_id) == 8


def test_a_value_that_was_not_persisted_is_missing_and_the_error_says_how_to_persist_it():
    run_id = later(flow(lambda: [1, 2])(return_state=True))
    with pytest.raises(MissingResult, match=r"The list that flow run .* Set persist_result=True on the flow"):
        get_result(run_id)


def test_a_failed_run_raises_the_exception_that_was_persisted():
    run_id = later(kept_double(-1, return_state=True))
    with pytest.raises(ValueError, match="negative"):
        get_result(run_id)
    assert isinstance(get_result(run_id, raise_on_failure=False), ValueError)


def test_a_failed_run_whose_exception_was_not_persisted_raises_its_message():
    run_id = later(double(-1, return_state=True))
    with pytest.raises(FailedRun, match="ValueError: negative"):
        get_result(run_id)


def test_a_flow_that_returned_nothing_gives_the_states_of_what_it_called():
    @flow
    def parent() -> None:
        kept_double(1)
        flow(lambda: True)()
        double(2)

    states = get_result(later(parent(return_state=True)))
    assert [state.type for state in states] == ["COMPLETED"] * 3
    assert [states[0].result(), states[1].result()] == [2, True]
    with pytest.raises(MissingResult):
        states[2].result()


def test_a_flow_that_failed_by_its_children_raises_what_the_first_of_them_raised():
    @flow
    def parent() -> None:
        double(1)
        kept_double(-1, return_state=True)

    run_id = later(parent(return_state=True))
    with pytest.raises(ValueError, match="negative"):
        get_result(run_id)
    assert [state.type for state in get_result(run_id, raise_on_failure=False)] == ["COMPLETED", "FAILED"]


def test_of_a_flow_that_was_tried_again_only_what_its_last_attempt_called_counts():
    attempts = []

    @flow(retries=1)
    def parent() -> None:
        attempts.append(1)
        double(1)
        double(-1 if len(attempts) == 1 else 3, return_state=True)

    states = get_result(later(parent(return_state=True)))
    assert [state.result() for state in states] == [2, 6]


def test_a_run_that_has_not_ended_has_no_value_yet():
    run_id = new_id()
    session.current().orchestrator.commit(
        [
            FlowRunRecord(run_id, "slow", "slow", None, None, None, "[]", "{}", 1),
            StateRecord(run_id, False, StateType.RUNNING, "Running", None, 2),
        ]
    )
    with pytest.raises(UnfinishedRun):
        get_result(run_id)


def test_an_id_that_no_run_has_is_said_to_be_so():
    with pytest.raises(RunMissing, match="PERDURE_HOME"):
        get_result(new_id())


def test_what_is_no_id_is_said_to_be_none():
    with pytest.raises(RunMissing, match=r"'amber-fox' is not a run's id"):
        get_result("amber-fox")


def test_a_value_is_had_in_async_code():
    run_id = later(flow(persist_result=True)(lambda: 5)(return_state=True))
    assert asyncio.run(aget_result(run_id)) == 5
