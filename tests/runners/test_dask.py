"""Tasks on a Dask cluster: what every task runner of a cluster does, and a worker that comes back."""

import asyncio
import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import pytest
from distributed import Client

from perdure import flow, session, settings, task
from perdure._execution import dask_worker
from perdure._runners import dask as dask_runner
from perdure._runners.batches import WorkerLost
from perdure._runners.dask_scheduler import Batches
from perdure._runners.envelopes import Answer
from perdure._runners.handshake import greeting
from perdure.errors import DefinitionError
from perdure.records import RunFilter
from perdure.task_runners import DaskTaskRunner
from tests.dask_cluster import DaskCluster
from tests.runners.cluster_conformance import ClusterConformance, pid, states_of, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clusters() -> Iterator[DaskCluster]:
    """The cluster that tests share."""
    made = DaskCluster(2)
    yield made
    made.close()


@pytest.fixture
def cluster(clusters: DaskCluster) -> DaskCluster:
    """Two workers, whatever tests have done to those before them."""
    clusters.wait_until_whole()
    return clusters


@pytest.fixture
def runner(cluster: DaskCluster) -> DaskTaskRunner:
    return DaskTaskRunner(address=cluster.address)


class TestDask(ClusterConformance):
    module = dask_runner
    lost = r"was lost: Dask worker tcp://\S+ is gone"
    there, said_to_be_there = {"gpu": 1}, "They have GPU=1"
    missing, said_to_be_missing = {"tpu": 2}, "tpu=2"

    @pytest.fixture
    def runner(self, cluster: DaskCluster) -> DaskTaskRunner:
        return DaskTaskRunner(address=cluster.address)

    @pytest.fixture
    def setting(self, cluster: DaskCluster) -> Iterator[AbstractContextManager[object]]:
        with ExitStack() as within:
            within.enter_context(dask.config.set({"scheduler-address": cluster.address}))
            yield settings.temporary_settings(task_runner="dask")

    @pytest.fixture(autouse=True)
    def _has(self, cluster: DaskCluster) -> None:
        self.cluster = cluster

    def is_lost(self, result: Any) -> bool:
        return result.reference.status in ("lost", "cancelled")

    def is_worker(self, process: int) -> bool:
        return process in self.cluster.workers().values()


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
    runner: DaskTaskRunner, cluster: DaskCluster, tmp_path: Path
) -> None:
    tries = tmp_path / "tries"

    async def remove(dask_scheduler: Any, address: str) -> None:
        await dask_scheduler.remove_worker(address, stimulus_id="test", close=False)

    @flow(task_runner=runner)
    def loses() -> str:
        future = waits_and_writes.submit(str(tmp_path))
        wait_until(lambda: tries.exists() and bool(tries.read_text()))
        first = int(tries.read_text())
        (address,) = (each for each, process in cluster.workers().items() if process == first)
        os.kill(first, signal.SIGSTOP)
        try:
            with Client(cluster.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
                client.run_on_scheduler(remove, address=address)  # type: ignore[no-untyped-call]
            value = future.result()
            (tmp_path / "go").touch()
        finally:
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


def a_scheduler(*workers: str) -> Batches:
    """What a scheduler answers that has these workers, and a client called flow."""
    asked = Batches()
    there = dict.fromkeys(workers)
    scheduler = SimpleNamespace(handlers={}, stream_handlers={}, stream_comms={}, total_nthreads=2, workers=there)
    asyncio.run(asked.start(scheduler))
    asked.hello("flow")
    return asked


def test_a_worker_that_is_gone_for_the_scheduler_takes_no_batch_from_the_one_that_runs_it() -> None:
    asked = a_scheduler("second")
    assert asked.claim("batch", "first", "flow") == "begun"
    assert asked.claim("batch", "second", "flow") is None


def test_a_batch_that_has_begun_never_begins_again_also_after_its_sender_has_heard_of_it() -> None:
    asked = a_scheduler("first", "second", "third")
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


@pytest.mark.parametrize("reached", [True, False])
def test_what_calls_came_to_is_said_again_unless_it_is_known_to_have_arrived(
    monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    said: list[object] = []

    def ask(*_: object, messages: bytes, **__: object) -> None:
        said.extend(pickle.loads(messages))
        if not reached:
            raise OSError("timed out")

    monkeypatch.setattr(dask_worker, "_ask", ask)
    post = dask_worker._DaskPost(SimpleNamespace(status=None), "batch", "client")
    post.batch = SimpleNamespace(stop=lambda: None)  # type: ignore[assignment]
    answer = Answer(0, 0.0, b"", (), False)
    post.send(answer)
    post.pass_on()

    assert said == [answer]
    assert post.rest() == ([] if reached else [answer])


# What is refused


def test_no_secret_travels() -> None:
    with settings.temporary_settings(api_token="not-for-others", api_url="http://127.0.0.1:1"):
        assert b"not-for-others" not in greeting()
        assert b"http://127.0.0.1:1" in greeting()


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
