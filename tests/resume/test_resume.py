"""A flow run whose process is gone continues where it was."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure._platform.ids import new_id
from perdure.errors import ResumeError, RunMissing
from perdure.records import RunFilter
from tests import prepared

PROGRAM = """
import os, signal, sys
from pathlib import Path
from perdure import flow, task

calls = Path("calls")

def note(what):
    with calls.open("a") as file:
        file.write(f"{what}\\n")

def die_once(where):
    marker = Path(f"died-{where}")
    if os.environ.get("DIE_AT") == where and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)

@task
def load(day):
    note(f"load {day}")
    return {"day": day, "rows": [1, 2, 3]}

@task(persist_result=False)
def passing(value):
    note("passing")
    return value

@task
def total(loaded, extra=0):
    note(f"total {loaded['day']}")
    die_once(f"total-{loaded['day']}")
    return sum(loaded["rows"]) + extra

@flow(persist_result=True)
def each(day):
    loaded = load(day)
    die_once(f"between-{day}")
    return total(loaded)

@flow(durable=True, name="report")
def report(days, mode="calls"):
    note("report")
    if mode == "calls":
        sums = [total(load(day)) for day in days]
    elif mode == "subflows":
        sums = [each(day) for day in days]
    elif mode == "submit":
        loaded = [load.submit(day) for day in days]
        sums = [future.result() for future in [total.submit(one) for one in loaded]]
    elif mode == "map":
        sums = total.map(load.map(days)).result()
    elif mode == "passed":
        sums = [total(passing.submit(load.submit(day))) for day in days]
    die_once("end")
    return sums

if __name__ == "__main__":
    print(report(["a", "b", "c"], mode=sys.argv[1]))
