"""SIGKILL at random moments: what was committed is whole, and the next start reads it without complaint."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure import session
from perdure._results.store import result_from_record
from perdure.records import ResultFilter, RunFilter
from perdure.states import StateType

KILLS = 200
SCRIPT = Path(__file__).with_name("killed_flow.py")


def run_and_kill(home: Path, first: int, last: int) -> list[tuple[str, int]]:
    """Run a flow for each seed in a process of its own, and kill it; the results that they said they have."""
    command = [sys.executable, str(SCRIPT), str(home), str(first), str(last)]
    ended = subprocess.run(command, env={**os.environ, "PERDURE_HOME": str(home)}, stdout=subprocess.PIPE, check=True)
    found = []
    for seed, lines in json.loads(ended.stdout).items():
        whole = [line.split() for line in lines if line.count(" ") == 1 and line.split()[1].startswith(seed)]
        found += [(run_id, int(number)) for run_id, number in whole]
    return found


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_that_was_committed(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(run_and_kill, [home] * 2, [1, KILLS // 2 + 1], [KILLS // 2 + 1, KILLS + 1])
        acknowledged = [each for said in halves for each in said]

    logs = list(home.glob("stderr-*"))
    assert len(logs) == KILLS
    for log in map(Path.read_text, logs):
        assert "WARNING" not in log
        assert "ERROR" not in log
        assert "Traceback" not in log
    orchestrator = session.current().orchestrator
    records = orchestrator.results(ResultFilter(kinds=("persisted",)))
    values = {record.run_id: result_from_record(record).get() for record in records}
    assert len(acknowledged) > KILLS  # the kills came in the middle of the work
    for run_id, number in acknowledged:
        assert values[run_id] == {"number": number}
    completed = orchestrator.task_runs(RunFilter(states=(StateType.COMPLETED,)))
    kept = {record.run_id for record in orchestrator.results(ResultFilter())}
    assert {run.id for run in completed} <= kept
