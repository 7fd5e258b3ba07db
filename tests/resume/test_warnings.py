"""What would spoil a resumption is said while something can be done about it."""

import logging
import threading
from typing import Any

import pytest

from perdure import Task, flow, session, task
from perdure.records import RunFilter


@task(persist_result=True)
def load(day: str, lock: object) -> dict[str, str]:
    return {"day": day}


def warnings() -> list[str]:
    lines = session.current().orchestrator.logs()
    return [line.message for line in lines if line.level == logging.WARNING]


def test_an_argument_that_cannot_be_digested_is_named_once_a_run():
    @flow
    def loads() -> None:
        for day in ("monday", "tuesday"):
            load(day, threading.Lock())

    loads()
    (line,) = warnings()
    assert line.startswith("The argument 'lock' of task 'load' cannot be digested.")
    assert "Give the task a step_id" in line


def test_with_a_step_id_nothing_is_said():
    @flow
    def loads() -> None:
        load.with_options(step_id="load-{day}")("monday", threading.Lock())

    loads()
    assert warnings() == []


def test_nothing_is_said_of_a_step_that_is_not_persisted():
    @flow
    def loads() -> None:
        load.with_options(persist_result=False)("monday", threading.Lock())

    loads()
    assert warnings() == []


@pytest.mark.parametrize("options", [{"durable": True}, {"on_crash": "resume"}], ids=["durable", "on_crash"])
def test_a_flow_that_is_to_survive_says_if_its_arguments_cannot_be_kept(
    options: dict[str, bool],
):
    flow(lambda lock: None, **options)(threading.Lock())  # type: ignore[call-overload]
    (line,) = warnings()
    assert line.startswith("The arguments of this run are not kept")


def test_other_flows_say_nothing_of_their_arguments():
    flow(lambda lock: None)(threading.Lock())
    assert warnings() == []


def test_resuming_with_other_code_than_a_run_began_with_is_said():
    stops = True

    @flow(version="1")
    def counts() -> int:
        if stops:
            raise KeyboardInterrupt
        return 1

    with pytest.raises(KeyboardInterrupt):
        counts()
    stops = False
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert counts.with_options(version="2").resume(run.id) == 1
    (line,) = warnings()
    assert line.startswith("The code of flow 'counts' has changed since this run began: its version was 1 and is 2.")


def test_resuming_with_the_same_code_says_nothing():
    stops = True

    @flow
    def counts() -> int:
        if stops:
            raise KeyboardInterrupt
        return 1

    with pytest.raises(KeyboardInterrupt):
        counts()
    stops = False
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert counts.resume(run.id) == 1
    assert warnings() == []


@task(persist_result=True)
def fetch(day: str, lock: object) -> dict[str, str]:
    return load.fn(day, lock)


@pytest.mark.parametrize("called", [load, fetch])
def test_resuming_a_run_none_of_whose_steps_is_called_again_is_said(called: Task[Any, Any]):
    stops = True

    @flow
    def loads() -> None:
        (load if stops else called)("monday", 1)
        if stops:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loads()
    stops = False
    loads.resume(session.current().orchestrator.flow_runs(RunFilter())[0].id)

    said = [line for line in warnings() if line.startswith("None of the steps that were done before was called again")]
    assert len(said) == (called is fetch)
