"""Many processes on one database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perdure import session
from perdure.records import RunFilter
from perdure.states import StateType

PROCESSES = 8
TASKS = 1_000
FLOW = f"""
from perdure import flow, task

@task
def one(number):
    return number

@flow
def many():
    return sum(one(number) for number in range({TASKS}))

assert many() == sum(range({TASKS}))
"""


@pytest.mark.slow
def test_eight_processes_that_start_at_once_in_an_empty_home_lose_nothing(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "many.py"
    script.write_text(FLOW)
    children = [
        subprocess.Popen(
            [sys.executable, str(script)], stderr=subprocess.PIPE, env={**os.environ, "PERDURE_HOME": str(home)}
        )
        for _ in range(PROCESSES)
    ]

    logs = [child.communicate()[1].decode() for child in children]

    assert [child.returncode for child in children] == [0] * PROCESSES, logs
    orchestrator = session.current().orchestrator
    assert len(orchestrator.flow_runs(RunFilter(states=(StateType.COMPLETED,)))) == PROCESSES
    runs = orchestrator.task_runs(RunFilter())
    assert len(runs) == PROCESSES * TASKS
    assert {run.state_type for run in runs} == {StateType.COMPLETED}
    assert all(len(orchestrator.states(run.id)) == 3 for run in runs[:: len(runs) // 100])
