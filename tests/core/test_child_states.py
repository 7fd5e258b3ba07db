"""The states of a flow run's calls are in the order of the calls, however many there are."""

import pytest

from perdure import flow, task
from perdure._platform.ids import new_id
from perdure._results.types import UnpersistedResult
from perdure._run import child_states
from perdure._run.child_states import Children
from perdure.states import State, StateType

FLOW_RUN = new_id()
DATA = UnpersistedResult[object](python_type="builtins.dict")


@pytest.fixture(autouse=True)
def few_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_states, "VALUES_KEPT", 2)


def completed(run_id: str, name: str | None = None, message: str | None = None) -> State[object]:
    return State(StateType.COMPLETED, name, message, DATA, 1_800_000_000_000_000, FLOW_RUN, run_id)


def described(state: State[object]) -> tuple[object, ...]:
    return state.type, state.name, state.message, state.data, state.time, state.flow_run_id, state.task_run_id


def test_packed_states_are_made_again_as_they_were() -> None:
    kept = Children(FLOW_RUN)
    states = [completed(new_id(), name) for name in (None, None, None, "Named", None)]
    for state in states:
        place = kept.add()
        if place < 2:
            kept.put(place, state)
        else:
            assert kept.put_completed(place, state, "builtins.dict", DATA)

    assert list(map(described, kept)) == list(map(described, states))
    assert len(kept) == 5


def test_a_state_with_more_to_it_is_kept_as_it_is() -> None:
    kept = Children(FLOW_RUN)
    for _ in range(5):
        kept.add()
    noted = completed(new_id())
    noted.note_cache_key("key")

    assert not kept.put_completed(2, completed(new_id(), message="by hand"), "builtins.dict", DATA)
    assert not kept.put_completed(3, noted, "builtins.dict", DATA)
    assert not kept.put_completed(4, completed("of another system"), "builtins.dict", DATA)
    kept.put(3, noted)
    assert list(kept) == [noted]


def test_the_newest_state_of_a_place_counts() -> None:
    kept = Children(FLOW_RUN)
    for _ in range(3):
        kept.add()
    kept.put_completed(2, completed(new_id()), "builtins.dict", DATA)
    failed = State(StateType.FAILED, task_run_id=new_id())
    kept.put(2, failed)

    assert list(kept) == [failed]


def test_a_flow_of_many_calls_comes_to_the_states_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure._engine.lifecycle.begin.VALUES_KEPT", 2)

    @task
    def number(n: int) -> int:
        if n == 5:
            raise ValueError
        return n

    @flow
    def many() -> None:
        for n in range(7):
            number(n, return_state=True)

    states = many(return_state=True).result(raise_on_failure=False)

    assert [state.type for state in states] == ["COMPLETED"] * 5 + ["FAILED", "COMPLETED"]
    assert states[0].result() == 0
    assert len({state.task_run_id for state in states}) == 7
