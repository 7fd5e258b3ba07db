"""What the API says of nested flow runs and of failures: real flows, and the API over their database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure import flow, task
from perdure._store.embedded import EmbeddedOrchestrator
from tests.server.serving import serving_on


@task(persist_result=True)
def kept(n: int) -> int:
    return n


@task
def dropped(n: int) -> int:
    return n


@task(persist_result=True)
def fails(n: int) -> int:
    raise ValueError(n)


@flow(persist_result=True)
def below(n: int) -> int:
    return fails(kept(n))


@flow
def outermost() -> None:
    for number in range(3):
        kept(number)
    for number in range(2):
        dropped(number)
    below(7)


@pytest.fixture
def api(home: Path) -> Iterator[httpx.Client]:
    assert outermost(return_state=True).is_failed()
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        yield client


def test_a_resume_reuses_persisted_results_and_runs_the_rest_again(api: httpx.Client) -> None:
    (run,) = api.get("/api/flow-runs", params={"outermost": True}).json()["items"]
    plan = api.get(f"/api/flow-runs/{run['id']}/resume-plan").raise_for_status().json()
    assert plan["reused"] == 3
    assert plan["runs_again"] == [
        {"of": "dropped", "of_task": True, "count": 2, "why": "no result"},
        {"of": "below", "of_task": False, "count": 1, "why": "failed"},
    ]


def test_a_rerun_from_a_step_reuses_what_was_made_before_it(api: httpx.Client) -> None:
    (run,) = api.get("/api/flow-runs", params={"outermost": True}).json()["items"]
    steps = api.get("/api/task-runs", params={"flow_run": run["id"]}).json()["items"]
    (second,) = [each["id"] for each in steps if each["name"] == "kept-1"]
    plan = api.get(f"/api/flow-runs/{run['id']}/rerun-plan", params={"from_step": second}).raise_for_status().json()
    assert plan["reused"] == 1
    assert {(each["of"], each["why"]) for each in plan["runs_again"]} == {
        ("kept", "later"),
        ("dropped", "later"),
        ("below", "later"),
    }


def test_the_plan_of_a_run_that_does_not_exist_is_not_found(api: httpx.Client) -> None:
    assert api.get("/api/flow-runs/00000000-0000-7000-8000-000000000000/resume-plan").status_code == 404


def test_the_overview_counts_a_nested_failure_once(api: httpx.Client) -> None:
    found = api.get("/api/overview").raise_for_status().json()
    assert [run["flow_name"] for run in found["failed"]] == ["outermost"]
    assert [flow["flow"] for flow in found["most_failing"]] == ["outermost"]
    assert sum(step["counts"].get("FAILED", 0) for step in found["steps"]) == 1


def _flow_run(api: httpx.Client, name: str) -> dict[str, Any]:
    (run,) = api.get("/api/flow-runs", params={"flow": name}).json()["items"]
    return dict(run)


def test_a_failure_leads_down_to_the_task_in_which_it_began(api: httpx.Client) -> None:
    path = api.get(f"/api/flow-runs/{_flow_run(api, 'outermost')['id']}/failure").raise_for_status().json()
    assert [(each["kind"], each["of"]) for each in path] == [
        ("flow run", "outermost"),
        ("flow run", "below"),
        ("task run", "fails"),
    ]


def test_a_failure_of_a_flows_own_code_is_not_a_handled_failure_of_its_task(home: Path) -> None:
    @flow
    def handles_one_and_raises_another() -> None:
        fails(1, return_state=True)
        raise KeyError("mine")

    handles_one_and_raises_another(return_state=True)
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        run = _flow_run(client, "handles_one_and_raises_another")
        path = client.get(f"/api/flow-runs/{run['id']}/failure").json()
    assert [each["id"] for each in path] == [run["id"]]


def test_ancestors_are_listed_from_the_outermost(api: httpx.Client) -> None:
    above = api.get(f"/api/flow-runs/{_flow_run(api, 'below')['id']}/ancestors").raise_for_status().json()
    assert [run["flow_name"] for run in above] == ["outermost"]


def test_a_log_can_have_the_lines_of_subflows(api: httpx.Client) -> None:
    def lines(subflows: bool) -> str:
        query = {"flow_run": _flow_run(api, "outermost")["id"], "subflows": subflows, "limit": 1_000}
        return "".join(line["message"] for line in api.get("/api/logs", params=query).json()["items"])

    assert "ValueError: 1" not in lines(False)
    assert "ValueError: 7" in lines(True)
