"""The API of a real server, asked as a client asks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import perdure.session
from perdure import flow, task
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.filesystems import LocalFileSystem
from perdure.settings import current
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state
from tests.server.running import running

pytestmark = pytest.mark.slow
RUN = "0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21"


@task(persist_result=True, result_serializer="json")
def double(x: int) -> list[int]:
    return [x, x]


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@flow
def doubled(x: int) -> int:
    return total(double(x))


@flow(persist_result=True, result_serializer="json")
def passed_on(x: int) -> list[int]:
    return double(x)


@pytest.fixture
def api() -> Iterator[httpx.Client]:
    with running(str(current().database), "--serve-values") as address, httpx.Client(base_url=f"{address}/api") as api:
        yield api


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose database no test changes."""
    path = tmp_path_factory.mktemp("server") / "perdure.db"
    run = flow_run(id=RUN)
    reported = EmbeddedOrchestrator(path)
    reported.commit([run, state(run, StateType.RUNNING)])
    reported.close()
    with running(str(path)) as address, httpx.Client(base_url=f"{address}/api") as api:
        yield api


def known() -> EmbeddedOrchestrator:
    return perdure.session.current().orchestrator  # type: ignore[return-value]


def test_a_result_that_a_flow_returns_is_linked_to_that_of_its_task(api: httpx.Client) -> None:
    passed_on(4)
    known().flush()
    (run,) = api.get("/flow-runs", params={"flow": "passed-on"}).json()["items"]
    (call,) = api.get(f"/results/{run['id']}/lineage").raise_for_status().json()["same"]
    assert call["of"] == "double"
    (caller,) = api.get(f"/results/{call['id']}/lineage").raise_for_status().json()["same"]
    assert caller["id"] == run["id"]


def test_a_flow_run_is_reported_with_its_graph_and_its_results(api: httpx.Client) -> None:
    doubled(4)
    known().flush()
    (run,) = api.get("/flow-runs", params={"flow": "doubled"}).raise_for_status().json()["items"]
    assert run["parameters"] == {"x": 4}
    assert run["state"]["type"] == "COMPLETED"
    graph = api.get(f"/flow-runs/{run['id']}/graph").raise_for_status().json()
    by_name = {node["of"]: node["id"] for node in graph["nodes"]}
    edge = {"source_id": by_name["double"], "target_id": by_name["total"], "name": "xs"}
    assert graph["edges"] == [edge]
    lineage = api.get(f"/results/{by_name['double']}/lineage").raise_for_status().json()
    assert (lineage["sources"], lineage["uses"], lineage["is_complete"]) == ([], [edge], True)
    reported = api.get(f"/task-runs/{by_name['total']}/explanation").raise_for_status().json()
    assert reported["ran"]


def test_the_bytes_of_a_result_are_had_by_a_link_only(api: httpx.Client) -> None:
    doubled(4)
    known().flush()
    (run,) = api.get("/task-runs", params={"task": "double"}).json()["items"]
    link = api.post(f"/results/{run['id']}/link").raise_for_status().json()["url"]
    served = httpx.get(str(api.base_url.join(link))).raise_for_status()
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"] == f'attachment; filename="{run["id"]}"'
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"].endswith("sandbox")
    assert served.content == b"[4, 4]"
    forged = link[:-1] + ("0" if link[-1] != "0" else "1")
    assert httpx.get(str(api.base_url.join(forged))).status_code == 403


def test_a_run_without_a_process_is_cancelled_at_once(api: httpx.Client) -> None:
    run, done = flow_run(), flow_run()
    start = perdure._model.records.StartRecord(run.id, "gone", None, None, None)
    known().commit([run, state(run, StateType.RUNNING), start, done, state(done, StateType.COMPLETED)])
    answer = api.post(f"/flow-runs/{run.id}/cancel", json={"grace_seconds": 1})
    assert (answer.status_code, answer.json()["state"]["type"]) == (202, "CANCELLED")
    refused = api.post(f"/flow-runs/{done.id}/cancel")
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "SteeringError")


def test_many_flow_runs_are_deleted_by_a_filter(api: httpx.Client) -> None:
    runs = [flow_run(flow_name="old"), flow_run(flow_name="old"), flow_run(flow_name="new")]
    known().commit([*runs, *(state(run, StateType.COMPLETED) for run in (runs[0], runs[2]))])
    reported = api.post("/flow-runs/delete", json={"chosen": {"filter": {"flow": "old"}}}).raise_for_status().json()
    assert [(each["id"], each["error"] is None) for each in reported["items"]] == [
        (runs[1].id, False),
        (runs[0].id, True),
    ]
    left = [run["id"] for run in api.get("/flow-runs").json()["items"]]
    assert left == [runs[2].id, runs[1].id]


