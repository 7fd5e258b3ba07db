"""Each kind of infrastructure that workers start runs on, by one suite; the real thing of each, but for Kubernetes."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from perdure._worker.docker import DockerInfrastructure
from perdure._worker.infrastructure import Infrastructure, Job
from perdure._worker.kubernetes import KubernetesInfrastructure, KubernetesJob
from perdure._worker.process import ProcessInfrastructure
from perdure._worker.slurm import SlurmInfrastructure
from perdure._worker.ssh import SshInfrastructure
from perdure.testing.infrastructure_conformance import InfrastructureConformance
from tests.deployments import podman_engine, slurm_cluster, ssh_server
from tests.deployments.kubernetes_api import cluster

pytestmark = pytest.mark.slow
REAL = os.environ.get("KUBERNETES_CONFIG")  # of a real cluster


class TestProcesses(InfrastructureConformance):
    @pytest.fixture
    def infrastructure(self) -> Infrastructure:
        return ProcessInfrastructure(shows=False)


@ssh_server.NEEDED
class TestSsh(InfrastructureConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssh_server.SshServer]:
        with ssh_server.ssh_server(tmp_path_factory.mktemp("ssh")) as made:
            yield made

    @pytest.fixture
    def infrastructure(self, server: ssh_server.SshServer) -> Infrastructure:
        self.made_of = server.made_of
        return SshInfrastructure()


@slurm_cluster.NEEDED
class TestSlurm(InfrastructureConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
        with slurm_cluster.slurm_cluster(tmp_path_factory.mktemp("slurm")) as made:
            yield made

    @pytest.fixture
    def infrastructure(
        self, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Infrastructure:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return SlurmInfrastructure(tmp_path / "jobs")

    @pytest.fixture
    def another(self, infrastructure: Infrastructure, tmp_path: Path) -> Infrastructure:
        return SlurmInfrastructure(tmp_path / "jobs")


@podman_engine.NEEDED
class TestPodman(InfrastructureConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> Iterator[podman_engine.Engine]:
        with podman_engine.podman_engine() as made:
            yield made

    @pytest.fixture(scope="class")
    @classmethod
    def two(cls, engine: podman_engine.Engine) -> list[Infrastructure]:
        return [DockerInfrastructure(engine.url) for _ in range(2)]

    @pytest.fixture
    def infrastructure(self, engine: podman_engine.Engine, two: list[Infrastructure]) -> Infrastructure:
        self.made_of = engine.made_of
        return two[0]

    @pytest.fixture
    def another(self, two: list[Infrastructure]) -> Infrastructure:
        return two[1]


class TestKubernetes(InfrastructureConformance):
    """On the API of our own; on a real one with `make kubernetes KUBECONFIG=...`."""

    python = sys.executable if REAL is None else "python3"

    @pytest.fixture
    def kubeconfig(self, tmp_path: Path) -> Iterator[Path]:
        if REAL is not None:
            yield Path(REAL)
            return
        with cluster() as (_, _, config):
            (tmp_path / "kubeconfig").write_text(json.dumps(config))
            yield tmp_path / "kubeconfig"

    @pytest.fixture
    def infrastructure(self, kubeconfig: Path) -> Iterator[Infrastructure]:
        self.made_of = {"image": os.environ.get("KUBERNETES_IMAGE", "here")}
        with closing(KubernetesInfrastructure(kubeconfig)) as made:
            yield made

    @pytest.fixture
    def another(self, kubeconfig: Path) -> Iterator[Infrastructure]:
        with closing(KubernetesInfrastructure(kubeconfig)) as made:
            yield made


class _Seen:
    """What is seen of the jobs, or of the pods, of a cluster."""

    problem = ""

    def __init__(self, *things: dict[str, object]) -> None:
        self.things = list(things)

    def get(self, _: str) -> dict[str, object]:
        return self.things[0]

    def of(self, _: str) -> list[dict[str, object]]:
        return self.things


def test_a_pod_that_is_seen_after_the_end_of_its_job_says_why_it_ended() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has failed"}
    jobs, pods = _Seen({"status": {"conditions": [failed]}}), _Seen()
    started = KubernetesJob(Mock(views=lambda _: (jobs, pods)), "default", "run", removes=True)
    assert started.ended() is None
    terminated = {"exitCode": 127, "reason": "StartError", "message": "/no/such/program"}
    pods.things.append({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": terminated}}]}})
    assert started.ended() == 127
    assert started.status() == "StartError: /no/such/program"


def test_of_a_job_whose_pod_has_not_been_seen_yet_the_log_is_read(tmp_path: Path) -> None:
    with cluster() as (made, _, config):
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        with closing(KubernetesInfrastructure(tmp_path / "kubeconfig")) as infrastructure:
            infrastructure.find("none")  # what there is has been listed
            made.hides_pods = True
            command = (sys.executable, "-c", "print('all is well')")
            started = infrastructure.start(Job("a-run", 1, command, {}, {"image": "here"}))
            deadline = time.monotonic() + 60
            while started.ended() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert started.ended() == 0
            assert started.said() == "all is well"
