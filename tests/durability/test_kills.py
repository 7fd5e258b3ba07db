"""SIGKILL at random moments: what was committed is whole, and the next start reads it without complaint."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure import session
from perdure.core.records import ResultFilter, RunFilter
from perdure.core.states import StateType
from perdure.results.store import result_from_record

KILLS = 200
SCRIPT = Path(__file__).with_name("killed_flow.py")


def run_and_kill(seed: int, home: Path) -> tuple[list[tuple[str, int]], str]:
    """Run the flow and kill it within a tenth of a second; the results it said it has, and its log."""
    moment = random.Random(seed).uniform(0, 0.1)
    errors = home / f"stderr-{seed}"
    with errors.open("wb") as log:
        command = [sys.executable, str(SCRIPT), str(seed)]
        environment = {**os.environ, "PERDURE_HOME": str(home)}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n", errors.read_text()
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        with child:
            lines = child.stdout.read().decode().splitlines()
    whole = [line.split() for line in lines if line.count(" ") == 1 and line.split()[1].startswith(str(seed))]
    return [(run_id, int(number)) for run_id, number in whole], errors.read_text()


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_that_was_committed(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(run_and_kill, range(1, KILLS + 1), [home] * KILLS))

    for _, log in outcomes:
        assert "WARNING" not in log
        assert "ERROR" not in log
        assert "Traceback" not in log
    orchestrator = session.current().orchestrator
    records = orchestrator.results(ResultFilter(kinds=("persisted",)))
    values = {record.run_id: result_from_record(record).get() for record in records}
    acknowledged = [each for said, _ in outcomes for each in said]
    assert len(acknowledged) > KILLS  # the kills came in the middle of the work
    for run_id, number in acknowledged:
        assert values[run_id] == {"number": number}
    completed = orchestrator.task_runs(RunFilter(states=(StateType.COMPLETED,)))
    kept = {record.run_id for record in orchestrator.results(ResultFilter())}
    assert {run.id for run in completed} <= kept
