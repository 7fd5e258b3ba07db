"""The final state of a flow: what it returns decides, and where it returns None, what it called."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from perdure import State, flow, task
from perdure.errors import CancelledRun, CrashedRun, FailedRun
from perdure.states import Cancelled, Completed, Crashed, Failed, Paused, Pending, Scheduled, StateType


@task
def one() -> int:
    return 1


@task
def fail() -> None:
    raise ValueError("x")


@task
def double(x: Any) -> Any:
    return x * 2


def state_of(returned: Callable[[], Any]) -> State[Any]:
    @flow
    def made() -> Any:
        return returned()

    return made(return_state=True)


def test_a_flow_without_children_that_returns_none_is_completed() -> None:
    state = state_of(lambda: None)

    assert state.is_completed()
    assert state.result() is None


def test_a_flow_that_returns_none_fails_with_any_of_the_tasks_it_called() -> None:
    @flow
    def three_tasks() -> None:
        one()
        fail(return_state=True)
        one()

    state = three_tasks(return_state=True)

    assert state.is_failed()
    assert state.message == "1/3 states failed."


def test_a_failure_that_was_caught_fails_a_flow_that_returns_none() -> None:
    @flow
    def catches() -> None:
        with suppress(ValueError):
            fail()

    with pytest.raises(ValueError, match="x"):
        catches()


def test_the_result_of_a_flow_that_returns_none_is_the_list_of_its_childrens_states() -> None:
    @flow
    def two_tasks() -> None:
        one()
        double(2)

    result: Any = two_tasks()

    assert [state.result() for state in result] == [1, 4]


def test_children_are_listed_in_the_order_of_their_calls() -> None:
    @flow
    def many() -> None:
        for i in range(20):
            double.submit(i)

    result: Any = many()

    assert [state.result() for state in result] == [2 * i for i in range(20)]


def test_a_failed_subflow_fails_a_flow_that_returns_none() -> None:
    @flow
    def child() -> None:
        raise ValueError("child")

    @flow
    def parent() -> None:
        child(return_state=True)

    state = parent(return_state=True)

    assert state.is_failed()
    assert state.message == "1/1 states failed."


@pytest.mark.parametrize("value", [0, False, "", [], {}, 0.0])
def test_falsy_data_is_data(value: Any) -> None:
    @flow
    def falsy() -> Any:
        fail(return_state=True)
        return value

    state = falsy(return_state=True)

    assert state.is_completed()
    assert state.result() == value


def test_a_returned_future_decides_the_final_state() -> None:
    state = state_of(lambda: fail.submit())

    assert state.is_failed()
    assert state.message == "1/1 states failed."
    with pytest.raises(ValueError, match="x"):
        state.result()


def test_a_returned_future_gives_its_state() -> None:
    result = state_of(lambda: double.submit(4)).result()

    assert result.result() == 8


def test_a_returned_list_of_futures_aggregates() -> None:
    state = state_of(lambda: [one.submit(), fail.submit(), fail.submit()])

    assert state.is_failed()
    assert state.message == "2/3 states failed."


def test_a_returned_map_aggregates() -> None:
    state = state_of(lambda: double.map([1, 2, 3]))

    assert state.message == "All states completed."
    assert [each.result() for each in state.result()] == [2, 4, 6]


def test_futures_inside_a_returned_dict_become_states() -> None:
    state = state_of(lambda: {"a": one.submit(), "b": [double.submit(2)]})

    assert state.is_completed()
    assert state.result()["a"].result() == 1
    assert state.result()["b"][0].result() == 4


@pytest.mark.parametrize("collection", [list, tuple, set])
def test_a_collection_of_only_states_aggregates(collection: Any) -> None:
    state = state_of(lambda: collection([Completed(), Failed("m")]))

    assert state.is_failed()
    assert state.message == "1/2 states failed."


def test_a_mixed_collection_is_data() -> None:
    assert state_of(lambda: [Failed("m"), 1]).is_completed()


def test_a_dict_of_states_is_data() -> None:
    assert state_of(lambda: {"a": Failed("m")}).is_completed()


def test_a_state_made_by_hand_is_adopted_as_it_is() -> None:
    state = state_of(lambda: Completed(message="all well", data=42, name="Fine"))

    assert (state.type, state.name, state.message) == (StateType.COMPLETED, "Fine", "all well")
    assert state.result() == 42


def test_a_state_that_came_from_a_run_is_aggregated() -> None:
    state = state_of(lambda: fail(return_state=True))

    assert state.is_failed()
    assert state.message == "1/1 states failed."


def test_a_failed_state_by_hand_raises_its_message() -> None:
    state = state_of(lambda: Failed(message="too little data"))

    with pytest.raises(FailedRun, match="too little data"):
        state.result()


def test_a_failed_state_by_hand_raises_the_exception_it_carries() -> None:
    error = KeyError("k")

    with pytest.raises(KeyError) as raised:
        state_of(lambda: Failed(data=error)).result()
    assert raised.value is error


def test_text_in_a_failed_state_is_its_message() -> None:
    with pytest.raises(FailedRun, match="what went wrong"):
        state_of(lambda: Failed(data="what went wrong")).result()


def test_other_data_in_a_failed_state_cannot_be_raised() -> None:
    with pytest.raises(TypeError, match="int"):
        state_of(lambda: Failed(data=3)).result()


def test_a_crashed_state_by_hand_is_returned_like_any_other() -> None:
    state = state_of(lambda: Crashed(message="by hand"))

    assert state.is_crashed()
    with pytest.raises(CrashedRun, match="by hand"):
        state.result()


def test_a_cancelled_state_by_hand_raises_cancelled_run() -> None:
    with pytest.raises(CancelledRun, match="no need"):
        state_of(lambda: Cancelled(message="no need")).result()


@pytest.mark.parametrize("construct", [Scheduled, Paused])
def test_a_state_by_hand_that_is_not_final_is_adopted_too(construct: Any) -> None:
    assert state_of(construct).type == construct().type


def test_a_cancelled_child_goes_ahead_of_failures() -> None:
    @flow
    def child() -> Any:
        return Cancelled()

    @flow
    def parent() -> None:
        fail(return_state=True)
        child(return_state=True)

    state = parent(return_state=True)

    assert state.is_cancelled()
    assert state.message == "1/2 states cancelled."


def test_a_returned_exception_is_data() -> None:
    state = state_of(lambda: ValueError("data"))

    assert state.is_completed()
    assert isinstance(state.result(), ValueError)


def test_an_exception_in_a_flow_names_its_type_and_text() -> None:
    def raise_it() -> None:
        raise ValueError("x")

    state = state_of(raise_it)

    assert state.message == "Flow run encountered an exception. ValueError: x"


def test_the_database_has_every_state_of_a_flow_run(known: Any) -> None:
    state = state_of(lambda: 1)

    run = known.flow_run("made")
    assert run.state_type is StateType.COMPLETED
    assert run.id == state.flow_run_id
    assert known.state_names(run.id) == ["Pending", "Running", "Completed"]


def test_an_unfinished_state_made_by_hand_is_adopted() -> None:
    assert flow(lambda: Pending())(return_state=True).is_pending()
