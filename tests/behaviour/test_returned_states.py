"""States that tasks return are their runs' own, as those that flows return."""

from typing import Any

import pytest

from perdure import State, flow, quote, task
from perdure.errors import CancelledRun, FailedRun, UnfinishedRun
from perdure.results import get_result
from perdure.states import Cancelled, Cancelling, Completed, Crashed, Failed, Paused, Scheduled, StateType
from perdure.task_runners import ProcessTaskRunner


@task
def returns(value: Any) -> Any:
    return value


def returning(value: Any, **options: Any) -> Any:
    """A task that returns a value; as an argument, a state would stand for its value."""
    return task(name="returning", **options)(lambda: value)


@task
def fails() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("construct", [Completed, Failed, Crashed, Cancelled])
def test_a_state_that_a_task_returns_is_its_runs(construct: Any, known: Any) -> None:
    state = returning(construct(message="by hand", name="Mine"))(return_state=True)

    assert (state.type, state.name, state.message) == (construct().type, "Mine", "by hand")
    assert known.task_run("returning").state_name == "Mine"


def test_a_call_raises_what_a_returned_failure_says() -> None:
    with pytest.raises(FailedRun, match="The table is empty"):
        returning(Failed(message="The table is empty."))()
    with pytest.raises(KeyError):
        returning(Failed(data=KeyError("city")))()
    with pytest.raises(CancelledRun):
        returning(Cancelled())()


def test_the_data_of_a_returned_state_is_the_runs_value() -> None:
    assert returning(Completed(data=42))() == 42


def test_a_returned_failure_is_retried(known: Any) -> None:
    attempts: list[int] = []

    @task(retries=2)
    def fails_once() -> Any:
        attempts.append(1)
        return Failed(message="not yet") if len(attempts) == 1 else "done"

    assert fails_once() == "done"
    names = ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert known.state_names(known.task_run("fails_once").id) == names


@pytest.mark.parametrize("construct", [Crashed, Cancelled])
def test_other_returned_states_are_not_retried(construct: Any) -> None:
    attempts: list[int] = []

    @task(retries=2)
    def stops() -> Any:
        attempts.append(1)
        return construct()

    stops(return_state=True)
    assert attempts == [1]


def test_a_retry_condition_is_asked_about_a_returned_failure() -> None:
    seen: list[Any] = []

    @task(retries=1, retry_condition_fn=lambda task, run, state: seen.append((state.name, state.message)))
    def stops() -> Any:
        return Failed(message="no", name="Refused")

    stops(return_state=True)
    assert seen == [("Refused", "no")]


def test_what_waits_for_a_returned_failure_is_not_run() -> None:
    @flow
    def waits() -> Any:
        failed = returning(Failed(message="no")).submit()
        return [returns.submit(failed).wait().name, returns.submit(1, wait_for=[failed]).wait().name]

    assert waits() == ["NotReady", "NotReady"]


def test_a_returned_failure_fails_a_flow_that_returns_nothing() -> None:
    @flow
    def calls() -> None:
        returning(Failed())(return_state=True)

    assert calls(return_state=True).is_failed()


@pytest.mark.parametrize("data", ["too few rows", {"rows": 0}, ValueError("rows")])
def test_the_data_of_a_returned_failure_is_persisted(data: Any, known: Any) -> None:
    state: Any = returning(Failed(data=data), persist_result=True)(return_state=True)

    assert state.data.type == "reference"
    record = known.result(state.task_run_id)
    assert (record.kind, record.is_exception) == ("persisted", True)
    kept = get_result(state.task_run_id, raise_on_failure=False)
    assert repr(kept) == repr(data)


def test_a_returned_failure_is_not_cached() -> None:
    attempts: list[int] = []

    @task(cache_key_fn=lambda: "key")
    def fails_once() -> Any:
        attempts.append(1)
        return Failed() if len(attempts) == 1 else Completed(data="done")

    assert fails_once(return_state=True).is_failed()
    assert (fails_once(), fails_once()) == ("done", "done")
    assert len(attempts) == 2


def test_hooks_are_called_for_the_returned_state() -> None:
    called: list[str] = []
    hooks = {f"on_{name}": [lambda task, run, state: called.append(state.name)] for name in ("failure", "completion")}

    task(**hooks)(lambda: Failed(name="Refused"))(return_state=True)  # type: ignore[call-overload]

    assert called == ["Refused"]


@pytest.mark.parametrize("made", [task, flow])
@pytest.mark.parametrize("construct", [Scheduled, Paused, Cancelling])
def test_a_state_that_is_not_final_stays(made: Any, construct: Any, known: Any) -> None:
    function = made(name="stays")(lambda: construct(message="later"))

    state = function(return_state=True)

    assert (state.type, state.message) == (construct().type, "later")
    with pytest.raises(UnfinishedRun):
        function()


def test_states_of_runs_add_up() -> None:
    @task
    def gathers() -> Any:
        return [returns(1, return_state=True), fails(return_state=True)]

    state = gathers(return_state=True)

    assert (state.type, state.message) == (StateType.FAILED, "1/2 states failed.")


@pytest.mark.parametrize("made", [task, flow])
def test_quoted_states_are_values(made: Any) -> None:
    failed = Failed(message="data")

    assert made(lambda: quote(failed))().unquote() is failed
    assert made(lambda: quote([failed]))().unquote() == [failed]


def test_a_list_of_quoted_states_is_a_value() -> None:
    failed = Failed(message="data")

    assert flow(lambda: [quote(failed), quote(failed)])() == [failed, failed]


def test_states_of_other_collections_are_values() -> None:
    failed = Failed(message="data")

    assert returning({"a": failed})() == {"a": failed}
    assert returning([failed, 1])() == [failed, 1]


def test_a_state_takes_the_text_of_its_type() -> None:
    state: State[Any] = State(type="FAILED", message="by text")

    assert state.type is StateType.FAILED
    assert state.is_failed()
    assert flow(lambda: state)(return_state=True).is_failed()


def test_a_text_that_is_no_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'failed' is not a type of state. The types are SCHEDULED"):
        State("failed")


@pytest.mark.slow
def test_a_task_in_a_process_returns_its_state() -> None:
    @flow(task_runner=ProcessTaskRunner(max_workers=1))
    def calls() -> Any:
        return returning(Completed(data=1, name="Mine")).submit().wait().name, fails.submit().wait().name

    assert calls() == ("Mine", "Failed")