def test_a_block_is_saved_and_shown_without_its_secrets(api: httpx.Client, tmp_path: Path) -> None:
    saved = api.put("/blocks/local-file-system/dev", json={"fields": {"basepath": str(tmp_path)}})
    assert saved.raise_for_status().json()["slug"] == "local-file-system/dev"
    assert LocalFileSystem.load("dev").basepath == tmp_path
    keys = {"bucket": "b", "access_key_id": "id", "secret_access_key": "hidden-key"}
    assert "hidden-key" not in api.put("/blocks/s3/dev", json={"fields": keys}).text
    assert "hidden-key" not in api.get("/blocks").text
    again = api.put("/blocks/local-file-system/dev", json={"fields": {}})
    assert (again.status_code, again.json()["error"]["kind"]) == (422, "BlockError")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/flow-runs", {"name": "\x00"}),
        ("/flow-runs", {"limit": 10**30}),
        ("/flow-runs", {"cursor": "../../"}),
        ("/flow-runs", {"created_after": "yesterday"}),
        ("/flow-runs", {"color": "red"}),
        ("/logs", {"cursor": "9" * 40 + ".1"}),
        ("/flow-runs/not-an-id", {}),
        ("/overview", {"since": "2024-01-02T00:00:00Z", "until": "2024-01-01T00:00:00Z"}),
    ],
)
def test_a_wrong_request_learns_what_is_wrong(shared: httpx.Client, path: str, params: dict[str, Any]) -> None:
    answer = shared.get(path, params=params)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"input": "\\ud800"}', b"\xff", b'{"input": ' + b"9" * 5_000 + b"}"]
)
def test_a_hostile_body_is_refused(shared: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = shared.post(f"/flow-runs/{RUN}/continue", content=body, headers=headers)
    assert answer.status_code in {400, 409, 422}
    assert answer.json()["error"]["message"]


def test_the_runs_of_a_flow_are_beside_each_other_with_their_calls(api: httpx.Client) -> None:
    doubled(4)
    passed_on(4)
    doubled(5)
    known().flush()
    found = api.get("/flow-runs/matrix", params={"flow": "doubled"}).raise_for_status().json()
    assert [each["run"]["parameters"] for each in found] == [{"x": 5}, {"x": 4}]
    assert [(call["of"], call["counts"]) for call in found[0]["calls"]] == [
        ("double", {"COMPLETED": 1}),
        ("total", {"COMPLETED": 1}),
    ]


def test_a_timeline_has_only_what_changed_since_a_time(api: httpx.Client) -> None:
    doubled(4)
    known().flush()
    (run,) = api.get("/flow-runs", params={"flow": "doubled"}).json()["items"]
    all_ = api.get(f"/flow-runs/{run['id']}/timeline").json()
    later = api.get(f"/flow-runs/{run['id']}/timeline", params={"changed_since": all_["changed"]}).json()
    assert (later["of"], later["counts"]) == (["total"], all_["counts"])
    none = api.get(f"/flow-runs/{run['id']}/timeline", params={"changed_since": all_["changed"] + 1}).json()
    assert (none["id"], none["changed"]) == ([], None)


def test_a_timeline_has_a_column_for_each_fact_and_counts_states(api: httpx.Client) -> None:
    doubled(1)
    run = api.get("/flow-runs").json()["items"][0]
    timeline = api.get(f"/flow-runs/{run['id']}/timeline", params={"limit": 1}).json()
    assert timeline["of"] == ["double"]
    assert timeline["counts"] == {"COMPLETED": 2}
    assert timeline["is_stopped"] == [False]
    assert timeline["started"][0] <= timeline["ended"][0]
    rest = api.get(f"/flow-runs/{run['id']}/timeline", params={"cursor": timeline["next"]}).json()
    assert (rest["of"], rest["next"]) == (["total"], None)


def test_results_say_which_run_they_are_of(api: httpx.Client) -> None:
    doubled(1)
    run = api.get("/flow-runs").json()["items"][0]
    (result,) = api.get("/results", params={"task": "double"}).json()["items"]
    assert result["run"]["of"] == "double"
    assert result["run"]["flow_run_name"] == run["name"]
    lineage = api.get(f"/results/{result['run_id']}/lineage").json()
    assert {each["of"] for each in lineage["runs"]} == {"double", "total"}


@pytest.mark.parametrize("text", ["DOUBLED", "night", "went wrong"])
def test_runs_are_found_by_what_people_remember_of_them(text: str, api: httpx.Client) -> None:
    @flow
    def doubled_in_vain() -> None:
        raise ValueError("It went wrong")

    with perdure.tags("nightly"), pytest.raises(ValueError, match="went wrong"):
        doubled_in_vain()
    flow(name="other")(lambda: None)()
    found = api.get("/flow-runs", params={"q": text}).json()["items"]
    assert [run["flow_name"] for run in found] == ["doubled-in-vain"]


def test_a_run_is_found_by_the_beginning_of_its_id(api: httpx.Client) -> None:
    doubled(1)
    run = api.get("/flow-runs").json()["items"][0]
    found = api.get("/flow-runs", params={"q": run["id"][:18].upper()}).json()["items"]
    assert [each["id"] for each in found] == [run["id"]]
