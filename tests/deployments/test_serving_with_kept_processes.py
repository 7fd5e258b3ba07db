"""A program that serves a flow whose processes run several runs, one after another."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import session
from perdure._rooms.deployments.port import QueueFilter
from perdure.deployments import run_deployment
from perdure.records import FlowRun, RunFilter
from perdure.states import StateType
from tests.prepared import Prepared

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")]
_PATIENCE = 60.0
_PROGRAM = """
import json, os, sys, time
from pathlib import Path
from perdure import flow

SEEN = []

@flow
def f(folder: str, name: str, what: str = ""):
    found = {"pid": os.getpid(), "variable": os.environ.get("LEFT"), "global": list(SEEN)}
    os.environ["LEFT"] = name
    SEEN.append(name)
    if what == "memory":
        sys.left = bytearray(150_000_000)
    Path(folder, name).write_text(json.dumps(found))
    while what == "waits" and not Path(folder, "go on").exists():
        time.sleep(0.05)

if __name__ == "__main__":
    job = {"runs_per_process": 100, "memory_per_process": 150}
    f.serve("often", limit=1, job_variables=job)
"""


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Prepared]:
    """The program, once it says what it serves."""
    file = tmp_path / "served_program.py"
    file.write_text(_PROGRAM)
    process = Prepared(file, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        assert "Serving" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def asked(folder: Path, name: str, what: str = "") -> str:
    """A run that is to be served; its id."""
    run = run_deployment("f/often", {"folder": str(folder), "name": name, "what": what}, timeout=0)
    return str(run.id)


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {_PATIENCE:g} seconds: {what}"
        time.sleep(0.05)


def ended(*ids: str) -> list[FlowRun]:
    """Runs, once their places have ended, too."""
    known = session.current().orchestrator
    unended = QueueFilter(flow_run_ids=ids, phases=("waiting", "claimed"))
    until(lambda: not known.deployments.queued(unended), "the end of all runs")
    return list(known.flow_runs(RunFilter(ids=ids)))


def seen(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


def test_what_a_run_leaves_of_its_environment_is_gone_and_what_its_module_has_is_there(serving, tmp_path):
    ended(asked(tmp_path, "first"))
    ended(asked(tmp_path, "second"))
    first, second = seen(tmp_path, "first"), seen(tmp_path, "second")
    assert second == {"pid": first["pid"], "variable": None, "global": ["first"]}


def test_a_process_that_has_grown_is_replaced(serving, tmp_path):
    ended(asked(tmp_path, "first", "memory"))
    (run,) = ended(asked(tmp_path, "second"))
    first, second = seen(tmp_path, "first"), seen(tmp_path, "second")
    assert run.state_type is StateType.COMPLETED
    assert second["pid"] != first["pid"]
    assert second["global"] == []
    until(lambda: not Path(f"/proc/{first['pid']}").exists(), "the end of the one that has grown")


def test_ctrl_c_lets_the_run_end_begins_no_other_one_and_leaves_no_process(serving, tmp_path):
    running = asked(tmp_path, "running", "waits")
    until((tmp_path / "running").exists, "its beginning")
    waiting = asked(tmp_path, "waiting")
    os.kill(serving.pid, signal.SIGINT)
    (tmp_path / "go on").touch()
    assert serving.wait(_PATIENCE) == 0
    states = {run.id: run.state_type for run in session.current().orchestrator.flow_runs(RunFilter())}
    assert states == {running: StateType.COMPLETED, waiting: StateType.SCHEDULED}
    pid = seen(tmp_path, "running")["pid"]
    until(lambda: not Path(f"/proc/{pid}").exists(), "the end of its process")
