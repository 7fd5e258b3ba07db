"""Runs of flows on each kind of infrastructure: a server, a worker, and what the worker starts."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from perdure import cancel_flow_run, session, settings
from perdure._model.state_types import FINAL
from perdure._rooms.deployments.port import QueueFilter, WorkPool
from perdure._worker.docker import DockerInfrastructure
from perdure._worker.infrastructure import Infrastructure
from perdure._worker.kubernetes import KubernetesInfrastructure
from perdure._worker.loop import Worker
from perdure._worker.slurm import SlurmInfrastructure
from perdure._worker.ssh import SshInfrastructure
from perdure.deployments import run_deployment
from perdure.errors import WorkerError
from perdure.records import RunFilter
from perdure.states import StateType
from perdure.testing.server import serving
from tests.deployments import deployed, podman_engine, slurm_cluster, ssh_server
from tests.deployments.kubernetes_api import Cluster, cluster

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
PATIENCE = 120.0


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE:g} seconds: {what}")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_LEASE_SECONDS", "5")
    with serving() as url:
        monkeypatch.setenv("PERDURE_API_URL", url)
        settings.reload()
        yield session.current().orchestrator
        session.close()


@contextmanager
def working(infrastructure: Infrastructure) -> Iterator[Worker]:
    worker = Worker(session.current(), ["p"], infrastructure)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def deploy(known, kind: str, flow: Any, made_of: dict[str, Any], **parameters: Any) -> Any:
    """A run of a flow that waits for a worker of the kind."""
    known.deployments.put_pool(WorkPool("p", kind, None, None, "{}", 1))
    given = {**made_of, "env": {"PYTHONPATH": str(REPOSITORY)}}
    flow.deploy("one", work_pool="p", job_variables=given, parameters=parameters)
    return run_deployment(f"{flow.name}/one", timeout=0)


def state_of(known, run) -> StateType | None:
    (after,) = known.flow_runs(RunFilter(ids=(run.id,)))
    return after.state_type


def ended(known, run) -> Any:
    until(lambda: state_of(known, run) in FINAL, f"the end of {run}, whose log is {log_of(known, run)}")
    (after,) = known.flow_runs(RunFilter(ids=(run.id,)))
    return after


def log_of(known, run) -> str:
    return "\n".join(line.message for line in known.logs(run.id))


def is_gone(known, run) -> bool:
    (place,) = known.deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
    return place.phase == "ended"


def runs_and_is_cancelled(known, infrastructure: Infrastructure, made_of: dict[str, Any]) -> None:
    """A run to its end, and one that is cancelled while it runs."""
    with working(infrastructure) as worker:
        run = deploy(known, infrastructure.type, deployed.report, made_of, x=21)
        assert ended(known, run).state_type is StateType.COMPLETED, log_of(known, run)
        run = deploy(known, infrastructure.type, deployed.slow, made_of, seconds=300)
        until(lambda: state_of(known, run) in (StateType.RUNNING, *FINAL), "that it runs")
        cancel_flow_run(run.id)
        assert ended(known, run).state_type is StateType.CANCELLED
        until(lambda: is_gone(known, run) and not worker._running, "that what was started is gone")
    assert infrastructure.find(run.id) is None


@ssh_server.NEEDED
def test_a_run_on_another_machine_completes_or_is_cancelled(known, tmp_path: Path) -> None:
    with ssh_server.ssh_server(tmp_path) as server:
        runs_and_is_cancelled(known, SshInfrastructure(), server.made_of)


@ssh_server.NEEDED
def test_a_run_on_another_machine_ends_when_its_link_is_cut(known, tmp_path: Path) -> None:
    with ssh_server.ssh_server(tmp_path) as server, working(SshInfrastructure()) as worker:
        run = deploy(known, "ssh", deployed.slow, server.made_of, seconds=300)
        until(lambda: state_of(known, run) in (StateType.RUNNING, *FINAL), "that it runs")
        pid = known.process(known.start(run.id).process_id).pid
        os.kill(worker._running[run.id].there().pid, signal.SIGKILL)  # type: ignore[union-attr]
        assert ended(known, run).state_type is StateType.CRASHED
        until(lambda: not Path(f"/proc/{pid}").exists(), "that its process is gone")


@slurm_cluster.NEEDED
def test_a_run_of_a_cluster_completes_or_is_cancelled(known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with slurm_cluster.slurm_cluster(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        runs_and_is_cancelled(known, SlurmInfrastructure(tmp_path / "jobs"), {})


@podman_engine.NEEDED
def test_a_run_in_a_container_completes_or_is_cancelled_and_a_missing_image_is_reported(known) -> None:
    with podman_engine.podman_engine() as engine:
        infrastructure = DockerInfrastructure(engine.url)
        runs_and_is_cancelled(known, infrastructure, engine.made_of)
        with working(infrastructure):
            run = deploy(known, "docker", deployed.report, {**engine.made_of, "image": "127.0.0.1:1/none:1"})
            after = ended(known, run)
        assert after.state_type is StateType.CRASHED
        assert "'127.0.0.1:1/none:1' could not be pulled" in after.state_message


# Kubernetes: what goes wrong in a cluster

JOB = {"image": "here", "python": sys.executable}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Cluster]:
    with cluster() as (made, _, config):
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        yield made


@pytest.fixture
def kubernetes(api: Cluster, tmp_path: Path) -> Iterator[Infrastructure]:
    with closing(KubernetesInfrastructure(tmp_path / "kubeconfig")) as made:
        yield made


def test_a_job_of_kubernetes_completes_or_is_cancelled(known, kubernetes: Infrastructure) -> None:
    runs_and_is_cancelled(known, kubernetes, JOB)


@pytest.mark.parametrize(
    ("happens", "says"), [("evict", "Evicted: The node was low on resource"), ("exhaust_memory", "OOMKilled")]
)
def test_a_run_whose_pod_is_ended_is_crashed_at_once_with_the_reason(
    known, kubernetes: Infrastructure, api: Cluster, happens: str, says: str
) -> None:
    with working(kubernetes):
        run = deploy(known, "kubernetes", deployed.slow, JOB, seconds=300)
        until(lambda: state_of(known, run) in (StateType.RUNNING, *FINAL), "that it runs")
        getattr(api, happens)(run.id)
        after = ended(known, run)
        # Where the server sees the process too, as here, it may be the one who says that the run is lost.
        until(lambda: says in f"{after.state_message} {log_of(known, run)}", "the reason")
    assert after.state_type is StateType.CRASHED


@pytest.mark.parametrize(
    ("hindrance", "image", "says"),
    [
        (None, "absent/flows:1", 'ImagePullBackOff: Back-off pulling image "absent/flows:1"'),
        ("nodes_are_full", "here", "Unschedulable: 0/3 nodes are available"),
        ("quota_is_used", "here", "FailedCreate: pods is forbidden: exceeded quota"),
    ],
)
def test_a_run_that_cannot_begin_says_why_and_is_given_up(
    known, kubernetes: Infrastructure, api: Cluster, hindrance: str | None, image: str, says: str
) -> None:
    if hindrance is not None:
        setattr(api, hindrance, True)
    with working(kubernetes):
        run = deploy(known, "kubernetes", deployed.report, {**JOB, "image": image, "start_timeout": 6})
        after = ended(known, run)
        until(lambda: not api.things, "that its job is gone")
    assert after.state_type is StateType.CRASHED
    assert f"it had not begun 6 seconds after it was started. {says}" in after.state_message
    assert says in log_of(known, run)


def test_a_run_that_is_cancelled_while_it_is_started_leaves_no_job(
    known, kubernetes: Infrastructure, api: Cluster
) -> None:
    with working(kubernetes):
        run = deploy(known, "kubernetes", deployed.report, {**JOB, "image": "absent/flows:1"})
        until(lambda: api.things, "that its job is there")
        cancel_flow_run(run.id)
        until(lambda: not api.things, "that its job is gone")
    assert state_of(known, run) is StateType.CANCELLED


def test_a_job_that_is_refused_says_why(known, kubernetes: Infrastructure) -> None:
    with working(kubernetes):
        after = ended(known, deploy(known, "kubernetes", deployed.report, {**JOB, "image": "Here"}))
    assert after.state_type is StateType.CRASHED
    assert "image: Invalid value" in after.state_message


def test_watches_that_are_cut_off_or_too_old_and_an_api_that_is_away_end_no_run(
    known, kubernetes: Infrastructure, api: Cluster
) -> None:
    with working(kubernetes) as worker:
        run = deploy(known, "kubernetes", deployed.slow, JOB, seconds=3)
        until(lambda: state_of(known, run) in (StateType.RUNNING, *FINAL), "that it runs")
        api.cut_off()
        api.forget_versions()
        api.is_away = True
        another = deploy(known, "kubernetes", deployed.report, JOB)
        until(lambda: "is started again" in log_of(known, another), "that it is put off")
        api.is_away = False
        assert ended(known, run).state_type is StateType.COMPLETED
        assert ended(known, another).state_type is StateType.COMPLETED
        until(lambda: not worker._running and not api.things, "that their jobs are gone")


def test_what_a_worker_has_left_is_found_by_the_next_one_and_not_started_again(
    known, kubernetes: Infrastructure, api: Cluster, tmp_path: Path
) -> None:
    api.nodes_are_full = True
    with working(kubernetes):
        run = deploy(known, "kubernetes", deployed.report, JOB)
        until(lambda: api.things, "that its job is there")
    assert state_of(known, run) is StateType.SCHEDULED
    with closing(KubernetesInfrastructure(tmp_path / "kubeconfig")) as again, working(again) as next_one:
        until(lambda: next_one._running, "that it is found")
        api.nodes_are_full = False
        assert ended(known, run).state_type is StateType.COMPLETED
        until(lambda: not api.things, "that its job is gone")
    assert sum(line.startswith("POST") for line in api.requests) == 1


def test_runs_that_are_elsewhere_need_a_server(kubernetes: Infrastructure) -> None:
    with pytest.raises(WorkerError, match="PERDURE_API_URL"):
        Worker(session.current(), ["p"], kubernetes)
