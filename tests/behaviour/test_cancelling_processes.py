"""Flow runs in processes of their own that are cancelled from the command line, at any moment, and by force."""

import json
import random
import signal
import subprocess
import time
from typing import Any

import pytest

from perdure import session
from perdure.testing.invariants import violations
from tests import prepared

pytestmark = pytest.mark.slow

BEGINNING = """
import sys, time
from pathlib import Path
from perdure import flow, task
from perdure.errors import CancelledRun

def bye(_, run, state):
    with open("hooks", "a") as file:
        file.write(f"{run.name} {state.type}\\n")

@task(on_cancellation=[bye])
def sleeps():
    Path("ready").touch()
    time.sleep(60)

def end(f):
    try:
        f()
    except CancelledRun as error:
        print(error)
"""


def cli(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return prepared.run("-m", "perdure", "flow-run", *arguments)


def root(known: Any) -> Any:
    (run,) = (each for each in known.flow_runs() if each.parent_flow_run_id is None)
    return run


def states(known: Any) -> set[str]:
    return {run.state_type for run in (*known.flow_runs(), *known.task_runs())}


@pytest.mark.parametrize(
    "body",
    [
        "sleeps()",
        "flow(name='inner')(lambda: sleeps())()",
        "[future.result() for future in [sleeps.submit() for _ in range(4)]]",
        "Path('ready').touch(); time.sleep(60)",
    ],
)
@pytest.mark.parametrize("runner", ["ThreadTaskRunner", "ProcessTaskRunner"])
def test_a_blocking_call_is_interrupted(start: Any, known: Any, body: str, runner: str) -> None:
    program = start(
        BEGINNING
        + f"""
from perdure.task_runners import {runner}
@flow(name="f", task_runner={runner}(2), on_cancellation=[bye])
def f():
    {body}
end(f)
"""
    )
    program.wait_until_ready()
    cancelled = cli("cancel", root(known).id, "--grace", "2", "--json")
    code, out, err = program.end()

    assert cancelled.returncode == 0, cancelled.stderr
    assert json.loads(cancelled.stdout)["state"]["type"] == "CANCELLED"
    assert (code, "Cancelled by" in out) == (0, True), err
    assert states(known) == {"CANCELLED"}
    assert violations(session.current().orchestrator) == []
    hooks = (program.ready.parent / "hooks").read_text().splitlines()
    assert len(hooks) == len(set(hooks))
    assert f"{root(known).name} CANCELLED" in hooks


def test_a_process_of_a_runner_that_does_not_end_is_killed(start: Any, known: Any) -> None:
    program = start(
        BEGINNING
        + """
import ctypes
from perdure.task_runners import ProcessTaskRunner
@task
def computes():
    Path("ready").touch()
    ctypes.PyDLL(None).sleep(60)
@flow(task_runner=ProcessTaskRunner(1))
def f():
    computes.submit().result()
end(f)
"""
    )
    program.wait_until_ready()
    assert cli("cancel", root(known).id, "--grace", "0.5").returncode == 0
    assert program.end()[0] == 0
    assert states(known) == {"CANCELLED"}


def test_a_process_that_is_busy_in_c_code_is_killed_by_force_only(start: Any, known: Any) -> None:
    program = start(
        BEGINNING
        + """
import ctypes
@task
def computes():
    Path("ready").touch()
    time.sleep(0.2)
    ctypes.PyDLL(None).sleep(60)  # holds Python's lock
@flow
def f():
    computes()
end(f)
"""
    )
    program.wait_until_ready()
    time.sleep(0.5)
    refused = cli("cancel", root(known).id, "--grace", "0")
    assert refused.returncode == 1
    assert "does not end" in refused.stderr
    assert "--force" in refused.stderr
    assert cli("cancel", root(known).id, "--grace", "0", "--force").returncode == 0
    assert program.end()[0] == -signal.SIGKILL
    assert states(known) == {"CANCELLED"}
    assert violations(session.current().orchestrator) == []


def test_a_killed_flow_run_can_be_cancelled(start: Any, known: Any) -> None:
    program = start(BEGINNING + "@flow\ndef f():\n    sleeps()\nend(f)\n")
    program.wait_until_ready()
    program.signal(signal.SIGKILL)
    program.end()
    assert cli("cancel", root(known).id).returncode == 0
    assert states(known) == {"CANCELLED"}
    again = cli("cancel", root(known).id)
    assert again.returncode == 1
    assert "has ended already: Cancelled" in again.stderr


@pytest.mark.parametrize("attempt", range(3))
def test_a_cancellation_at_any_moment_leaves_no_run_running(start: Any, known: Any, attempt: int) -> None:
    program = start(
        BEGINNING
        + """
@task(persist_result=True)
def kept(x):
    return [x]

@task
def nothing():
    pass

@flow
def child():
    nothing()
    return nothing.submit().result()

@flow
def f():
    Path("ready").touch()
    while True:
        kept(nothing.submit())
        child()
        kept.map(range(3)).result()
end(f)
"""
    )
    program.wait_until_ready()
    time.sleep(random.Random(attempt).random() / 10)
    assert cli("cancel", root(known).id).returncode == 0
    code, out, err = program.end()
    assert (code, "Cancelled by" in out) == (0, True), err
    assert states(known) <= {"CANCELLED", "COMPLETED"}
    assert violations(session.current().orchestrator) == []


def test_a_run_that_perdure_run_began_says_that_it_was_cancelled(start: Any, known: Any) -> None:
    program = start(
        BEGINNING
        + """
import subprocess
if len(sys.argv) == 1:
    sys.exit(subprocess.run([sys.executable, "-m", "perdure", "run", "program.py:f"]).returncode)
@flow
def f():
    sleeps()
""".replace("len(sys.argv) == 1", "__name__ == '__main__'")
    )
    program.wait_until_ready()
    assert cli("cancel", root(known).id).returncode == 0
    assert program.end()[0] == 4
