"""Hooks: called with (flow or task, its run, the state) once a run has come to its end."""

import asyncio
import functools
from typing import Any

import pytest

from perdure import flow, get_run_logger, task
from perdure.states import Cancelled, Cancelling


class Notes:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def __call__(self, owner: Any, run: Any, state: Any) -> None:
        self.calls.append((owner.name, type(run).__name__, state.name))


@pytest.mark.parametrize("make", [flow, task])
def test_completion_and_failure_have_hooks_of_their_own(make: Any) -> None:
    good, bad = Notes(), Notes()

    def function(ok: bool) -> int:
        return 1 if ok else [][0]

    made = make(name="made", on_completion=[good], on_failure=[bad])(function)
    made(True)
    made(False, return_state=True)

    kind = "FlowRunContext" if make is flow else "TaskRunContext"
    assert good.calls == [("made", kind, "Completed")]
    assert bad.calls == [("made", kind, "Failed")]


def test_a_failure_that_is_retried_calls_no_hook() -> None:
    bad = Notes()
    attempts: list[int] = []

    @task(retries=1, on_failure=[bad])
    def once() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError

    once()

    assert bad.calls == []


def test_a_cancelled_flow_calls_its_cancellation_hook() -> None:
    notes = Notes()

    flow(name="f", on_cancellation=[notes])(lambda: Cancelled())(return_state=True)

    assert notes.calls == [("f", "FlowRunContext", "Cancelled")]


def test_a_crashed_run_calls_its_crash_hook() -> None:
    notes = Notes()

    @flow(on_crashed=[notes])
    def exits() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        exits()
    assert notes.calls == [("exits", "FlowRunContext", "Crashed")]


def test_what_a_hook_raises_changes_nothing() -> None:
    after = Notes()

    def broken(*_: Any) -> None:
        raise RuntimeError("broken hook")

    assert task(on_completion=[broken, after])(lambda: 5)() == 5
    assert len(after.calls) == 1


def test_a_coroutine_can_be_a_hook_of_sync_and_async_runs() -> None:
    calls = []

    async def hook(_: Any, __: Any, state: Any) -> None:
        await asyncio.sleep(0)
        calls.append(state.name)

    @flow(on_completion=[hook])
    async def awaits() -> int:
        return 1

    task(on_completion=[hook])(lambda: 1)()
    asyncio.run(awaits())

    assert calls == ["Completed", "Completed"]


def test_hooks_can_be_added_by_decorators() -> None:
    notes = Notes()

    @flow
    def made() -> int:
        return 1

    made.on_completion(notes)
    made()

    assert len(notes.calls) == 1


def test_a_hook_may_log_within_the_run(known: Any) -> None:
    def hook(*_: Any) -> None:
        get_run_logger().info("from the hook")

    task(name="t", on_completion=[hook])(lambda: 1)()

    assert "from the hook" in [line.message for line in known.lines(task_run_id=known.task_run("t").id)]


def test_a_hook_that_cannot_be_called_is_refused_at_definition() -> None:
    with pytest.raises(ValueError, match="on_failure"):
        task(on_failure=["not a function"])(lambda: 1)  # type: ignore[list-item]


def test_a_hook_sees_the_result_and_the_exception() -> None:
    seen: list[Any] = []

    async def awaits(_: Any, __: Any, state: Any) -> None:
        seen.append(await state.result(fetch=True))

    task(on_completion=[lambda *call: seen.append(call[2].result()), awaits])(lambda: 5)()
    task(on_failure=[lambda *call: seen.append(type(call[2].result(raise_on_failure=False)))])(lambda: 1 / 0)(
        return_state=True
    )

    assert seen == [5, 5, ZeroDivisionError]


def test_ctrl_c_in_a_completion_hook_is_raised_by_the_call(known: Any) -> None:
    def interrupts(*_: Any) -> None:
        raise KeyboardInterrupt

    @flow
    def calls() -> int:
        task(name="t", on_completion=[interrupts])(lambda: 1)()
        raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        calls()
    assert known.task_run("t").state_name == "Completed"
    assert known.flow_run("calls").state_name == "Crashed"


def called_with(hook: Any, made: Any = task) -> None:
    made(name="made", on_completion=[hook])(lambda: 1)()


