"""What the API says of runs that came from Prefect, by the ids that they had there."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure import session
from perdure._migration.takeover import take_over
from perdure._platform.ids import dated_id
from perdure._store.embedded import EmbeddedOrchestrator
from tests.migration.prefect_database import PrefectDatabase, micros_at
from tests.server.serving import serving_on


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[PrefectDatabase]:
    database = PrefectDatabase(tmp_path / "prefect.db")
    yield database
    database.close()


@pytest.fixture
def old_ids(prefect: PrefectDatabase) -> tuple[str, str]:
    """Those of a flow run and of its task run."""
    flow_run = prefect.flow_run(1)
    prefect.state("flow_run", flow_run, "COMPLETED", 9, data='{"type": "literal", "value": true}')
    task_run = prefect.task_run(flow_run, 2)
    prefect.state("task_run", task_run, "FAILED", 3)
    return flow_run, task_run


@pytest.fixture
def api(prefect: PrefectDatabase, old_ids: tuple[str, str], home: Path) -> Iterator[httpx.Client]:
    take_over(str(prefect.file), session.current().orchestrator, lambda *_: None)
    session.close()
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        yield client


def test_runs_that_were_taken_over_are_listed_and_filtered(api: httpx.Client, old_ids: tuple[str, str]):
    flow_run, task_run = (dated_id(old, micros_at(second)) for second, old in enumerate(old_ids, start=1))
    wanted = {"state": "COMPLETED", "created_after": "2024-05-01T05:00:00Z"}
    (listed,) = api.get("/api/flow-runs", params=wanted).json()["items"]
    assert (listed["id"], listed["flow_name"], listed["tags"]) == (flow_run, "market", ["prod"])
    assert api.get("/api/flow-runs", params={"state": "FAILED"}).json()["items"] == []
    assert api.get("/api/flow-runs", params={"q": old_ids[0]}).json()["items"] == [listed]
    inside = api.get("/api/task-runs", params={"flow_run": flow_run}).json()["items"]
    assert [(each["id"], each["state"]["type"]) for each in inside] == [(task_run, "FAILED")]


@pytest.mark.parametrize("of", ["", "/states", "/graph", "/timeline", "/explanation"])
def test_a_flow_run_is_known_by_its_old_id(api: httpx.Client, old_ids: tuple[str, str], of: str):
    by_old = api.get(f"/api/flow-runs/{old_ids[0]}{of}")
    assert by_old.status_code == 200
    assert by_old.content == api.get(f"/api/flow-runs/{dated_id(old_ids[0], micros_at(1))}{of}").content


def test_results_and_task_runs_are_known_by_their_old_ids(api: httpx.Client, old_ids: tuple[str, str]):
    assert api.get(f"/api/results/{old_ids[0]}").json()["value"] is True
    assert [state["type"] for state in api.get(f"/api/task-runs/{old_ids[1]}/states").json()] == ["FAILED"]
    assert api.get("/api/flow-runs/00000000-0000-4000-8000-000000000000").status_code == 404
