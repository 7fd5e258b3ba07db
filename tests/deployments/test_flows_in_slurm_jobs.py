"""A flow in a batch script of Slurm, as the guide has it: the next job continues a run that a time limit has ended."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure import session
from perdure.records import RunFilter
from tests.deployments import slurm_cluster

pytestmark = [pytest.mark.slow, slurm_cluster.NEEDED]

PROGRAM = """
import time
from pathlib import Path
from perdure import flow, task

@task
def step(number: int) -> int:
    with Path("steps").open("a") as file:
        file.write(f"{number}\\n")
    while number == 3 and not Path("goes").exists():
        time.sleep(0.05)
    return number

@flow(durable=True, on_crash="resume")
def simulate(count: int) -> int:
    return sum(step(number) for number in range(count))

if __name__ == "__main__":
    Path("outcome").write_text(str(simulate(6)))
"""
SCRIPT = """#!/bin/bash
#SBATCH --time=10 --signal=B:TERM@60 --output={folder}/said --open-mode=append --chdir={folder}
export PERDURE_HOME={home}
trap 'kill -TERM $flow; wait $flow; sbatch "$0"' TERM
{python} simulate.py & flow=$!
wait $flow
"""


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def _queue(environment: dict[str, str]) -> str:
    command = ["squeue", "--noheader", "--states=PENDING,RUNNING,COMPLETING"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_a_run_that_nears_its_time_limit_is_continued_by_the_next_job(
    home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "simulate.py").write_text(PROGRAM)
    (tmp_path / "simulate.sh").write_text(SCRIPT.format(folder=tmp_path, home=home, python=sys.executable))
    steps = tmp_path / "steps"
    with slurm_cluster.slurm_cluster(tmp_path_factory.mktemp("slurm")) as variables:
        environment = os.environ | variables
        sent = subprocess.run(
            ["sbatch", "--parsable", tmp_path / "simulate.sh"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        wait_until(lambda: steps.exists() and steps.read_text().endswith("3\n"))
        # What Slurm does a minute before the limit, at once.
        subprocess.run(["scancel", "--batch", "--signal=TERM", sent.stdout.strip()], env=environment, check=True)
        wait_until(lambda: steps.read_text().count("3\n") == 2)  # in the next job
        (tmp_path / "goes").touch()
        wait_until((tmp_path / "outcome").exists)
        wait_until(lambda: not _queue(environment))  # else Slurm's process of the job stays

    assert (tmp_path / "outcome").read_text() == "15"
    assert steps.read_text().split() == ["0", "1", "2", "3", "3", "4", "5"]
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert run.state_name == "Completed"
