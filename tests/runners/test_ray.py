"""Tasks on a Ray cluster: what every task runner of a cluster does, and a task that is ended with its process."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, settings, task
from perdure.control import cancel_flow_run
from perdure.errors import CancelledRun
from perdure.records import RunFilter
from perdure.task_runners import RayTaskRunner
from tests.ray_cluster import ray_boards, ray_cluster
from tests.runners.cluster_conformance import ClusterConformance, pid, wait_until

ray = pytest.importorskip("ray")
from perdure._runners import ray as ray_runner  # noqa: E402 - it is not installed where these tests do not run

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

_PATIENCE = 120.0  # seconds: much more than anything here takes on a busy machine


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """One Ray for all tests, which it takes long to start."""
    with ray_cluster():
        yield


@pytest.fixture
def runner() -> RayTaskRunner:
    return RayTaskRunner()


class TestRay(ClusterConformance):
    module = ray_runner
    lost = r"Ray worker \S+ \(process \d+\) is gone: WorkerCrashedError"
    there, said_to_be_there = {"tpu": 1, "memory": "1MiB"}, "TPU=1"
    missing, said_to_be_missing = {"gpu": 2}, "gpu=2"

    @pytest.fixture
    def runner(self) -> RayTaskRunner:
        return RayTaskRunner()

    @pytest.fixture
    def setting(self) -> AbstractContextManager[object]:
        return settings.temporary_settings(task_runner="ray")

    def is_lost(self, result: Any) -> bool:
        try:
            ray.get(result.reference, timeout=_PATIENCE)
        except ray.exceptions.ObjectLostError:
            return True
        return False

    def is_worker(self, process: int) -> bool:
        return process != os.getpid()


@task(resources={"tpu": 1, "memory": "1MiB"})
def assigned() -> Any:
    return ray.get_runtime_context().get_assigned_resources()


def test_resources_are_taken_of_ray_with_one_processor(runner: RayTaskRunner) -> None:
    @flow(task_runner=runner)
    def submits() -> Any:
        return assigned.submit().result()

    value = submits()
    assert (value["TPU"], value["CPU"]) == (1, 1)


@task
def refuses_to_stop(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    while True:
        with suppress(BaseException):
            time.sleep(0.05)


def test_a_task_that_cannot_be_interrupted_is_ended_with_its_process_after_the_grace(
    runner: RayTaskRunner, tmp_path: Path
) -> None:
    path = tmp_path / "process"

    @flow(task_runner=runner)
    def waits() -> None:
        refuses_to_stop.submit(str(path)).wait()

    def cancel() -> None:
        wait_until(lambda: path.exists() and path.read_text())
        (run,) = session.current().orchestrator.flow_runs(RunFilter())
        cancel_flow_run(run.id, grace=2)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledRun):
        waits()
    canceller.join()
    wait_until(lambda: not Path("/proc", path.read_text(), "cmdline").exists())


@task(retries=1)
def noted(number: int, folder: str) -> int:
    Path(folder, f"{number}-{os.getpid()}").touch()
    wait_until(Path(folder, "go").exists)
    return number


def test_calls_continue_when_the_actor_that_knows_their_workers_is_killed(
    runner: RayTaskRunner, tmp_path: Path
) -> None:
    @flow(task_runner=runner)
    def loses() -> Any:
        futures = noted.map(range(30), str(tmp_path))
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)  # each worker has said that it runs one
        (board,) = ray_boards()
        os.kill(board, signal.SIGKILL)
        (tmp_path / "go").touch()
        return futures.result()

    assert loses() == list(range(30))
    runs = session.current().orchestrator.task_runs(RunFilter())
    assert {run.state_name for run in runs} == {"Completed"}


def test_another_cluster_than_that_of_the_process_is_refused() -> None:
    @flow(task_runner=RayTaskRunner(address="10.255.0.1:6379"))
    def submits() -> Any:
        return pid.submit().wait().message

    assert "is connected to the Ray cluster" in submits()
