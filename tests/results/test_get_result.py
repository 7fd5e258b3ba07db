"""`get_result`: the value of a run, for a process that did not run it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from perdure import State, flow, session, task
from perdure._platform.ids import new_id
from perdure.errors import FailedRun, MissingResult, RunMissing, UnfinishedRun
from perdure.records import FlowRunRecord, StateRecord
from perdure.results import LiteralResult, PersistedResult, afind_result, aget_result, find_result, get_result
from perdure.states import StateType


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


def test_a_name_that_no_run_has_is_named():
    with pytest.raises(RunMissing, match=r"There is no run 'amber-fox'\. Give its id, its name"):
        get_result("amber-fox")


def test_a_value_is_had_in_async_code():
    run_id = later(flow(persist_result=True)(lambda: 5)(return_state=True))
    assert asyncio.run(aget_result(run_id)) == 5


def test_a_run_is_given_by_its_state_its_name_or_its_path():
    @flow(flow_run_name="today", persist_result=True)
    def doubles(n: int) -> list[int]:
        return [kept_double(n)]

    state = doubles(4, return_state=True)
    session.close()
    assert get_result(state) == get_result("today") == [8]
    assert get_result("today/double-0") == 8


def test_of_several_runs_with_a_name_it_is_the_newest():
    for n in (1, 2, 3):
        flow(flow_run_name="same", persist_result=True)(lambda n: [n])(n)
    assert get_result("same") == [3]


@pytest.mark.parametrize("run", ["nothing is called so", State(StateType.COMPLETED)])
def test_what_stands_for_no_run_is_missing(run: Any):
    with pytest.raises(RunMissing, match="Give"):
        find_result(run)


def test_part_of_a_table_can_be_had_by_its_run():
    import pandas

    frame = pandas.DataFrame({"hour": range(24), "celsius": 20.0})
    run_id = later(task(persist_result=True, result_serializer="parquet")(lambda: frame)(return_state=True))
    assert get_result(run_id, columns=["hour"], rows=slice(2, 4))["hour"].tolist() == [2, 3]
    assert list(asyncio.run(aget_result(run_id, columns=["hour"]))) == ["hour"]


def test_there_are_no_parts_of_what_lies_in_no_storage():
    run_id = later(flow(lambda: True)(return_state=True))
    with pytest.raises(MissingResult, match=r"literal.* Get the whole value"):
        get_result(run_id, rows=slice(1))


def test_a_handle_is_found_without_loading_the_value():
    run_id = later(flow(persist_result=True)(lambda: {"a": 1})(return_state=True))
    found = find_result(run_id)
    assert isinstance(found, PersistedResult)
    assert (found.python_type, found.in_memory, found.get()) == ("builtins.dict", None, {"a": 1})
    assert found.location.endswith(found.storage_key)
    literal = later(flow(lambda: True)(return_state=True))
    assert isinstance(asyncio.run(afind_result(literal)), LiteralResult)


def test_the_handle_of_a_value_that_was_not_kept_knows_its_type():
    found = find_result(later(flow(lambda: [1, 2])(return_state=True)))
    assert found.type == "unpersisted"
    with pytest.raises(MissingResult, match=r"The builtins\.list"):
        found.get()


def test_the_handle_of_a_failed_run_gives_its_exception():
    run_id = later(kept_double(-1, return_state=True))
    assert str(find_result(run_id).get()) == "negative"
