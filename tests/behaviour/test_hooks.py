"""Hooks: called with (flow or task, its run, the state) once a run has come to its end."""

import asyncio
from typing import Any

import pytest

from perdure import flow, get_run_logger, task
from perdure.core.states import Cancelled


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