"""


class Program:
    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        (folder / "reporting.py").write_text(textwrap.dedent(PROGRAM))
        self.environment = {**os.environ, "PERDURE_HOME": str(home)}

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        (self.folder / "calls").write_text("")
        return prepared.run(*command, cwd=self.folder, env={**self.environment, **environment})

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().split("\n")[:-1]

    def resume(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("-m", "perdure", "flow-run", "resume", *arguments)


@pytest.fixture
def program(tmp_path: Path, home: Path) -> Program:
    folder = tmp_path / "work"
    folder.mkdir()
    return Program(folder, home)


def the_flow_run() -> Any:
    (run,) = (each for each in session.current().orchestrator.flow_runs(RunFilter()) if not each.parent_flow_run_id)
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "die_at", "again"),
    [
        ("calls", "total-b", ["total b", "load c", "total c"]),
        ("calls", "end", []),
        ("submit", "end", []),
        ("map", "end", []),
        ("subflows", "between-b", ["total b", "load c", "total c"]),
        ("subflows", "total-b", ["total b", "load c", "total c"]),
        ("passed", "end", ["passing"] * 3),
    ],
)
def test_what_was_finished_is_not_run_again(program: Program, mode: str, die_at: str, again: list[str]) -> None:
    killed = program.run("reporting.py", mode, DIE_AT=die_at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert the_flow_run().state_type == "RUNNING"

    resumed = program.resume(the_flow_run().id)

    assert resumed.returncode == 0, resumed.stderr
    assert sorted(program.calls()) == sorted(["report", *again])
    assert "[6, 6, 6]" in resumed.stdout
    run = the_flow_run()
    assert run.state_type == "COMPLETED"
    names = [state.name for state in session.current().orchestrator.states(run.id)]
    assert names == ["Pending", "Running", "Crashed", "Resuming", "Resumed", "Completed"]


@pytest.mark.slow
def test_all_that_crashed_can_be_resumed_at_once(program: Program) -> None:
    for _ in range(2):
        program.run("reporting.py", "calls", DIE_AT="end")
        (program.folder / "died-end").unlink()
    resumed = program.resume("--crashed", "--json")
    assert [each["state"]["type"] for each in json.loads(resumed.stdout)] == ["COMPLETED"] * 2, resumed.stderr
    assert json.loads(program.resume("--crashed", "--json").stdout) == []


@pytest.mark.slow
def test_a_flow_run_that_still_runs_is_not_resumed(program: Program) -> None:
    held = subprocess.Popen(
        [sys.executable, "-c", "import time, perdure; perdure.flow(name='held')(lambda: time.sleep(60))()"],
        env=program.environment,
        stderr=subprocess.PIPE,
    )
    assert held.stderr is not None
    held.stderr.readline()
    try:
        resumed = program.resume(the_flow_run().id)
        assert resumed.returncode == 1
        assert f"still runs, in the process {held.pid}" in resumed.stderr
    finally:
        held.kill()
        held.wait()
        held.stderr.close()


# In this process


def crash(body: Any, **options: Any) -> Any:
    """Run a flow that a KeyboardInterrupt stops; the flow."""
    made = flow(name="crashing", **options)(body)
    with pytest.raises(KeyboardInterrupt):
        made()
    return made


def test_a_flow_continues_in_the_same_process_too() -> None:
    calls: list[int] = []

    @task(persist_result=True)
    def step(n: int) -> list[int]:
        calls.append(n)
        return [n]

    def body() -> list[list[int]]:
        first = step(1)
        if next(stops):
            raise KeyboardInterrupt
        return [first, step(2)]

    stops = iter([True, False])
    made = crash(body)
    assert made.resume(the_flow_run().id) == [[1], [2]]
    assert calls == [1, 2]


def test_what_a_step_was_given_decides_and_not_its_order() -> None:
    calls: list[int] = []
    orders = iter([[1, 2], [2, 3, 1]])

    @task(persist_result=True)
    def step(n: int) -> list[int]:
        calls.append(n)
        return [n]

    def body() -> list[list[int]]:
        order = next(orders)
        done = [step(n) for n in order]
        if len(order) == 2:
            raise KeyboardInterrupt
        return done

    made = crash(body)
    assert made.resume(the_flow_run().id) == [[2], [3], [1]]
    assert calls == [1, 2, 3]


def test_a_step_with_an_id_is_known_by_it() -> None:
    calls: list[float] = []
    numbers = iter([1, 2])

    @task(persist_result=True, step_id="draw-{day}")
    def draw(day: str, number: int) -> list[int]:
        calls.append(number)
        return [number]

    def body() -> list[int]:
        drawn = draw("monday", next(numbers))
        if next(stops):
            raise KeyboardInterrupt
        return drawn

    stops = iter([True, False])
    made = crash(body)
    assert made.resume(the_flow_run().id) == [1]
    assert calls == [1]


def test_a_step_whose_result_is_gone_is_run_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    @task(persist_result=True)
    def step() -> list[int]:
        calls.append(1)
        return [1]

    def body() -> list[int]:
        done = step()
        if next(stops):
            raise KeyboardInterrupt
        return done

    stops = iter([True, False])
    made = crash(body)
    for file in (home / "storage").iterdir():
        file.unlink()
    assert made.resume(the_flow_run().id) == [1]
    assert len(calls) == 2
    assert "The result from before cannot be used, so the task runs again." in capsys.readouterr().err


@pytest.mark.parametrize(("retry", "calls_after"), [(False, 1), (True, 2)])
def test_a_step_that_failed_is_run_again_only_if_that_is_asked_for(retry: bool, calls_after: int) -> None:
    calls: list[int] = []

    @task(persist_result=True)
    def fail() -> None:
        calls.append(1)
        raise ValueError("no data")

    def body() -> str:
        state = fail(return_state=True)
        if next(stops):
            raise KeyboardInterrupt
        return str(state.result(raise_on_failure=False))

    stops = iter([True, False])
    made = crash(body)
    assert made.resume(the_flow_run().id, retry_failed=retry) == "no data"
    assert len(calls) == calls_after


def test_failures_before_the_crash_count_towards_the_retries() -> None:
    attempts: list[int] = []

    def body() -> None:
        attempts.append(1)
        if len(attempts) == 2:
            raise KeyboardInterrupt
        raise ValueError("again")

    made = crash(body, retries=2)
    with pytest.raises(ValueError, match="again"):
        made.resume(the_flow_run().id)
    assert len(attempts) == 4  # failed, stopped, failed, failed


def test_secrets_among_the_arguments_are_kept_encrypted() -> None:
    from perdure.records import StartRecord

    @flow
    def connect(password: str) -> str:
        if next(stops):
            raise KeyboardInterrupt
        return password[::-1]

    stops = iter([True, False])
    with pytest.raises(KeyboardInterrupt):
        connect("hunter2")
    start: StartRecord | None = session.current().orchestrator.start(the_flow_run().id)
    assert start is not None
    assert (start.arguments or "").startswith("encrypted:")
    assert connect.resume(the_flow_run().id) == "2retnuh"


def test_a_completed_flow_run_is_not_resumed() -> None:
    made = flow(lambda: 1)
    made()
    with pytest.raises(ResumeError, match="has completed"):
        made.resume(the_flow_run().id)


def test_another_flow_s_run_is_not_resumed() -> None:
    crash(lambda: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(ResumeError, match="one of 'crashing', not of 'other'"):
        flow(name="other")(lambda: 1).resume(the_flow_run().id)


def test_an_unknown_run_is_not_resumed() -> None:
    with pytest.raises(RunMissing):
        flow(lambda: 1).resume(new_id())


def test_with_on_crash_resume_a_call_resumes_a_crashed_run_of_equal_arguments() -> None:
    calls: list[str] = []

    @task(persist_result=True)
    def step(day: str) -> list[str]:
        calls.append(day)
        return [day]

    @flow(on_crash="resume")
    def daily(day: str) -> list[str]:
        done = step(day)
        if next(stops):
            raise KeyboardInterrupt
        return done

    stops = iter([True, False, False, False])
    with pytest.raises(KeyboardInterrupt):
        daily("monday")
    crashed = the_flow_run().id
    assert daily("tuesday") == ["tuesday"]
    assert daily("monday") == ["monday"]
    assert calls == ["monday", "tuesday"]
    states = {run.id: run.state_type for run in session.current().orchestrator.flow_runs(RunFilter())}
    assert len(states) == 2
    assert states[crashed] == "COMPLETED"
    assert daily("monday") == ["monday"]
    assert len(calls) == 3


def test_of_several_that_resume_a_run_one_does() -> None:
    crash(lambda: (_ for _ in ()).throw(KeyboardInterrupt()))
    known = session.current().orchestrator
    run = the_flow_run()
    before = known.start(run.id)
    assert before is not None
    seen = known.states(run.id)[-1]
    assert [known.claim(seen, before.process_id, new, ()) for new in ("one", "two")] == [True, False]


@pytest.mark.slow
def test_several_crashed_runs_of_one_file_all_continue_where_they_were(program: Program) -> None:
    for _ in range(2):
        program.run("reporting.py", "calls", DIE_AT="end")
        (program.folder / "died-end").unlink()
    resumed = program.resume("--crashed")
    assert resumed.returncode == 0, resumed.stderr
    assert program.calls() == ["report", "report"]


@pytest.mark.slow
def test_a_run_that_cannot_be_resumed_does_not_keep_others_from_it(program: Program) -> None:
    lost = "import os, signal, perdure; perdure.flow(name='lost')(lambda: os.kill(os.getpid(), signal.SIGKILL))()"
    program.run("-c", lost)
    program.run("reporting.py", "calls", DIE_AT="end")
    resumed = program.resume("--crashed")
    assert resumed.returncode == 1
    assert "cannot be resumed. The flow 'lost' is defined inside a function" in resumed.stderr
    assert "[6, 6, 6]" in resumed.stdout


@pytest.mark.slow
def test_a_program_that_calls_a_flow_while_it_is_loaded_is_not_run_by_resuming(program: Program) -> None:
    file = program.folder / "reporting.py"
    file.write_text(file.read_text().partition("if __name__")[0] + 'report(["a", "b", "c"])\n')
    program.run("reporting.py", "calls", DIE_AT="end")
    resumed = program.resume(the_flow_run().id)
    assert resumed.returncode == 1
    assert "Put the call under `if __name__ == '__main__':`" in resumed.stderr
    assert program.calls() == []


def test_a_durable_flow_keeps_its_own_result_too() -> None:
    from perdure.results import get_result

    flow(durable=True)(lambda: [1])()
    session.close()
    assert get_result(the_flow_run().id) == [1]


def test_plain_arguments_are_kept_as_json_and_come_back_as_they_were() -> None:
    @flow
    def plain(text: str, number: float, flag: bool | None) -> list[Any]:
        if next(stops):
            raise KeyboardInterrupt
        return [text, number, flag]

    stops = iter([True, False])
    with pytest.raises(KeyboardInterrupt):
        plain("é\ud800", float("inf"), None)
    start = session.current().orchestrator.start(the_flow_run().id)
    assert start is not None
    assert (start.arguments or "").startswith("json:")
    assert plain.resume(the_flow_run().id) == ["é\ud800", float("inf"), None]
