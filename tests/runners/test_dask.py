"""Tasks on a Dask cluster: what every task runner does, values that stay there, and workers that are killed."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest
from distributed import LocalCluster, Status

from perdure import flow, session, settings, task
from perdure._runners import dask as dask_runner
from perdure._runners.batches import WorkerLost
from perdure._runners.dask_scheduler import Batches
from perdure._runners.greeting import greeting
from perdure.errors import CrashedRun, DefinitionError, ResultLost
from perdure.filesystems import LocalFileSystem
from perdure.records import RunFilter
from perdure.task_runners import DaskTaskRunner
from perdure.testing.task_runner_conformance import TaskRunnerConformance

pytestmark = pytest.mark.slow

_PATIENCE = 120.0  # seconds: much more than anything here takes on a busy machine


@pytest.fixture(scope="module")
def clusters() -> Iterator[list[Any]]:
    """The cluster that tests share; another one once workers that they have killed did not come back."""
    made: list[Any] = []
    yield made
    for each in made:
        each.close()


@pytest.fixture
def cluster(clusters: list[Any]) -> Any:
    """Two workers, each a process that is started anew when it dies, unless it dies while it starts."""
    if clusters and not is_whole_soon(clusters[0]):
        clusters.pop().close()
    if not clusters:
        clusters.append(
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=2, threads_per_worker=1, dashboard_address=":0", resources={"GPU": 1}, silence_logs=50
            )
        )
    return clusters[0]


@pytest.fixture
def runner(cluster: Any) -> DaskTaskRunner:
    return DaskTaskRunner(address=cluster.scheduler_address)


def wait_until(is_so: Callable[[], Any]) -> None:
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_whole(cluster: Any) -> bool:
    """Whether two workers are there, and have started."""
    started = sum(each.status is Status.running for each in cluster.workers.values())
    return min(started, len(cluster.scheduler.workers)) >= 2


def is_whole_soon(cluster: Any) -> bool:
    end = time.monotonic() + 5
    while not is_whole(cluster) and time.monotonic() < end:
        time.sleep(0.05)
    return is_whole(cluster)


def states_of(run_id: str) -> list[str]:
    return [state.name for state in session.current().orchestrator.states(run_id)]


class TestDask(TaskRunnerConformance):
    @pytest.fixture
    def runner(self, cluster: Any) -> DaskTaskRunner:
        return DaskTaskRunner(address=cluster.scheduler_address)


# Values that stay on the cluster


@task
def made(number: int, others: str) -> np.ndarray:
    Path(others, f"made-{number}").touch()
    wait_until(lambda: len(list(Path(others).glob("made-*"))) == 2)  # so that each worker makes one
    return np.full(100_000, number, dtype="int64")


@task
def added(arrays: list[np.ndarray]) -> tuple[int, bool]:
    arrays[0] += 1  # its own copy
    return int(sum(each.sum() for each in arrays)), arrays[0].flags.writeable


def test_an_array_goes_from_worker_to_worker_and_never_comes_here(
    runner: DaskTaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    monkeypatch.setattr(dask_runner._Cluster, "fetch", lambda _, reference: fetched.append(reference))

    @flow(task_runner=runner)
    def reduces() -> Any:
        arrays = made.map([1, 2], str(tmp_path))
        return added.submit(arrays).result(), added.submit(list(arrays)).result()

    assert reduces() == ((400_000, True), (400_000, True))
    assert not fetched


def test_a_value_that_is_asked_for_comes_here_also_after_the_flow_has_ended(
    runner: DaskTaskRunner, tmp_path: Path
) -> None:
    @flow(task_runner=runner)
    def makes() -> Any:
        return made.map([1, 2], str(tmp_path))

    first, second = makes()
    assert int(first.result().sum()) == 100_000
    assert second.result()[0] == 2


@task
def large(number: int) -> bytes:
    return bytes(1_000_000 + number)


@task
def size_of(value: bytes) -> int:
    return len(value)


@task
def pid() -> int:
    return os.getpid()


def test_a_value_whose_worker_has_died_is_lost_with_a_remedy(runner: DaskTaskRunner, cluster: Any) -> None:
    @flow(task_runner=runner)
    def loses() -> Any:
        futures = large.map(range(4))
        futures.wait()
        before = set(cluster.scheduler.workers)
        for worker in tuple(cluster.scheduler.workers.values()):
            os.kill(_pid_of(cluster, worker.address), signal.SIGKILL)
        wait_until(lambda: not before & set(cluster.scheduler.workers))
        with pytest.raises(ResultLost, match="persist_result"):
            futures[0].result()
        after = size_of.submit(futures[1]).wait()
        return after.name, str(after.message)

    name, message = loses()
    assert name == "Crashed"
    assert "persist_result" in message


def _pid_of(cluster: Any, address: str) -> int:
    (found,) = (each.pid for each in cluster.workers.values() if each.worker_address == address)
    return int(found)


# Workers that are killed


@task
def note(number: int, path: str, killer: int | None) -> int:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")
    if number == killer:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_lost_call_is_crashed_with_its_worker_named_and_what_is_completed_stays(
    runner: DaskTaskRunner, tmp_path: Path
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
    assert "Dask worker tcp://" in str(error)
    assert names == ["Completed"] * 20
    assert last == 21
    assert sorted(map(int, path.read_text().split())) == list(range(22))  # none twice


@task(retries=1)
def dies(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_call_that_kills_its_workers_is_tried_as_often_as_its_retries_say(
    runner: DaskTaskRunner, tmp_path: Path
) -> None:
    @flow(task_runner=runner)
    def tries() -> Any:
        return dies.submit(str(tmp_path / "calls")).wait().name

    assert tries() == "Crashed"
    assert (tmp_path / "calls").read_text() == "xx"
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    assert run.state_name == "Crashed"


@task(retries=20)
def squared(number: int) -> int:
    time.sleep(0.01)
    return number * number


def test_killed_workers_have_no_completed_task_run_again_and_leave_none_running(
    runner: DaskTaskRunner, cluster: Any
) -> None:
    has_ended = threading.Event()

    def kill() -> None:
        for number in range(2):
            has_ended.wait(0.3)
            wait_until(lambda: has_ended.is_set() or is_whole(cluster))
            pids = [each.pid for each in cluster.workers.values() if each.status is Status.running and each.pid]
            if pids and not has_ended.is_set():
                with suppress(ProcessLookupError):
                    os.kill(pids[number % len(pids)], signal.SIGKILL)

    @flow(task_runner=runner)
    def maps() -> list[int]:
        return squared.map(range(150)).result()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        assert maps() == [number * number for number in range(150)]
    finally:
        has_ended.set()
        killer.join()
    runs = session.current().orchestrator.task_runs(RunFilter())
    assert {run.state_name for run in runs} == {"Completed"}
    for run in runs:
        assert states_of(run.id).count("Completed") == 1
        assert states_of(run.id)[-1] == "Completed"


# A worker that comes back


@task(persist_result=True)
def step() -> int:
    return 1


@flow
def below() -> int:
    return step()


@task(retries=1)
def waits_and_writes(folder: str) -> str:
    tries = Path(folder, "tries")
    with tries.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(tries.read_text().split()) > 1:
        return "second"
    try:
        wait_until(Path(folder, "go").exists)
        below()
        Path(folder, "wrote").touch()
    finally:
        Path(folder, "came back").touch()
    return "first"


def test_a_worker_that_was_given_up_and_comes_back_changes_nothing(
    runner: DaskTaskRunner, cluster: Any, tmp_path: Path
) -> None:
    tries = tmp_path / "tries"

    @flow(task_runner=runner)
    def loses() -> str:
        future = waits_and_writes.submit(str(tmp_path))
        wait_until(lambda: tries.exists() and bool(tries.read_text()))
        first = int(tries.read_text())
        (address,) = (each for each in cluster.scheduler.workers if _pid_of(cluster, each) == first)
        os.kill(first, signal.SIGSTOP)
        cluster.sync(cluster.scheduler.remove_worker, address, stimulus_id="test", close=False)
        value = future.result()
        (tmp_path / "go").touch()
        os.kill(first, signal.SIGCONT)
        wait_until((tmp_path / "came back").exists)
        return value

    assert loses() == "second"
    assert not (tmp_path / "wrote").exists()
    flow_runs = session.current().orchestrator.flow_runs(RunFilter())
    assert [run.flow_name for run in flow_runs] == ["loses"]
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    assert states_of(run.id)[-1] == "Completed"
    assert states_of(run.id).count("Completed") == 1


def test_a_batch_that_has_begun_never_begins_again_also_after_its_sender_has_heard_of_it() -> None:
    asked = Batches()
    asyncio.run(asked.start(SimpleNamespace(handlers={}, stream_handlers={}, stream_comms={}, total_nthreads=2)))
    asked.hello("flow")
    assert asked.claim("batch", "first", "flow") is None
    asked.end("batch", client="flow")
    assert asked.claim("batch", "second", "flow") == "begun"
    asked.remove_client(None, "flow")
    assert asked.claim("batch", "third", "flow") == "withdrawn"


def test_calls_without_an_answer_are_lost_once_their_batch_has_ended() -> None:
    future = SimpleNamespace(status="finished", result=list, release=lambda: None)
    lane = dask_runner._Lane(SimpleNamespace(submit=lambda *_: future, forget=lambda _: None))  # type: ignore[arg-type]
    lane.begin(SimpleNamespace(name="task"))  # type: ignore[arg-type]
    lane.inbox.put((lane.batch, future))
    assert lane.receive(0) == []
    with pytest.raises(WorkerLost, match="without an answer"):
        lane.receive(0)


# What is refused


def test_a_worker_of_another_version_is_refused(runner: DaskTaskRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def older() -> bytes:
        sent = json.loads(greeting())
        return json.dumps(sent | {"versions": sent["versions"] | {"Python": "3.9"}}).encode()

    monkeypatch.setattr(dask_runner, "greeting", older)

    @flow(task_runner=runner)
    def submits() -> Any:
        return pid.submit().wait().message

    assert "Install Python 3.9 there" in submits()


def test_no_secret_travels() -> None:
    with settings.temporary_settings(api_token="not-for-others", api_url="http://127.0.0.1:1"):
        assert b"not-for-others" not in greeting()
        assert b"http://127.0.0.1:1" in greeting()


@task(cache_key_fn=lambda _, parameters: f"dask-{parameters['number']}")
def cached(number: int) -> int:
    return number


@task(persist_result=True)
def persisted(number: int) -> int:
    return number


def test_a_worker_that_sees_neither_the_database_nor_the_storage_says_which_setting_it_needs(
    runner: DaskTaskRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def elsewhere() -> bytes:
        sent = json.loads(greeting())
        return json.dumps(sent | {"settings": {"PERDURE_HOME": str(tmp_path / "elsewhere")}}).encode()

    monkeypatch.setattr(dask_runner, "greeting", elsewhere)
    monkeypatch.setattr(LocalFileSystem, "exists", lambda *_: False)  # as on another machine, which this is not

    @flow(task_runner=runner)
    def submits() -> Any:
        futures = [pid.submit(), cached.submit(1), persisted.submit(1)]
        return [(state.name, str(state.message)) for state in (future.wait() for future in futures)]

    (plain, _), (of_cache, why), (of_storage, why_not_kept) = submits()
    assert (plain, of_cache, of_storage) == ("Completed", "Crashed", "Crashed")
    assert "PERDURE_API_URL" in why
    assert "PERDURE_LOCAL_STORAGE_PATH" in why_not_kept


@task(resources={"gpu": 1})
def on_gpu() -> int:
    return 1


@task(resources={"tpu": 2})
def on_tpu() -> int:
    return 1


def test_resources_are_the_clusters_and_what_no_worker_has_is_refused(runner: DaskTaskRunner) -> None:
    @flow(task_runner=runner)
    def submits() -> Any:
        return on_gpu.submit().result(), on_tpu.submit().wait().message, pid.submit().wait().name

    value, refusal, after = submits()
    assert (value, after) == (1, "Completed")
    assert "tpu=2" in refusal
    assert "They have GPU=1" in refusal


@pytest.mark.parametrize("resources", [{"gpu": 0}, {"gpu": "many"}, {"": 1}, ["gpu"], {"gpu": True}])
def test_resources_that_are_none_are_refused(resources: Any) -> None:
    with pytest.raises(DefinitionError, match="resources"):
        task(resources=resources)(lambda: None)


def test_a_cluster_has_an_address_or_a_class() -> None:
    with pytest.raises(DefinitionError, match="address"):
        DaskTaskRunner(address="tcp://127.0.0.1:1", cluster_class="distributed.LocalCluster")


def test_threads_of_this_process_are_no_workers() -> None:
    @flow(task_runner=DaskTaskRunner(cluster_kwargs={"processes": False, "n_workers": 1, "dashboard_address": ":0"}))
    def submits() -> Any:
        return pid.submit().wait().message

    assert "ThreadTaskRunner" in submits()


def test_a_flow_runs_on_dask_by_the_setting_alone(cluster: Any) -> None:
    @flow
    def submits() -> int:
        return pid.submit().result()

    address = {"scheduler-address": cluster.scheduler_address}
    with dask.config.set(address), settings.temporary_settings(task_runner="dask"):
        assert submits() in {_pid_of(cluster, address) for address in cluster.scheduler.workers}
