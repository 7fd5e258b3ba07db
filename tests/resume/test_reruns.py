"""A flow is run again from one of its steps: what an earlier run had done before is reused."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from perdure import continue_flow_run, flow, session, suspend_flow_run, task
from perdure.cache_policies import INPUTS
from perdure.errors import ParameterBindError, ResumeError, RunMissing
from perdure.records import FlowRun, RunFilter

called: list[str] = []


@task
def load(day: int) -> int:
    called.append(f"load {day}")
    return day


@task(cache_policy=INPUTS)
def train(rows: int, rate: float) -> float:
    called.append(f"train {rows} {rate}")
    return rows * rate


@task
def report(model: float) -> str:
    called.append(f"report {model}")
    return f"model {model}"


@flow(persist_result=True)
def prepared(day: int) -> int:
    called.append(f"prepared {day}")
    return load(day)


@flow(durable=True)
def pipeline(day: int, rate: float = 0.5) -> str:
    return report(train(prepared(day) + load(day), rate))


@pytest.fixture(autouse=True)
def _nothing_called() -> None:
    called.clear()


def newest() -> FlowRun:
    (run,) = session.current().orchestrator.flow_runs(RunFilter(outermost=True, limit=1))
    return run


def first_run() -> FlowRun:
    pipeline(2)
    called.clear()
    return newest()


def test_a_step_and_all_after_it_run_again_and_what_came_before_does_not() -> None:
    run = first_run()
    assert pipeline.rerun(run.id, from_step="train-0") == "model 2.0"
    assert called == ["train 4 0.5", "report 2.0"]
    assert newest().id != run.id


def test_a_step_may_be_named_by_its_id_and_be_a_subflow() -> None:
    run = first_run()
    orchestrator = session.current().orchestrator
    (below,) = orchestrator.flow_runs(RunFilter(flow_run_ids=(run.id,)))
    assert pipeline.rerun(run.id, from_step=below.id) == "model 2.0"
    assert called == ["prepared 2", "load 2", "load 2", "train 4 0.5", "report 2.0"]


def test_other_arguments_reach_the_steps_that_they_change() -> None:
    run = first_run()
    assert pipeline.rerun(run.id, from_step="report-0", parameters={"rate": 2.0}) == "model 8.0"
    assert called == ["train 4 2.0", "report 8.0"]


def test_without_a_step_everything_that_is_not_cached_runs_again() -> None:
    run = first_run()
    assert pipeline.rerun(run.id) == "model 2.0"
    assert called == ["prepared 2", "load 2", "load 2", "report 2.0"]


def test_what_failed_before_the_step_runs_again() -> None:
    @task
    def shaky() -> int:
        called.append("shaky")
        if len(called) == 1:
            raise ValueError("shaky")
        return 1

    @flow(durable=True)
    def carries_on() -> int:
        shaky(return_state=True)
        return load(1)

    carries_on()
    carries_on.rerun(newest().id, from_step="load-0")
    assert called == ["shaky", "load 1", "shaky", "load 1"]


def test_a_run_that_reuses_steps_can_be_run_again_itself() -> None:
    pipeline.rerun(first_run().id, from_step="train-0")
    called.clear()
    assert pipeline.rerun(newest().id, from_step="report-0") == "model 2.0"
    assert called == ["report 2.0"]


def test_a_generator_that_was_done_hands_on_what_it_did() -> None:
    @task
    def pages() -> Any:
        for number in range(3):
            called.append(f"page {number}")
            yield number

    @flow(durable=True)
    def sums() -> int:
        return load(sum(pages()))

    sums()
    called.clear()
    assert sums.rerun(newest().id, from_step="load-0") == 3
    assert called == ["load 3"]


def test_a_coroutine_flow_is_awaited() -> None:
    @flow(durable=True)
    async def later() -> int:
        return load(load(1) + 1)

    async def both() -> Any:
        await later()
        called.clear()
        return await later.rerun(newest().id, from_step="load-1")

    assert asyncio.run(both()) == 2
    assert called == ["load 2"]


def test_a_pause_before_the_step_asks_again() -> None:
    @flow(durable=True)
    def asks() -> int:
        return load(suspend_flow_run(wait_for_input=int))

    asks(return_state=True)
    run = newest()
    continue_flow_run(run.id, input=1)
    assert asks.resume(run.id) == 1
    assert asks.rerun(run.id, from_step="load-0", return_state=True).is_paused()


@pytest.mark.parametrize(
    ("step", "why"),
    [("nothing", "called no run 'nothing'"), ("01", "called more than one run '01'")],
)
def test_a_step_that_is_none_or_several_is_refused_before_anything_runs(step: str, why: str) -> None:
    run = first_run()
    with pytest.raises(ResumeError, match=why):
        pipeline.rerun(run.id, from_step=step)
    assert called == []
    assert newest().id == run.id


def test_what_cannot_be_run_again_is_refused() -> None:
    run = first_run()
    with pytest.raises(RunMissing):
        pipeline.rerun("01900000-0000-7000-8000-000000000000")
    with pytest.raises(ResumeError, match="is one of 'pipeline', not of 'prepared'"):
        prepared.rerun(run.id)
    with pytest.raises(ParameterBindError, match="rte"):
        pipeline.rerun(run.id, parameters={"rte": 1})


@pytest.mark.slow
def test_by_the_command_line_and_resumed_after_a_crash_it_still_reuses(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        textwrap.dedent("""
        import os, signal
        from pathlib import Path
        from perdure import flow, task

        def note(what):
            with open("calls", "a") as file:
                print(what, file=file)

        @task
        def step(number, factor):
            note(f"step {number} {factor}")
            if number == 2 and Path("kill").exists():
                Path("kill").unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return number * factor

        @flow(durable=True)
        def steps(factor=1):
            return sum([step(1, 1), step(2, factor), step(3, 1), step(4, factor)])
        """)
    )

    def perdure(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "perdure", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert perdure("run", "program.py:steps").returncode == 0
    (tmp_path / "calls").unlink()
    (tmp_path / "kill").touch()
    run = newest()
    again = perdure("flow-run", "rerun", run.id, "--from", "step-3", "--param", "factor=10")
    assert again.returncode == -signal.SIGKILL, again.stderr
    resumed = perdure("flow-run", "resume", "--crashed")
    assert resumed.returncode == 0, resumed.stderr
    assert "64" in resumed.stdout
    assert (tmp_path / "calls").read_text().split("\n")[:-1] == ["step 2 10", "step 2 10", "step 4 10"]
