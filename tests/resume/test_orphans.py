"""A process that runs tasks ends with the process that asked it to: else it would go on beside who takes over."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perdure import session
from perdure.testing.invariants import violations

PROGRAM = """
import time
from pathlib import Path
from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner

def note(what):
    with Path("calls").open("a") as file:
        file.write(f"{what}\\n")

@task
def long(first):
    note("began")
    time.sleep(60 if first else 0)
    note("ended")
    return [1]

@flow(durable=True, task_runner=ProcessTaskRunner(max_workers=1))
def working():
    return long.submit(not Path("calls").exists()).result()

if __name__ == "__main__":
    working()
"""


@pytest.mark.slow
def test_a_task_in_a_process_does_not_outlive_the_process_of_its_flow(tmp_path: Path, home: Path) -> None:
    (tmp_path / "working.py").write_text(PROGRAM)
    environment = {**os.environ, "PERDURE_HOME": str(home)}
    with subprocess.Popen([sys.executable, "working.py"], cwd=tmp_path, env=environment) as process:
        while not (tmp_path / "calls").exists():
            time.sleep(0.01)
        process.kill()
    resume = [sys.executable, "-m", "perdure", "flow-run", "resume", "--crashed"]
    done = subprocess.run(
        resume, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=50, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text().split() == ["began", "began", "ended"]
    assert violations(session.current().orchestrator) == []
