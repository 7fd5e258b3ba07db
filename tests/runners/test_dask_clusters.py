"""Clusters that a Dask task runner starts itself, which needs a guard in the program, and clusters with TLS."""

import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from distributed import Security

from perdure import flow, task
from perdure._runners.main_guard import why_unguarded
from perdure.task_runners import DaskTaskRunner
from tests import prepared
from tests.dask_cluster import DaskCluster

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from distributed import Security
from perdure import flow, task
from perdure.task_runners import DaskTaskRunner

@task
def square(number):
    return number * number

security = Security(**json.loads(sys.argv[1])) if sys.argv[1:] else None
given = {"n_workers": 1, "threads_per_worker": 1, "security": security, "protocol": "tls://" if security else None}

@flow(task_runner=DaskTaskRunner(cluster_kwargs=given))
def squares():
    first = square.submit(2)
    return first.result() + sum(square.map(range(3)).result())

"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Arguments of `distributed.Security` by which all prove who they are, and trust nobody else."""
    folder = tmp_path_factory.mktemp("tls")
    authority, names = trustme.CA(), {"tls_ca_file": folder / "ca.pem"}
    authority.cert_pem.write_to_path(names["tls_ca_file"])
    for role in ("scheduler", "worker", "client"):
        issued = authority.issue_cert("127.0.0.1", common_name=role)
        names |= {f"tls_{role}_cert": folder / f"{role}.pem", f"tls_{role}_key": folder / f"{role}.key"}
        issued.cert_chain_pems[0].write_to_path(names[f"tls_{role}_cert"])
        issued.private_key_pem.write_to_path(names[f"tls_{role}_key"])
    return {name: str(path) for name, path in names.items()} | {"require_encryption": True}


@pytest.fixture(scope="module")
def cluster(certificates: dict[str, Any]) -> Iterator[DaskCluster]:
    made = DaskCluster(1, certificates)
    yield made
    made.close()


@task
def double(number: int) -> int:
    return 2 * number


@task
def large(size: int) -> bytes:
    return bytes(size)


def test_a_flow_runs_on_a_cluster_with_tls(cluster: DaskCluster, certificates: dict[str, Any]) -> None:
    @flow(task_runner=DaskTaskRunner(cluster.address, client_kwargs={"security": Security(**certificates)}))
    def submits() -> Any:
        return sum(double.map(range(20)).result()), len(large.submit(100_000).result())

    assert cluster.address.startswith("tls://")
    assert submits() == (380, 100_000)


def test_a_cluster_with_tls_does_not_take_who_has_no_certificate(cluster: DaskCluster) -> None:
    @flow(task_runner=DaskTaskRunner(cluster.address))
    def submits() -> Any:
        return double.submit(1).wait().message

    assert "client_kwargs" in submits()


def test_a_flow_starts_a_cluster_with_tls(certificates: dict[str, Any], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f'{PROGRAM}if __name__ == "__main__":\n    print(squares())\n')
    ended = prepared.run(program, json.dumps(certificates))
    assert ended.stdout == "9\n", ended.stderr


def test_a_program_without_a_guard_says_why_it_starts_no_cluster(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{PROGRAM}print(squares())\n")
    ended = prepared.run(program)
    line = PROGRAM.count("\n") + 1
    assert f"would run {program} anew, which calls the flow in line {line}" in ended.stderr
    assert 'if __name__ == "__main__":' in ended.stderr
    assert ended.stderr.count("Began flow") == 1
    assert ended.returncode == 1


def test_a_cluster_that_cannot_be_made_says_why() -> None:
    def refuses(**_: object) -> None:
        raise ValueError("no queue is called 'all'")

    @flow(task_runner=DaskTaskRunner(cluster_class=refuses))
    def submits() -> Any:
        return double.submit(1).wait().message

    assert "cannot be made: ValueError: no queue is called 'all'" in submits()


ASKS = "from perdure._runners.main_guard import why_unguarded\n"


@pytest.mark.parametrize(
    "code",
    [
        'if __name__ == "__main__":\n    print(why_unguarded())',
        'def main():\n    print(why_unguarded())\n\nif "__main__" == __name__:\n    main()',
        "import sys\nif len(sys.argv) == 1:\n    print(why_unguarded())",
        'import sys\nis_main = __name__ == "__main__"\nis_main or sys.exit()\nprint(why_unguarded())',
    ],
)
def test_a_program_with_a_guard_of_any_kind_starts_processes(code: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(ASKS + code)
    assert prepared.run(program).stdout == "None\n"


def test_a_process_of_a_cluster_that_is_being_started_starts_no_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert why_unguarded() is None
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    assert "runs the main program anew" in str(why_unguarded())
