"""Flow runs that wait: for somebody to continue them, in their process or without one."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from perdure import continue_flow_run, flow, pause_flow_run, runtime, session, suspend_flow_run, task
from perdure._engine.control import pausing
from perdure.errors import MissingContext, PauseTimeout, ResumeError, SteeringError, SuspendedRun
from perdure.testing.invariants import violations


class Approval(BaseModel):
    approved: bool
    by: str = "nobody"


others: list[threading.Thread] = []


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pausing, "_LOOK_SECONDS", 0.01)
    others.clear()
    yield
    for thread in others:
        thread.join(20)


def soon(act: Callable[[str], object]) -> None:
    """Do something to the current flow run, from another thread, once it is paused."""
    run_id = str(runtime.flow_run.id)

    def wait_and_act() -> None:
        known = session.current().orchestrator
        while known.states(run_id)[-1].type != "PAUSED":
            time.sleep(0.005)
        act(run_id)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    others.append(thread)


def test_a_paused_flow_continues_with_the_input(known: Any) -> None:
    @flow
    def asks() -> Any:
        soon(lambda run_id: continue_flow_run(run_id, input={"approved": True}))
        return pause_flow_run(wait_for_input=Approval)

    assert asks() == Approval(approved=True)
    run = known.flow_run("asks")
    assert known.state_names(run.id) == ["Pending", "Running", "Paused", "Continued", "Completed"]
    assert violations(session.current().orchestrator) == []


def test_a_pause_without_input_gives_none() -> None:
    @flow
    def waits() -> Any:
        soon(continue_flow_run)
        return [pause_flow_run()]

    assert waits() == [None]


def test_a_coroutine_flow_awaits_its_pause() -> None:
    @flow
    async def asks() -> Any:
        soon(lambda run_id: continue_flow_run(run_id, input=5))
        return await pause_flow_run(wait_for_input=int)

    assert asyncio.run(asks()) == 5


def test_a_model_is_input_as_its_fields_are() -> None:
    @flow
    def asks() -> Any:
        soon(lambda run_id: continue_flow_run(run_id, input=Approval(approved=False, by="me")))
        return pause_flow_run(wait_for_input=Approval)

    assert asks().by == "me"


def test_a_subflow_pauses_by_itself(known: Any) -> None:
    @flow
    def inner() -> Any:
        soon(lambda run_id: continue_flow_run(run_id, input=1))
        return pause_flow_run(wait_for_input=int)

    assert flow(name="outer")(lambda: inner())() == 1
    assert "Paused" not in known.state_names(known.flow_run("outer").id)


def test_a_pause_that_nobody_ends_in_time_fails_the_flow(known: Any) -> None:
    @flow
    def waits() -> None:
        pause_flow_run(timeout=0.02)

    with pytest.raises(PauseTimeout, match="was not continued by"):
        waits()
    assert known.state_names(known.flow_run("waits").id) == ["Pending", "Running", "Paused", "Failed"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "it takes JSON of type object, and was given null"),
        ({"by": "me"}, "approved must be given"),
        ({"approved": "perhaps"}, 'approved takes boolean, and was given "perhaps".'),
    ],
)
def test_input_that_is_wrong_at_first_sight_is_refused(given: Any, why: str) -> None:
    refusals: list[str] = []

    def try_twice(run_id: str) -> None:
        try:
            continue_flow_run(run_id, input=given)
        except SteeringError as error:
            refusals.append(str(error))
        continue_flow_run(run_id, input={"approved": True})

    @flow
    def asks() -> Any:
        soon(try_twice)
        return pause_flow_run(wait_for_input=Approval).approved

    assert asks() is True
    assert why in refusals[0]


class Signed(Approval):
    @field_validator("by")
    @classmethod
    def _is_somebody(cls, by: str) -> str:
        if by == "nobody":
            raise ValueError("somebody must sign")
        return by


def test_input_that_the_flow_refuses_leaves_it_paused(capsys: pytest.CaptureFixture[str]) -> None:
    def try_twice(run_id: str) -> None:
        continue_flow_run(run_id, input={"approved": True, "by": "nobody"})
        while True:
            try:
                continue_flow_run(run_id, input={"approved": True})
            except SteeringError:
                time.sleep(0.01)
            else:
                return

    @flow
    def asks() -> Any:
        soon(try_twice)
        return pause_flow_run(wait_for_input=Signed).approved

    assert asks() is True
    assert "is refused" in capsys.readouterr().err


def test_one_of_several_continues_a_flow_run() -> None:
    outcomes: list[str] = []

    def race(run_id: str) -> None:
        def continue_it(number: int) -> None:
            try:
                continue_flow_run(run_id, input=number)
                outcomes.append(f"input {number}")
            except SteeringError:
                outcomes.append("refused")

        threads = [threading.Thread(target=continue_it, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @flow
    def asks() -> Any:
        soon(race)
        return pause_flow_run(wait_for_input=int)

    number = asks()
    assert f"input {number}" in outcomes
    assert len([each for each in outcomes if each != "refused"]) == 1


def test_a_flow_run_that_is_not_paused_is_not_continued(known: Any) -> None:
    flow(name="ended")(lambda: 1)()
    with pytest.raises(SteeringError, match="is not paused: it is Completed"):
        continue_flow_run(known.flow_run("ended").id)


@pytest.mark.parametrize("pause", [pause_flow_run, suspend_flow_run])
def test_only_a_flow_pauses(pause: Any) -> None:
    @task
    def pauses() -> None:
        pause()

    with pytest.raises(MissingContext, match="outside all flows"):
        pause()
    with pytest.raises(MissingContext, match="in the task 'pauses'"):
        flow(lambda: pauses())()


def test_a_subflow_does_not_suspend_itself() -> None:
    inner = flow(name="inner")(lambda: suspend_flow_run())
    with pytest.raises(MissingContext, match="Call it in the outermost flow"):
        flow(lambda: inner())()


# Suspending


def test_a_suspended_flow_continues_where_it_was(known: Any) -> None:
    calls: list[int] = []

    @task
    def step(number: int) -> list[int]:
        calls.append(number)
        return [number]

    @flow(durable=True)
    def asks() -> Any:
        try:
            first = step(1)
            return [first, suspend_flow_run(wait_for_input=int), step(2)]
        except Exception as error:
            return error

    state = asks(return_state=True)
    assert (state.type, state.name) == ("PAUSED", "Suspended")
    run = known.flow_run("asks")
    with pytest.raises(ResumeError, match="is suspended"):
        asks.resume(run.id)
    continue_flow_run(run.id, input=7)
    assert asks.resume(run.id) == [[1], 7, [2]]
    assert calls == [1, 2]
    assert known.state_names(run.id) == [
        *("Pending", "Running", "Suspended"),
        *("Resuming", "Resumed", "Completed"),
    ]
    assert violations(session.current().orchestrator) == []


def test_who_calls_a_flow_that_suspends_itself_learns_it() -> None:
    with pytest.raises(SuspendedRun, match="flow-run continue"):
        flow(lambda: suspend_flow_run())()


def test_a_coroutine_flow_suspends_itself_too(known: Any) -> None:
    @flow(durable=True)
    async def asks() -> Any:
        return await suspend_flow_run(wait_for_input=str)

    with pytest.raises(SuspendedRun):
        asyncio.run(asks())
    run = known.flow_run("asks")
    continue_flow_run(run.id, input="yes")
    assert asyncio.run(asks.resume(run.id)) == "yes"


def test_what_was_submitted_ends_before_the_flow_is_suspended(known: Any) -> None:
    @task
    def slow() -> int:
        time.sleep(0.05)
        return 1

    @flow(durable=True)
    def asks() -> Any:
        future = slow.submit()
        suspend_flow_run()
        return future.result()

    assert asks(return_state=True).is_paused()
    assert known.task_run("slow").state_name == "Completed"


def test_a_suspended_flow_run_is_not_lost(known: Any) -> None:
    from perdure._engine.recovery.lost_runs import lost_runs

    flow(name="asks")(lambda: suspend_flow_run())(return_state=True)
    assert [run.id for run in lost_runs(session.current())] == []


def test_a_flow_run_that_was_continued_and_has_not_been_resumed_says_so(known: Any) -> None:
    flow(name="asks")(lambda: suspend_flow_run())(return_state=True)
    id = known.flow_run("asks").id
    continue_flow_run(id)
    with pytest.raises(SteeringError, match="has been continued already"):
        continue_flow_run(id)


def test_a_suspended_flow_run_can_be_cancelled(known: Any) -> None:
    from perdure import cancel_flow_run

    flow(name="asks")(lambda: suspend_flow_run())(return_state=True)
    run = known.flow_run("asks")
    cancel_flow_run(run.id)
    assert known.state_names(run.id)[-1] == "Cancelled"
    with pytest.raises(SteeringError, match="is not paused: it is Cancelled"):
        continue_flow_run(run.id)


def test_a_suspended_flow_run_that_is_continued_too_late_has_failed(known: Any) -> None:
    flow(name="asks")(lambda: suspend_flow_run(timeout=0))(return_state=True)
    run = known.flow_run("asks")
    with pytest.raises(SteeringError, match="could be continued until"):
        continue_flow_run(run.id)
    assert known.flow_run("asks").state_type == "FAILED"
    assert violations(session.current().orchestrator) == []


def test_a_suspended_flow_run_that_timed_out_waits_again_when_it_is_resumed(known: Any) -> None:
    @flow(persist_result=True)
    def asks() -> Any:
        return suspend_flow_run(wait_for_input=int, timeout=next(timeouts))

    timeouts = iter((0, 60, 60))
    asks(return_state=True)
    run = known.flow_run("asks")
    with pytest.raises(SteeringError, match="could be continued until"):
        continue_flow_run(run.id, input=1)
    assert asks.resume(run.id, retry_failed=True, return_state=True).is_paused()
    continue_flow_run(run.id, input=2)
    assert asks.resume(run.id) == 2


def test_a_pause_is_known_by_its_key_when_the_flow_is_tried_again() -> None:
    @flow(retries=1)
    def asks() -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            soon(lambda run_id: continue_flow_run(run_id, input=3))
        given = pause_flow_run(wait_for_input=int, key="amount")
        if len(attempts) == 1:
            raise ValueError
        return given

    attempts: list[int] = []
    assert asks() == 3


@pytest.mark.parametrize("timeout", [-1, float("inf"), "1"])
def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout="):
        flow(lambda: pause_flow_run(timeout=timeout))()
