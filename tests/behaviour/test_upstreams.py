"""Futures and states among the arguments: waited for, and replaced by their values."""

import dataclasses
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pydantic
import pytest

from perdure import State, allow_failure, flow, quote, task, unmapped
from perdure.errors import UnfinishedRun, UpstreamTaskError
from perdure.futures import Future
from perdure.states import StateType


@task
def one() -> int:
    return 1


@task
def same(x: Any) -> Any:
    return x


@task
def fail() -> None:
    raise ValueError("x")


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass
class Holder:
    item: Any
    other: int = 0


@dataclasses.dataclass(frozen=True)
class FrozenHolder:
    item: Any


class Model(pydantic.BaseModel):
    item: Any


class Names(dict[str, Any]):
    pass


def resolved(wrap: Any) -> Any:
    @flow
    def passes() -> Any:
        return same(wrap(one.submit())), True

    return passes()[0]


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (lambda f: f, 1),
        (lambda f: [f, [f]], [1, [1]]),
        (lambda f: (f, 2), (1, 2)),
        (lambda f: {f}, {1}),
        (lambda f: {"k": f}, {"k": 1}),
        (lambda f: {f: "v"}, {1: "v"}),
        (lambda f: OrderedDict(a=f), OrderedDict(a=1)),
        (lambda f: Names(a=f), Names(a=1)),
        (lambda f: Pair(f, {"x": [f]}), Pair(1, {"x": [1]})),
        (lambda f: Holder(f), Holder(1)),
        (lambda f: FrozenHolder((f,)), FrozenHolder((1,))),
        (lambda f: Model(item=[f]), Model(item=[1])),
        (lambda f: defaultdict(list, a=f), {"a": 1}),
    ],
)
def test_a_future_is_replaced_anywhere_inside_an_argument(wrap: Any, expected: Any) -> None:
    result = resolved(wrap)

    assert result == expected
    assert type(result) is type(wrap(0)) or not isinstance(expected, dict)


def test_a_state_is_replaced_by_its_value() -> None:
    @flow
    def passes() -> Any:
        return same([one(return_state=True)])

    assert passes() == [1]


def test_what_holds_no_future_is_passed_as_the_same_object() -> None:
    given = {"a": [1, 2, (3,)]}

    assert same(given) is given


def test_an_argument_that_contains_itself_is_passed_as_it_is() -> None:
    loop: list[Any] = []
    loop.append(loop)

    assert same(loop) is loop


def test_quoted_futures_are_not_looked_for() -> None:
    @flow
    def passes() -> Any:
        return isinstance(same(quote([one.submit()]))[0], Future)

    assert passes() is True


def test_mapped_futures_are_replaced_by_the_list_of_their_values() -> None:
    @flow
    def sums() -> Any:
        return same(same.map([1, 2, 3])), same.submit({"all": same.map([4, 5])}).result()

    assert sums() == ([1, 2, 3], {"all": [4, 5]})


def test_a_task_whose_upstream_failed_is_not_ready(known: Any) -> None:
    @flow
    def passes() -> Any:
        state = same.submit(fail.submit()).wait()
        assert state is not None
        return str(state.type), state.name

    assert passes() == ("PENDING", "NotReady")
    assert known.task_run("same").state_name == "NotReady"


def test_the_result_of_a_task_that_is_not_ready_raises_whatever_is_asked() -> None:
    @flow
    def passes() -> Any:
        future = same.submit(fail.submit())
        with pytest.raises(UnfinishedRun):
            future.result()
        with pytest.raises(UnfinishedRun):
            future.result(raise_on_failure=False)
        return True

    assert passes() is True


def test_a_task_that_is_not_ready_fails_a_flow_that_returns_none() -> None:
    @flow
    def passes() -> None:
        same.submit(same.submit(fail.submit()))

    state = passes(return_state=True)

    assert state.is_failed()
    with pytest.raises(ValueError, match="x"):
        state.result()


def test_a_called_task_given_a_failed_state_is_not_ready_either() -> None:
    @flow
    def passes() -> Any:
        return str(same(fail(return_state=True), return_state=True).type)

    assert passes() == "PENDING"


def test_allow_failure_passes_the_exception() -> None:
    @flow
    def passes() -> Any:
        return same.submit(allow_failure(fail.submit())).result()

    assert isinstance(passes(), ValueError)


def test_allow_failure_does_not_cover_what_is_not_ready() -> None:
    @flow
    def passes() -> Any:
        not_ready = same.submit(fail.submit())
        return str(same.submit(allow_failure(not_ready)).get_state().type), str(
            same(allow_failure(not_ready), return_state=True).type
        )

    assert passes()[1] == "PENDING"


def test_a_subflow_given_a_failed_input_raises_upstream_task_error() -> None:
    @flow
    def child(x: Any) -> Any:
        return x

    @flow
    def parent() -> Any:
        with pytest.raises(UpstreamTaskError):
            child(fail.submit())
        return True

    assert parent() is True


def test_a_subflow_gets_values_in_the_place_of_futures() -> None:
    @flow
    def child(x: int, more: list[int]) -> Any:
        return x, more

    @flow
    def parent() -> Any:
        return child(one.submit(), [one.submit()])

    assert parent() == (1, [1])


def test_wait_for_holds_a_task_back_until_the_others_have_finished() -> None:
    order = []

    @task
    def note(name: str) -> None:
        order.append(name)

    @flow
    def ordered() -> Any:
        first = note.submit("first")
        second = note.submit("second", wait_for=[first])
        note.submit("third", wait_for=[second]).result()
        return True

    ordered()

    assert order == ["first", "second", "third"]


def test_wait_for_a_failed_run_leaves_the_task_not_ready() -> None:
    @flow
    def waits() -> Any:
        state = one.submit(wait_for=[fail.submit()]).wait()
        return state is not None and state.name

    assert waits() == "NotReady"


def test_wait_for_takes_states_and_mapped_futures() -> None:
    @flow
    def waits() -> Any:
        return one(wait_for=[same(1, return_state=True), same.map([1, 2])])

    assert waits() == 1


def test_a_hand_made_state_can_be_an_argument() -> None:
    assert same(State(StateType.COMPLETED, data=5)) == 5


def test_unmapped_given_to_a_call_is_taken_off() -> None:
    assert same(unmapped([1])) == [1]


def test_a_flow_may_wait_for_runs_too() -> None:
    @flow
    def child() -> int:
        return 5

    @flow
    def parent() -> Any:
        waited = child(wait_for=[one.submit()])
        return waited, child(wait_for=[fail.submit()], return_state=True).is_failed()

    assert parent() == (5, True)


def test_what_is_not_ready_names_the_run_above_it() -> None:
    @flow
    def waits() -> list[str | None]:
        failed = fail.submit()
        below = same.submit(failed)
        states = [below.wait(), same(below, return_state=True), same(1, wait_for=[failed], return_state=True)]
        return [state.message for state in states]

    said = "Upstream run {} did not reach a 'COMPLETED' state: it is {}."
    direct = said.format("'fail-0'", "Failed('Task run encountered an exception ValueError: x')")
    assert waits() == [direct, said.format("'same-0'", "NotReady"), direct]


def test_a_subflow_names_the_run_whose_failure_it_was_given() -> None:
    @flow
    def below(x: Any) -> Any:
        return x

    @flow
    def above() -> Any:
        return below(fail(return_state=True))

    with pytest.raises(UpstreamTaskError, match="Upstream run 'fail-0' did not"):
        above()
