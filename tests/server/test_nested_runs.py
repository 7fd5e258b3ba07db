"""What the API says of nested flow runs and of failures: real flows, and the API over their database."""

import os
import platform
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure import flow, session, task
from perdure._engine.recovery.lost_runs import crashed
from perdure._engine.recovery.run_claims import run_of
from perdure._model.records import FlowRunRecord, StateRecord, TaskRunRecord
from perdure._model.state_types import StateType
from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.cache_policies import INPUTS
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


@task(cache_policy=INPUTS)
def doubled(n: int) -> int:
    return 2 * n


@task(persist_result=True)
def switched(n: int, on: bool) -> int:
    return n + on


@flow(name="deployed-flow")
def deployed_flow(day: str, count: int = 2) -> None: ...


def _planned(api: httpx.Client, run_id: str, **asked: Any) -> dict[str, Any]:
    return dict(api.get(f"/api/flow-runs/{run_id}/rerun-plan", params=asked).raise_for_status().json())


def _last_step(api: httpx.Client, run_id: str) -> str:
    steps = api.get("/api/task-runs", params={"flow_run": run_id, "limit": 1}).json()["items"]
    return str(steps[0]["id"])


def test_a_changed_parameter_reaches_calls_that_were_given_it_and_those_that_took_their_results(
    api: httpx.Client,
) -> None:
    @task(persist_result=True)
    def rows(rate: float) -> list[float]:
        return [rate, 2 * rate]

    @task(persist_result=True)
    def summed(rows: list[float]) -> float:
        return sum(rows)

    @flow(persist_result=True)
    def chained(rate: float = 0.5) -> float:
        return summed(rows(rate)) + kept(7) + kept(8)

    chained()
    run = _flow_run(api, "chained")["id"]
    plan = _planned(api, run, from_step=_last_step(api, run), changed=["rate"])
    assert plan["reused"] == 1
    assert {(each["of"], each["why"]) for each in plan["runs_again"]} == {
        ("rows", "changed"),
        ("summed", "follows"),
        ("kept", "later"),
    }
    assert "because of rate" in plan["unknown"][0]


def test_a_parameter_that_is_common_counts_under_its_own_name_only(api: httpx.Client) -> None:
    @flow(persist_result=True)
    def flags(flag: bool = False) -> int:
        return switched(1, on=False) + kept(7)

    flags()
    run = _flow_run(api, "flags")["id"]
    plan = _planned(api, run, from_step=_last_step(api, run), changed=["flag"])
    assert plan["reused"] == 1


def test_a_rerun_from_the_start_says_what_the_cache_has(api: httpx.Client) -> None:
    @flow
    def cached() -> int:
        return doubled(4) + doubled(5) + kept(1)

    cached()
    plan = _planned(api, _flow_run(api, "cached")["id"])
    assert (plan["reused"], plan["cached"]) == (0, 2)
    assert {(each["of"], each["count"], each["why"]) for each in plan["runs_again"]} == {
        ("doubled", 2, "again"),
        ("kept", 1, "again"),
    }
    assert plan["unknown"]


def test_a_server_that_starts_nothing_says_the_command_with_the_changed_parameters(api: httpx.Client) -> None:
    run = _flow_run(api, "outermost")["id"]
    answer = api.post(f"/api/flow-runs/{run}/rerun", json={"parameters": {"day": "May's"}})
    assert answer.status_code == 409
    command = shlex.split(answer.json()["error"]["command"])
    assert command == ["perdure", "flow-run", "rerun", run, "--params", '{"day": "May\'s"}']


def test_a_runs_parameters_have_a_schema_of_the_types_of_their_values(api: httpx.Client) -> None:
    @flow
    def given(day: str, rate: float = 0.5, count: int = 2, tags: tuple[str, ...] = ("a",)) -> None: ...

    given("monday")
    found = api.get(f"/api/flow-runs/{_flow_run(api, 'given')['id']}/parameters").raise_for_status().json()
    assert found["values"] == {"day": "monday", "rate": 0.5, "count": 2, "tags": ["a"]}
    types = {name: each.get("type") for name, each in found["parameter_schema"]["properties"].items()}
    assert types == {"day": "string", "rate": "number", "count": "integer", "tags": None}
    assert found["schema_from"] == "values"


