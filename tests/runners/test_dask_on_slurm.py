"""A Dask task runner whose workers are jobs of a real Slurm."""

import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure.records import RunFilter
from perdure.task_runners import DaskTaskRunner
from tests.deployments import slurm_cluster
from tests.runners.cluster_conformance import wait_until

HAS_JOBQUEUE = importlib.util.find_spec("dask_jobqueue") is not None  # its import is a part of what is tested
pytestmark = [
    pytest.mark.slow,
    slurm_cluster.NEEDED,
    pytest.mark.skipif(not HAS_JOBQUEUE, reason="not installed: dask-jobqueue"),
]


def test_tasks_run_in_jobs_of_slurm_and_continue_when_one_is_cancelled(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here, so that workers get it by value: they need not find the tests.
    @task(retries=2)
    def job(number: int, folder: str) -> str:
        """The id of the job that it runs in; the first call waits until that job has been cancelled."""
        own = os.environ["SLURM_JOB_ID"]
        while number == 0 and not Path(folder, "cancelled").exists():
            Path(folder, "runs-in").write_text(own)
            time.sleep(0.1)
        return own

    with slurm_cluster.slurm_cluster(tmp_path_factory.mktemp("slurm")) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        given = {
            "queue": "all",
            "cores": 1,
            "processes": 1,
            "memory": "500MB",
            "walltime": "00:10:00",
            "n_workers": 2,
            "log_directory": str(tmp_path),
            "local_directory": str(tmp_path),
            "scheduler_options": {"host": "127.0.0.1", "dashboard_address": ":0"},
        }

        @flow(task_runner=DaskTaskRunner(cluster_class="dask_jobqueue.SLURMCluster", cluster_kwargs=given))
        def jobs() -> Any:
            first, others = job.submit(0, str(tmp_path)), job.map(range(1, 20), str(tmp_path))
            wait_until(lambda: (tmp_path / "runs-in").exists() and (tmp_path / "runs-in").read_text())
            lost = (tmp_path / "runs-in").read_text()
            subprocess.run(["scancel", "--signal=KILL", "--full", lost], check=True)
            wait_until(lambda: "is gone" in log())
            (tmp_path / "cancelled").touch()
            return lost, first.result(), others.result()

        ctrl_c = signal.getsignal(signal.SIGINT)
        lost, first, others = jobs()
        wait_until(lambda: not queue())

    assert signal.getsignal(signal.SIGINT) is ctrl_c
    assert first != lost
    assert len({first, *others}) <= 2
    runs = session.current().orchestrator.task_runs(RunFilter())
    assert {run.state_name for run in runs} == {"Completed"}


def queue() -> str:
    """The jobs that have not ended."""
    return subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True).stdout.strip()


def log() -> str:
    known = session.current().orchestrator
    return "\n".join(str(state.message) for run in known.task_runs(RunFilter()) for state in known.states(run.id))
