import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import RunFilter
from perdure.states import StateType as S

WORKER = """
import sys
from pathlib import Path
from perdure.states import StateType as S
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing._sample_records import literal, state, task_run

path, tasks = sys.argv[1:]
orchestrator = EmbeddedOrchestrator(Path(path))
for number in range(int(tasks)):
    task = task_run()
    orchestrator.report([task, state(task, S.PENDING), state(task, S.RUNNING)])
    done = [literal(task), state(task, S.COMPLETED)]
    if number % 4:
        orchestrator.report(done)
    else:
        orchestrator.commit(done)
        print(task.id, flush=True)
orchestrator.close()
"""


def start(path: Path, tasks: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WORKER, str(path), str(tasks)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_that_start_at_once_share_one_new_database(tmp_path: Path) -> None:
    path = tmp_path / "home" / "perdure.db"
    workers = [start(path, 1_000) for _ in range(8)]
    errors = [worker.communicate()[1] for worker in workers]
    assert errors == [""] * 8
    orchestrator = EmbeddedOrchestrator(path)
    runs = orchestrator.task_runs(RunFilter(states=(S.COMPLETED,)))
    assert len(runs) == 8_000
    assert len(orchestrator.states(runs[0].id)) == 3
    orchestrator.close()


@pytest.mark.slow
def test_processes_that_start_at_once_upgrade_one_old_database(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.commit()
    connection.close()
    workers = [start(path, 10) for _ in range(8)]
    assert [worker.communicate()[1] for worker in workers] == [""] * 8
    orchestrator = EmbeddedOrchestrator(path)
    assert len(orchestrator.task_runs(RunFilter())) == 80
    orchestrator.close()


@pytest.mark.slow
def test_what_was_committed_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    moments = random.Random(7)
    committed: list[str] = []
    for _ in range(20):
        worker = start(path, 1_000_000)
        assert worker.stdout is not None
        committed.append(worker.stdout.readline().strip())
        time.sleep(moments.uniform(0, 0.1))
        worker.send_signal(signal.SIGKILL)
        committed += [line for line in worker.communicate()[0].splitlines() if len(line) == 36]
    orchestrator = EmbeddedOrchestrator(path)
    completed = {run.id for run in orchestrator.task_runs(RunFilter(states=(S.COMPLETED,)))}
    assert set(committed) <= completed
    assert orchestrator._writer._connected().execute("PRAGMA integrity_check").fetchone() == ("ok",)
    orchestrator.close()
