"""What the calls of a map have come to is packed, and seen as it was."""

import uuid

import pytest

from perdure._execution.mapped_entries import Entries
from perdure._platform.ids import new_id
from perdure._results.types import LiteralResult, UnpersistedResult
from perdure._run.pending import Pending
from perdure.states import State, StateType

FLOW_RUN = new_id()


def completed(data: object, message: str | None = None) -> State[object]:
    return State(StateType.COMPLETED, None, message, data, 1_800_000_000_000_000, FLOW_RUN, new_id())


def described(state: object) -> tuple[object, ...]:
    assert isinstance(state, State)
    data = state.data
    what = data.__class__, data.load(), data.describe()
    return state.type, state.name, state.message, state.time, state.flow_run_id, state.task_run_id, *what


@pytest.mark.parametrize(
    "data",
    [UnpersistedResult(3), UnpersistedResult("text"), LiteralResult(None), LiteralResult(uuid.uuid4())],
    ids=lambda data: type(data.load()).__name__,
)
def test_a_state_is_seen_as_it_was(data: object) -> None:
    entries, state = Entries(), completed(data)
    entries.append(Pending(str(state.task_run_id)))
    entries.end(0, state)

    assert entries.get(0) is not state
    assert described(entries.get(0)) == described(state)


@pytest.mark.parametrize(
    "state",
    [
        State(StateType.FAILED, None, "why", UnpersistedResult(ValueError()), None, FLOW_RUN, new_id()),
        completed(UnpersistedResult(1), "by hand"),
        completed(UnpersistedResult(python_type="int")),
    ],
    ids=["failed", "has a message", "its value was not kept"],
)
def test_a_state_with_more_to_it_is_kept_as_it_is(state: State[object]) -> None:
    entries = Entries()
    entries.append(Pending(str(state.task_run_id)))
    entries.end(0, state)

    assert entries.get(0) is state


def test_of_a_call_that_was_forgotten_nothing_is_kept() -> None:
    entries, states = Entries(), [completed(UnpersistedResult(number)) for number in range(2)]
    for state in states:
        entries.append(Pending(str(state.task_run_id)))
    entries.end(0, states[0])
    for index, state in enumerate(states):
        entries.forget(index)
        entries.end(index, state)

    assert [entries.get(0), entries.get(1)] == [None, None]
