"""Tasks on a Ray cluster: what every task runner does, values that stay there, and workers that are killed."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perdure import flow, session, settings, task
from perdure._runners.greeting import greeting
from perdure.control import cancel_flow_run
from perdure.errors import CancelledRun, CrashedRun, ResultLost
from perdure.filesystems import LocalFileSystem
from perdure.records import RunFilter
from perdure.task_runners import RayTaskRunner
from perdure.testing.task_runner_conformance import TaskRunnerConformance

ray = pytest.importorskip("ray")
from perdure._runners import ray as ray_runner  # noqa: E402 - it is not installed where these tests do not run

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

_PATIENCE = 120.0  # seconds: much more than anything here takes on a busy machine


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """One Ray for all tests, which it takes long to start."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_AUTH_MODE", "token")
        patched.setenv("RAY_worker_niceness", "0")  # else its workers wait for whatever else runs on the machine
        ray.init(
            address="local",
            num_cpus=2,
            resources={"TPU": 1},
            object_store_memory=200_000_000,
            include_dashboard=False,
            log_to_driver=False,
        )
        yield
        ray.shutdown()


@pytest.fixture
def runner() -> RayTaskRunner:
    return RayTaskRunner()


def wait_until(is_so: Callable[[], Any]) -> None:
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestRay(TaskRunnerConformance):
    @pytest.fixture
    def runner(self) -> RayTaskRunner:
        return RayTaskRunner()


# Values that stay in Ray's store


@task
def made(number: int) -> np.ndarray:
    return np.full(100_000, number, dtype="int64")


@task
def added(arrays: list[np.ndarray]) -> tuple[int, bool]:
    arrays[0] += 1  # its own copy
    return int(sum(each.sum() for each in arrays)), arrays[0].flags.writeable


