"""States: what may follow what, how several add up, and what each says of itself."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import State
from perdure._model import states
from perdure._model.state_types import FINAL, UNSUCCESSFUL
from perdure._model.states import aggregate, exception_from
from perdure._model.transitions import TRANSITIONS, check_transition
from perdure.errors import CancelledRun, CrashedRun, FailedRun, InvalidTransition, UnfinishedRun
from perdure.states import StateType

few = settings(max_examples=30, deadline=None)  # a busy machine is slow, not wrong

types = st.sampled_from(StateType)
some_states = st.lists(types.map(State), min_size=1, max_size=20)


@few
@given(st.none() | types, types)
def test_a_transition_is_refused_unless_the_table_has_it(before: StateType | None, after: StateType) -> None:
    if after in TRANSITIONS[before]:
        check_transition(before, after)
    else:
        with pytest.raises(InvalidTransition, match=after):
            check_transition(before, after)


def test_every_type_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == {None, *StateType}


def test_a_run_begins_scheduled_or_pending() -> None:
    assert TRANSITIONS[None] == {StateType.SCHEDULED, StateType.PENDING}


def test_what_has_completed_stays_completed() -> None:
    assert TRANSITIONS[StateType.COMPLETED] == set()


@few
@given(types.filter(lambda kind: kind not in FINAL))
def test_every_state_that_is_not_final_can_come_to_an_end(kind: StateType) -> None:
    assert {StateType.FAILED, StateType.CRASHED, StateType.CANCELLED} <= TRANSITIONS[kind]


@few
@given(types.filter(lambda kind: kind in UNSUCCESSFUL))
def test_what_did_not_succeed_can_only_begin_again(kind: StateType) -> None:
    assert TRANSITIONS[kind] == {StateType.SCHEDULED, StateType.PENDING}


@few
@given(types)
def test_every_state_can_be_reached(kind: StateType) -> None:
    assert any(kind in row for row in TRANSITIONS.values())


@few
@given(types)
def test_a_state_is_of_exactly_one_type(kind: StateType) -> None:
    state = State[Any](kind)

    says = [other for other in StateType if getattr(state, f"is_{other.lower()}")()]
    assert says == [kind]
    assert state.is_final() is (kind in FINAL)


@few
@given(types)
def test_a_state_is_named_after_its_type_by_default(kind: StateType) -> None:
    assert State[Any](kind).name == kind.capitalize()
    assert State[Any](kind, "Other").name == "Other"
    assert getattr(states, kind.capitalize())("m").message == "m"


@few
@given(some_states)
def test_completed_needs_every_state_to_be_completed(some: list[State[Any]]) -> None:
    kind, _ = aggregate(some)

    assert (kind is StateType.COMPLETED) is all(state.is_completed() for state in some)


@few
@given(some_states)
def test_any_cancelled_state_makes_the_whole_cancelled(some: list[State[Any]]) -> None:
    kind, _ = aggregate(some)

    assert (kind is StateType.CANCELLED) is any(state.is_cancelled() for state in some)


@few
@given(some_states)
def test_the_whole_is_always_final(some: list[State[Any]]) -> None:
    assert aggregate(some)[0] in FINAL


@few
@given(some_states, st.randoms())
def test_the_order_does_not_count(some: list[State[Any]], random: Any) -> None:
    shuffled = random.sample(some, len(some))

    assert aggregate(shuffled) == aggregate(some)


@few
@given(types.filter(lambda kind: kind not in FINAL))
def test_a_run_that_has_not_ended_has_no_result(kind: StateType) -> None:
    for raise_on_failure in (True, False):
        with pytest.raises(UnfinishedRun):
            State[Any](kind, data=1).result(raise_on_failure)


@pytest.mark.parametrize(
    ("kind", "error"),
    [(StateType.FAILED, FailedRun), (StateType.CRASHED, CrashedRun), (StateType.CANCELLED, CancelledRun)],
)
@few
@given(text=st.text(min_size=1))
def test_the_exception_carries_the_message(kind: StateType, error: type[Exception], text: str) -> None:
    assert str(exception_from(State(kind, message=text), None)) == text
    assert type(exception_from(State(kind), text)) is error


def test_states_in_a_state_raise_the_first_that_did_not_succeed() -> None:
    first, second = ValueError("first"), ValueError("second")
    carried = [State(StateType.COMPLETED), State(StateType.FAILED, data=first), State(StateType.FAILED, data=second)]

    assert exception_from(State(StateType.FAILED), carried) is first


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (states.Completed(), "Completed()"),
        (states.Failed("why"), "Failed('why')"),
        (states.Completed(name="Cached"), "Cached(type=COMPLETED)"),
    ],
)
def test_a_state_shows_what_matters(state: State[Any], expected: str) -> None:
    assert repr(state) == expected
