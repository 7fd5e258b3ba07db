"""Idempotency keys: of all calls of a flow with one key, the first makes the run."""

import asyncio
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure.errors import DefinitionError, MissingResult
from perdure.testing.crashes import killed
from perdure.testing.invariants import violations
from tests.behaviour.conftest import Known
from tests.prepared import Prepared
from tests.prepared import run as run_prepared


def test_a_second_call_has_the_first_ones_run(known: Known) -> None:
    calls = []

    @flow(idempotency_key="day-{day}")
    def report(day: str) -> list[int]:
        calls.append(day)
        return [len(calls)]

    first, second = (report("mon", return_state=True) for _ in range(2))

    assert report("mon") == first.result() == second.result() == [1]
    assert first.flow_run_id == second.flow_run_id
    assert report("tue") == [2]
    assert calls == ["mon", "tue"]
    assert len(known.flow_runs()) == 2


def test_a_key_may_be_given_with_options() -> None:
    calls = []

    @flow
    def report() -> int:
        calls.append(1)
        return len(calls)

    assert [report.with_options(idempotency_key=key)() for key in ("a", "a", "b")] == [1, 1, 2]
    assert report() == 3


def test_the_key_is_the_flows_own() -> None:
    one = flow(lambda: [1], name="one", idempotency_key="k")
    two = flow(lambda: [2], name="two", idempotency_key="k")

    assert (one(), two(), one()) == ([1], [2], [1])


def test_a_flow_that_returns_nothing_gives_the_states_of_its_tasks_again() -> None:
    double = task(lambda x: 2 * x, name="double", persist_result=True)

    @flow(idempotency_key="k")
    def report() -> None:
        double(1)
        double(2)

    values = [[state.result() for state in report(return_state=True).result()] for _ in range(2)]
    assert values == [[2, 4], [2, 4]]


def test_a_failure_is_the_outcome_of_every_call() -> None:
    calls = []

    @flow(idempotency_key="k")
    def report() -> None:
        calls.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            report()
    assert calls == [1]


def test_a_value_that_was_not_kept_is_an_error_that_says_how_to_keep_it() -> None:
    @flow(idempotency_key="k", persist_result=False)
    def report() -> list[int]:
        return [1]

    assert report() == [1]
    with pytest.raises(MissingResult, match=r"key 'k' has completed.*persist_result=True"):
        report()


def test_a_call_waits_for_a_run_that_still_runs() -> None:
    calls = []

    @flow(idempotency_key="k")
    def report() -> list[int]:
        calls.append(1)
        time.sleep(0.05)
        return [len(calls)]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: report(), range(8))) == [[1]] * 8
    assert calls == [1]


def test_a_process_that_was_not_first_is_known_to_live(known: Known) -> None:
    report = flow(lambda: [1], name="report", idempotency_key="k")
    report()
    session.close()
    report()

    flow(lambda: [2], name="other")()
    start = session.current().orchestrator.start(known.flow_run("other").id)
    assert start is not None
    assert session.current().orchestrator.process(start.process_id) is not None


def test_coroutine_flows_wait_without_holding_their_loop() -> None:
    calls = []

    @flow(idempotency_key="k")
    async def report() -> list[int]:
        calls.append(1)
        await asyncio.sleep(0.02)
        return [len(calls)]

    async def together() -> Any:
        return await asyncio.gather(*(report() for _ in range(4)))

    assert asyncio.run(together()) == [[1]] * 4


def test_a_run_that_crashed_is_resumed(known: Known) -> None:
    calls = []

    @task
    def load() -> list[int]:
        calls.append("load")
        return [1]

    @flow(idempotency_key="k", durable=True)
    def report() -> list[int]:
        value = load()
        calls.append("flow")
        return value

    assert killed(report, before=10, flushed=True).killed
    before = known.flow_run("report").id
    assert report() == [1]

    assert known.flow_run("report").id == before
    assert calls.count("load") == 1
    assert violations(session.current().orchestrator) == []


@pytest.mark.slow
def test_a_crash_at_any_effect_leaves_a_key_that_continues() -> None:
    from perdure.testing.home import fresh_home

    double = task(lambda x: [2 * x], name="double")

    @flow(idempotency_key="k", durable=True)
    def report() -> list[int]:
        return double(1) + double(2)

    for before in range(1, 100):
        with fresh_home():
            crashed = killed(report, before=before).killed
            assert report() == [2, 4]
            assert report() == [2, 4]
            assert len(Known().flow_runs()) == 1
            assert violations(session.current().orchestrator) == []
        if not crashed:
            return
    raise AssertionError("not reached")


def test_a_flow_called_inside_another_has_no_key() -> None:
    below = flow(lambda: 1, name="below", idempotency_key="k")

    @flow
    def above() -> int:
        return below()

    with pytest.raises(DefinitionError, match=r"'below' has the idempotency key 'k'.*idempotency_key=None"):
        above()


def test_a_generator_flow_has_no_key() -> None:
    with pytest.raises(DefinitionError, match="is a generator and has an idempotency_key"):

        @flow(idempotency_key="k")
        def numbers() -> Any:
            yield 1


def test_a_template_names_parameters() -> None:
    with pytest.raises(DefinitionError, match="idempotency_key"):
        flow(idempotency_key="{dya}")(lambda day: day)


PROGRAM = """
import sys, time
from pathlib import Path
from perdure import flow

@flow(idempotency_key="{day}")
def report(day):
    with open("calls", "a") as calls:
        calls.write("x")
    time.sleep(0.2)
    return [day]

if __name__ == "__main__":
    while not Path("go").exists():
        time.sleep(0.005)
    print(report("mon"))
"""


@pytest.mark.slow
def test_of_sixteen_processes_at_once_one_makes_the_run(tmp_path: Path, known: Known) -> None:
    (tmp_path / "reporting.py").write_text(PROGRAM)
    processes = [
        Prepared("reporting.py", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(16)
    ]
    (tmp_path / "go").touch()

    assert [process.communicate(timeout=100)[0] for process in processes] == ["['mon']\n"] * 16
    assert (tmp_path / "calls").read_text() == "x"
    assert len(known.flow_runs()) == 1


@pytest.mark.slow
def test_the_command_shows_the_key_and_a_rerun_has_none(tmp_path: Path, known: Known) -> None:
    (tmp_path / "reporting.py").write_text(PROGRAM)

    def perdure(*arguments: str) -> str:
        return run_prepared("-m", "perdure", *arguments, cwd=tmp_path, check=True).stdout

    perdure("run", "reporting.py:report", "--param", "day=mon")
    perdure("run", "reporting.py:report", "--param", "day=mon")
    run = known.flow_run("report")
    assert "mon" in next(
        line for line in perdure("flow-run", "inspect", run.id).splitlines() if "idempotency key" in line
    )

    perdure("flow-run", "rerun", run.id)
    assert (tmp_path / "calls").read_text() == "xx"