def test_an_array_goes_from_task_to_task_and_never_comes_here(
    runner: RayTaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    monkeypatch.setattr(ray_runner._Cluster, "fetch", lambda _, reference: fetched.append(reference))

    @flow(task_runner=runner)
    def reduces() -> Any:
        arrays = made.map([1, 2])
        return added.submit(arrays).result(), added.submit(list(arrays)).result()

    assert reduces() == ((400_000, True), (400_000, True))
    assert not fetched


@task
def slow_array(folder: str) -> np.ndarray:
    Path(folder, "began").touch()
    wait_until(Path(folder, "go").exists)
    return np.ones(100_000)


def test_a_value_that_is_asked_for_comes_here_also_after_the_flow_has_ended(
    runner: RayTaskRunner, tmp_path: Path
) -> None:
    @flow(task_runner=runner)
    def makes() -> Any:
        slow = slow_array.submit(str(tmp_path))
        wait_until((tmp_path / "began").exists)
        time.sleep(0.3)  # so that it says something while it runs, or not: neither may lose the value
        (tmp_path / "go").touch()
        return [made.submit(2), slow]

    first, slow = makes()
    assert int(first.result().sum()) == 200_000
    assert int(slow.result().sum()) == 100_000


@task
def large_in(path: str) -> bytes:
    Path(path).write_text(str(os.getpid()))
    return bytes(1_000_000)


@task
def size_of(value: bytes) -> int:
    return len(value)


def test_a_value_whose_worker_has_died_is_lost_with_a_remedy(runner: RayTaskRunner, tmp_path: Path) -> None:
    @flow(task_runner=runner)
    def loses() -> Any:
        future = large_in.submit(str(tmp_path / "process"))
        data = future.wait().data
        os.kill(int((tmp_path / "process").read_text()), signal.SIGKILL)
        wait_until(lambda: is_lost(data))
        with pytest.raises(ResultLost, match="persist_result"):
            future.result()
        after = size_of.submit(future).wait()
        return after.name, str(after.message)

    name, message = loses()
    assert name == "Crashed"
    assert "persist_result" in message


def is_lost(result: Any) -> bool:
    try:
        ray.get(result.reference, timeout=_PATIENCE)
    except ray.exceptions.ObjectLostError:
        return True
    return False


# Workers that are killed


@task
def note(number: int, path: str, killer: int | None) -> int:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")
    if number == killer:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_lost_call_is_crashed_with_its_worker_named_and_what_is_completed_stays(
    runner: RayTaskRunner, tmp_path: Path
) -> None:
    path = tmp_path / "calls"

    @flow(task_runner=runner)
    def kills() -> Any:
        first = note.map(range(20), str(path), None)
        first.wait()
        lost = note.submit(20, str(path), 20)
        lost.wait()
        return lost.state.data.get(), [each.name for each in first.states()], note.submit(21, str(path), None).result()

    error, names, last = kills()
    assert isinstance(error, CrashedRun)
    assert re.search(r"Ray worker \S+ \(process \d+\) is gone: WorkerCrashedError", str(error))
    assert names == ["Completed"] * 20
    assert last == 21
    assert sorted(map(int, path.read_text().split())) == list(range(22))  # none twice


@task(retries=1)
def dies_always(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_call_that_kills_its_workers_is_tried_as_often_as_its_retries_say(
    runner: RayTaskRunner, tmp_path: Path
) -> None:
    @flow(task_runner=runner)
    def tries() -> Any:
        return dies_always.submit(str(tmp_path / "calls")).wait().name

    assert tries() == "Crashed"
    assert (tmp_path / "calls").read_text() == "xx"
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    assert run.state_name == "Crashed"


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


# What is refused


@task
def pid() -> int:
    return os.getpid()


def test_a_worker_of_another_version_is_refused(runner: RayTaskRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def older() -> bytes:
        sent = json.loads(greeting())
        return json.dumps(sent | {"versions": sent["versions"] | {"Python": "3.9"}}).encode()

    monkeypatch.setattr(ray_runner, "greeting", older)

    @flow(task_runner=runner)
    def submits() -> Any:
        return pid.submit().wait().message

    assert "Install Python 3.9 there" in submits()


@task(cache_key_fn=lambda _, parameters: f"ray-{parameters['number']}")
def cached(number: int) -> int:
    return number


@task(persist_result=True)
def persisted(number: int) -> int:
    return number


def test_a_worker_that_sees_neither_the_database_nor_the_storage_says_which_setting_it_needs(
    runner: RayTaskRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def elsewhere() -> bytes:
        sent = json.loads(greeting())
        return json.dumps(sent | {"settings": {"PERDURE_HOME": str(tmp_path / "elsewhere")}}).encode()

    monkeypatch.setattr(ray_runner, "greeting", elsewhere)
    monkeypatch.setattr(LocalFileSystem, "exists", lambda *_: False)  # as on another machine, which this is not

    @flow(task_runner=runner)
    def submits() -> Any:
        futures = [pid.submit(), cached.submit(1), persisted.submit(1)]
        return [(state.name, str(state.message)) for state in (future.wait() for future in futures)]

    (plain, _), (of_cache, why), (of_storage, why_not_kept) = submits()
    assert (plain, of_cache, of_storage) == ("Completed", "Crashed", "Crashed")
    assert "PERDURE_API_URL" in why
    assert "PERDURE_LOCAL_STORAGE_PATH" in why_not_kept


@task(resources={"tpu": 1, "memory": "1MiB"})
def on_tpu() -> Any:
    return ray.get_runtime_context().get_assigned_resources()


@task(resources={"gpu": 2})
def on_gpu() -> int:
    return 1


def test_resources_are_the_clusters_and_what_no_node_has_is_refused(runner: RayTaskRunner) -> None:
    @flow(task_runner=runner)
    def submits() -> Any:
        return on_tpu.submit().result(), on_gpu.submit().wait().message, pid.submit().wait().name

    value, refusal, after = submits()
    assert (value["TPU"], value["CPU"], after) == (1, 1, "Completed")
    assert "gpu=2" in refusal
    assert "TPU=1" in refusal


def test_another_cluster_than_that_of_the_process_is_refused() -> None:
    @flow(task_runner=RayTaskRunner(address="10.255.0.1:6379"))
    def submits() -> Any:
        return pid.submit().wait().message

    assert "is connected to the Ray cluster" in submits()


def test_a_flow_runs_on_ray_by_the_setting_alone() -> None:
    @flow
    def submits() -> int:
        return pid.submit().result()

    with settings.temporary_settings(task_runner="ray"):
        assert submits() != os.getpid()
