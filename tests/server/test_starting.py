"""Resuming flow runs, and running them again, by the server: real programs, real servers."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure.client import Client, ClientError
from perdure.settings import current
from tests import prepared
from tests.server.running import running
from tests.server.serving import serving

pytestmark = pytest.mark.slow
PROGRAM = """
import os, time
from pathlib import Path
from perdure import flow, task

HERE = Path(__file__).parent

@task(persist_result=True)
def first() -> int:
    with (HERE / "first").open("a") as reported:
        reported.write("x")
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
    process = prepared.Prepared(program, stderr=subprocess.DEVNULL)
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
        httpx.Client(base_url=f"{address}/api", timeout=60) as client,
    ):
        yield client


def _until(happened: Callable[[], bool], seconds: float = 120) -> None:
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


def test_a_killed_run_is_resumed_and_what_it_finished_is_not_run_again(killed: Path, api: httpx.Client) -> None:
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


def test_a_rerun_from_a_step_reuses_what_was_finished_before_it(killed: Path, api: httpx.Client) -> None:
    old = _only_run(api)
    api.post(f"/flow-runs/{old['id']}/resume")
    _until(_completed(api, old["id"]))
    (second,) = api.get("/task-runs", params={"task": "second"}).json()["items"]
    new = api.post(f"/flow-runs/{old['id']}/rerun", json={"from_step": second["id"]}).json()
    assert new["id"] != old["id"]
    _until(_completed(api, new["id"]))
    assert (killed / "first").read_text() == "x"


def test_a_rerun_may_be_given_other_parameters(killed: Path, api: httpx.Client) -> None:
    old = _only_run(api)
    new = api.post(f"/flow-runs/{old['id']}/rerun", json={"parameters": {"n": 7}}).json()
    assert new["id"] != old["id"]
    assert new["parameters"] == {"n": 7}


def test_a_program_that_cannot_be_started_says_why_and_how_to_do_it_by_hand(killed: Path, api: httpx.Client) -> None:
    run = _only_run(api)
    (killed / "program.py").write_text("import nothing_of_that_name")
    answer = api.post(f"/flow-runs/{run['id']}/resume")
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert "nothing_of_that_name" in error["message"]
    assert error["command"] == f"perdure flow-run resume {run['id']}"


@pytest.mark.parametrize("api", [()], indirect=True, ids=["by default"])
def test_a_server_starts_nothing_unless_it_was_asked_to(killed: Path, api: httpx.Client) -> None:
    run = _only_run(api)
    answer = api.post(f"/flow-runs/{run['id']}/resume", json={"retry_failed": True})
    assert answer.status_code == 409
    assert answer.json()["error"]["command"] == f"perdure flow-run resume {run['id']} --retry-failed"
    assert not (killed / "second").exists()


def test_how_a_run_was_begun_is_reported(killed: Path, api: httpx.Client) -> None:
    start = api.get(f"/flow-runs/{_only_run(api)['id']}/start").json()
    assert start["target"].endswith("program.py:both")
    assert Path(start["directory"]).is_dir()
    assert start["asks"] is None


@pytest.mark.parametrize("api", [(), ("--run-flows",)], indirect=True)
def test_a_program_has_runs_resumed_or_learns_the_command(
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


SUSPENDING = """
from pydantic import BaseModel
from perdure import flow, suspend_flow_run

class Order(BaseModel):
    urgent: bool

class Review(BaseModel):
    approved: bool
    order: Order

@flow(persist_result=True)
def reviewed() -> str:
    review = suspend_flow_run(wait_for_input=Review)
    return f"{review.approved} {review.order.urgent}"

if __name__ == "__main__":
    reviewed(return_state=True)
"""
REVIEW = {"approved": False, "order": {"urgent": True}}


@pytest.fixture
def suspended(tmp_path: Path) -> Path:
    """The program of a flow that has suspended itself."""
    program = tmp_path / "suspending.py"
    program.write_text(SUSPENDING)
    prepared.run(program, check=True)
    return program


@pytest.mark.usefixtures("suspended")
def test_a_suspended_run_that_is_continued_runs_by_itself(api: httpx.Client) -> None:
    id = _only_run(api)["id"]
    answer = api.post(f"/flow-runs/{id}/continue", json={"input": REVIEW})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["is_resumed"], answer.json()["command"]) == (True, None)
    _until(_completed(api, id))
    assert "False True" in json.dumps(api.get(f"/results/{id}").json()["preview"])


@pytest.mark.usefixtures("suspended")
@pytest.mark.parametrize("api", [()], indirect=True, ids=["by default"])
def test_a_suspended_run_that_the_server_may_not_resume_says_what_does(api: httpx.Client) -> None:
    id = _only_run(api)["id"]
    answer = api.post(f"/flow-runs/{id}/continue", json={"input": REVIEW}).json()
    assert (answer["is_resumed"], answer["state"]["name"]) == (False, "Suspended")
    assert answer["command"] == f"perdure flow-run resume {id}"
    assert "starts no programs" in answer["reason"]
    assert api.get(f"/flow-runs/{id}/start").json()["is_answered"] is True
    assert api.get("/session").json()["runs_flows"] is False
    prepared.run("-m", *answer["command"].split(), check=True)
    assert _completed(api, id)()


def test_a_program_that_is_gone_leaves_the_answer_of_a_suspended_run_for_later(
    suspended: Path, api: httpx.Client
) -> None:
    id = _only_run(api)["id"]
    suspended.rename(suspended.with_suffix(".away"))
    answer = api.post(f"/flow-runs/{id}/continue", json={"input": REVIEW}).json()
    assert answer["is_resumed"] is False
    assert "ended before it began" in answer["reason"]
    suspended.with_suffix(".away").rename(suspended)
    assert api.post(f"/flow-runs/{id}/resume").status_code == 202
    _until(_completed(api, id))


@pytest.mark.usefixtures("suspended")
@pytest.mark.parametrize("api", [()], indirect=True, ids=["by default"])
@pytest.mark.parametrize(
    ("input", "wrong"),
    [
        (None, "JSON of type object"),
        ({"order": {"urgent": True}}, "approved must be given"),
        ({"approved": True}, "order must be given"),
        ({"approved": True, "order": {}}, "order.urgent must be given"),
    ],
)
def test_what_a_run_asks_for_has_to_be_given(api: httpx.Client, input: Any, wrong: str) -> None:
    id = _only_run(api)["id"]
    answer = api.post(f"/flow-runs/{id}/continue", json={"input": input})
    assert answer.status_code == 409
    assert wrong in answer.json()["error"]["message"]
    assert _only_run(api)["state"]["name"] == "Suspended"


@pytest.mark.usefixtures("suspended")
def test_who_is_no_administrator_has_no_program_started(home: Path) -> None:
    with serving(home, authenticated=True, runs_flows=True) as server, server.client(server.tokens["write"]) as client:
        (run,) = client.get("/api/flow-runs").json()["items"]
        answer = client.post(f"/api/flow-runs/{run['id']}/continue", json={"input": REVIEW}).json()
        assert (answer["is_resumed"], answer["command"]) == (False, f"perdure flow-run resume {run['id']}")
        assert client.get(f"/api/flow-runs/{run['id']}").json()["state"]["name"] == "Suspended"
