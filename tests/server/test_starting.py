"""Going on with flow runs, and running them again, by the server: real programs, real servers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure.client import Client, ClientError
from perdure.settings import current
from tests.server.running import running

pytestmark = pytest.mark.slow
PROGRAM = """
import os, time
from pathlib import Path
from perdure import flow, task

HERE = Path(__file__).parent

@task(persist_result=True)
def first() -> int:
    with (HERE / "first").open("a") as told:
        told.write("x")
    return 1

@task
def second(x: int) -> int:
    if not (HERE / "go").exists():
        (HERE / "waits").touch()
        time.sleep(60)
    return x + 1

@flow(persist_result=True)
def both(n: int = 1) -> int:
    return second(first()) + n

if __name__ == "__main__":
    both(41)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The directory of a flow that was killed in its second task."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen([sys.executable, str(program)], env=os.environ, stderr=subprocess.DEVNULL)
    _until((tmp_path / "waits").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (tmp_path / "go").touch()
    return tmp_path


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    options = getattr(request, "param", ("--run-flows",))
    with (
        running(str(current().database), *options) as address,
        httpx.Client(base_url=f"{address}/api", timeout=30) as client,
    ):
        yield client


def _until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)


def _only_run(api: httpx.Client) -> dict[str, Any]:
    (run,) = api.get("/flow-runs").json()["items"]
    found: dict[str, Any] = run
    return found


def _completed(api: httpx.Client, id: str) -> Callable[[], bool]:
    return lambda: api.get(f"/flow-runs/{id}").json()["state"]["type"] == "COMPLETED"


def test_a_killed_run_is_gone_on_with_and_what_it_finished_is_not_run_again(killed: Path, api: httpx.Client) -> None:
    run = _only_run(api)
    answer = api.post(f"/flow-runs/{run['id']}/resume")
    assert answer.status_code == 202, answer.text
    _until(_completed(api, run["id"]))
    assert (killed / "first").read_text() == "x"


def test_a_rerun_is_a_new_run_with_the_same_arguments(killed: Path, api: httpx.Client) -> None:
    old = _only_run(api)
    new = api.post(f"/flow-runs/{old['id']}/rerun").json()
    assert new["id"] != old["id"]
    assert new["parameters"] == {"n": 41}
    _until(_completed(api, new["id"]))
    assert (killed / "first").read_text() == "xx"


def test_a_program_that_cannot_be_started_says_why_and_how_to_do_it_by_hand(killed: Path, api: httpx.Client) -> None:
    run = _only_run(api)
    (killed / "program.py").write_text("import nothing_of_that_name")
    answer = api.post(f"/flow-runs/{run['id']}/resume")
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert "nothing_of_that_name" in error["message"]
    assert error["command"] == f"perdure flow-run resume {run['id']}"


@pytest.mark.parametrize("api", [()], indirect=True, ids=["by default"])
def test_a_server_starts_nothing_unless_it_was_told_so(killed: Path, api: httpx.Client) -> None:
    run = _only_run(api)
    answer = api.post(f"/flow-runs/{run['id']}/resume", json={"retry_failed": True})
    assert answer.status_code == 409
    assert answer.json()["error"]["command"] == f"perdure flow-run resume {run['id']} --retry-failed"
    assert not (killed / "second").exists()


def test_how_a_run_was_begun_is_told(killed: Path, api: httpx.Client) -> None:
    start = api.get(f"/flow-runs/{_only_run(api)['id']}/start").json()
    assert start["target"].endswith("program.py:both")
    assert Path(start["directory"]).is_dir()
    assert start["asks"] is None


@pytest.mark.parametrize("api", [(), ("--run-flows",)], indirect=True)
def test_a_program_has_runs_resumed_or_is_told_the_command(
    killed: Path, api: httpx.Client, request: pytest.FixtureRequest
) -> None:
    with Client(str(api.base_url)) as client:
        (run,) = client.flow_runs(flow="both")
        if request.node.callspec.params["api"]:
            client.resume_flow_run(run.id)
            assert client.wait(run.id, timeout_seconds=20).state.type == "COMPLETED"  # type: ignore[union-attr]
            assert client.wait(client.rerun_flow_run(run.id).id, timeout_seconds=20).id != run.id
        else:
            with pytest.raises(ClientError, match=f"perdure flow-run resume {run.id}"):
                client.resume_flow_run(run.id)