def test_a_runs_parameters_have_the_schema_of_a_deployment_of_its_flow(api: httpx.Client) -> None:
    deployed_flow.deploy("nightly")
    deployed_flow("monday")
    found = api.get(f"/api/flow-runs/{_flow_run(api, 'deployed-flow')['id']}/parameters").raise_for_status().json()
    assert (found["schema_from"], found["deployment"]) == ("deployment", "nightly")
    assert found["parameter_schema"]["required"] == ["day"]


def test_two_runs_are_compared_by_the_api(api: httpx.Client) -> None:
    deployed_flow("monday")
    deployed_flow("tuesday")
    after, before = api.get("/api/flow-runs", params={"flow": "deployed-flow"}).json()["items"]
    found = api.get(f"/api/flow-runs/{before['id']}/comparison", params={"other": after["id"]}).json()
    assert (found["before"]["id"], found["after"]["id"]) == (before["id"], after["id"])
    assert {each["name"]: each["differs"] for each in found["parameters"]} == {"day": True, "count": False}
    assert found["calls"][0]["before"]["states"] == {"COMPLETED": 1}


def test_a_run_that_does_not_exist_is_compared_with_nothing(api: httpx.Client) -> None:
    run = _flow_run(api, "outermost")["id"]
    missing = {"other": "00000000-0000-7000-8000-000000000000"}
    assert api.get(f"/api/flow-runs/{run}/comparison", params=missing).status_code == 404


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
        run = _flow_run(client, "handles-one-and-raises-another")
        path = client.get(f"/api/flow-runs/{run['id']}/failure").json()
    assert [each["id"] for each in path] == [run["id"]]


def test_a_lost_run_did_not_fail_in_a_call_that_was_stopped_with_it(home: Path) -> None:
    run, step = new_id(), new_id()
    known, now = session.current().orchestrator, session.current().clock()
    known.commit(
        [
            FlowRunRecord(run, "lost", "counts", None, None, None, "[]", "{}", now),
            TaskRunRecord(step, "step-0", "step", "step", run, None, "[]", now),
            *(StateRecord(id, id == step, StateType.RUNNING, "Running", None, now) for id in (run, step)),
        ]
    )
    known.commit(crashed(run_of(run, known), None, session.current()))
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        assert client.get(f"/api/task-runs/{step}").json()["state"]["type"] == "CRASHED"
        assert [each["id"] for each in client.get(f"/api/flow-runs/{run}/failure").json()] == [run]


def test_task_runs_are_listed_with_the_names_of_their_flow_runs(api: httpx.Client) -> None:
    called = {run["flow_run_id"]: run["flow_run_name"] for run in api.get("/api/task-runs").json()["items"]}
    assert called == {run["id"]: run["name"] for run in (_flow_run(api, name) for name in ("outermost", "below"))}


def test_the_start_of_a_run_says_which_process_ran_it(api: httpx.Client) -> None:
    found = api.get(f"/api/flow-runs/{_flow_run(api, 'outermost')['id']}/start").json()
    assert (found["pid"], found["host"], found["is_answered"]) == (os.getpid(), platform.node(), False)


def test_ancestors_are_listed_from_the_outermost(api: httpx.Client) -> None:
    above = api.get(f"/api/flow-runs/{_flow_run(api, 'below')['id']}/ancestors").raise_for_status().json()
    assert [run["flow_name"] for run in above] == ["outermost"]


def test_a_log_can_have_the_lines_of_subflows(api: httpx.Client) -> None:
    def lines(subflows: bool) -> str:
        query = {"flow_run": _flow_run(api, "outermost")["id"], "subflows": subflows, "limit": 1_000}
        return "".join(line["message"] for line in api.get("/api/logs", params=query).json()["items"])

    assert "ValueError: 1" not in lines(False)
    assert "ValueError: 7" in lines(True)