@pytest.mark.parametrize("made", [task, flow])
def test_a_hook_gets_what_its_parameters_are_named_for(made: Any) -> None:
    got: list[Any] = []
    kind = "task" if made is task else "flow"
    function: dict[str, Any] = {"got": got}
    exec(f"def hook({kind}_run, {kind}, state): got.append([{kind}_run, {kind}, state])", function)

    called_with(function["hook"], made)

    ((run, owner, state),) = got
    assert [run.state_name, owner.name, state.name] == ["Completed", "made", "Completed"]


def test_a_hook_may_take_a_part_and_have_options() -> None:
    got: list[Any] = []

    def some(state: Any, channel: str = "none", *, urgent: bool = False) -> None:
        got.append([state.name, channel, urgent])

    def nothing() -> None:
        got.append([])

    for hook in (some, functools.partial(some, channel="ops", urgent=True), nothing):
        called_with(hook)

    assert got == [["Completed", "none", False], ["Completed", "ops", True], []]


def test_a_hook_that_takes_anything_gets_all() -> None:
    got: list[Any] = []

    def by_name(**everything: Any) -> None:
        got.append(list(everything))

    def by_position(*everything: Any) -> None:
        got.append([type(each).__name__ for each in everything])

    def first(task: Any, *others: Any) -> None:
        got.append([type(task).__name__, *(type(each).__name__ for each in others)])

    for hook in (by_name, by_position, first):
        called_with(hook)

    assert got == [["task", "task_run", "state"], *[["Task", "TaskRunContext", "State"]] * 2]


def test_parameters_of_other_names_are_filled_in_order() -> None:
    got: list[Any] = []

    def hook(x: Any, y: Any, state: Any, /) -> None:
        got.extend([x.name, y.state_name, state.name])

    called_with(hook)

    assert got == ["made", "Completed", "Completed"]


def test_a_retry_condition_is_called_by_the_names_of_its_parameters() -> None:
    seen: list[str] = []

    def condition(state: Any, task_run: Any) -> bool:
        seen.append(f"{state.name} {task_run.run_count}")
        return False

    task(retries=1, retry_condition_fn=condition)(lambda: [][0])(return_state=True)  # type: ignore[call-overload]

    assert seen == ["Failed 1"]


def test_a_hooks_run_knows_where_it_stands() -> None:
    runs: list[Any] = []

    @task(on_running=[lambda task_run: runs.append((task_run.start_time, task_run.end_time, task_run.state_name))])
    def inner() -> None:
        pass

    def hook(flow_run: Any) -> None:
        facts = ("flow_id", "flow_name", "deployment_id", "parent_task_run_id", "state_name", "state_type")
        runs.append([getattr(flow_run, fact) for fact in facts])
        assert flow_run.start_time <= flow_run.end_time

    @flow(on_completion=[hook])
    def outer() -> None:
        inner()

    outer()

    (start, end, name), of_flow = runs
    assert (start is not None, end, name) == (True, None, "Running")
    assert of_flow == ["outer", "outer", None, None, "Completed", "COMPLETED"]


@pytest.mark.parametrize("made", [task, flow])
def test_on_running_is_called_once_before_the_function(made: Any) -> None:
    order: list[str] = []

    @made(retries=1, on_running=[lambda state: order.append(state.name)])
    def fails_once() -> str:
        order.append("called")
        if len(order) == 2:
            raise ValueError
        return "done"

    assert fails_once() == "done"
    assert order == ["Running", "called", "called"]


def test_on_running_may_be_added_by_a_decorator() -> None:
    called: list[str] = []

    @task
    def made() -> int:
        return 1

    @made.on_running
    def begins(task: Any) -> None:
        called.append(task.name)

    made()
    assert called == ["made"]


@pytest.mark.parametrize("made", [task, flow])
def test_lists_of_hooks_may_be_empty(made: Any) -> None:
    assert made(on_running=[], on_completion=[], on_failure=[], on_cancellation=[], on_crashed=[])(lambda: 1)() == 1


@pytest.mark.parametrize("made", [task, flow])
def test_a_run_that_returns_cancelling_calls_the_hooks_of_cancellation(made: Any) -> None:
    called: list[str] = []

    made(on_cancellation=[lambda state: called.append(state.name)])(lambda: Cancelling())(return_state=True)

    assert called == ["Cancelling"]
