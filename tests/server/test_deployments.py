"""Deployments by the server's API."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure import session, settings
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._rooms.deployments.port import WorkerRecord, WorkQueue
from perdure.partitions import daily, static
from perdure.schedules import Cron
from tests.deployments import deployed
from tests.server.serving import serving

pytestmark = pytest.mark.slow


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a server that this process reports to."""
    with serving(tmp_path) as server, server.client() as client:
        monkeypatch.setenv("PERDURE_API_URL", server.address)
        settings.reload()
        yield client
        session.close()


def test_a_deployment_is_listed_with_its_schedules_and_its_next_tick(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", schedules=[Cron("0 6 * * *", slug="morning")], tags=["a"])
    (shown,) = api.get("/api/deployments").json()
    assert (shown["id"], shown["flow_name"], shown["name"], shown["version"]) == (of.id, "report", "nightly", 1)
    assert shown["schedules"][0]["rule"] == {"cron": "0 6 * * *", "timezone": "UTC"}
    assert shown["next"] == shown["schedules"][0]["next"] is not None
    (tick, *_) = api.get("/api/deployments/upcoming", params={"count": 3}).json()
    assert (tick["time"], tick["schedule"]) == (shown["next"], "morning")


def test_a_served_deployment_says_whether_its_program_runs(api: httpx.Client) -> None:
    deployed.slow.deploy("plain")
    of = deployed.report.deploy("nightly", work_pool="serve:report/nightly")
    assert [each["served"] for each in api.get("/api/deployments").json()] == [False, None]
    now = system_clock()
    record = WorkerRecord(new_id(), "w", of.work_pool, "process", "0", "here", 1, None, 0, now, now)
    session.current().orchestrator.deployments.beat(record)
    assert api.get(f"/api/deployments/{of.id}").json()["served"] is True


def test_a_frequent_schedule_does_not_displace_others_among_the_upcoming_ticks(api: httpx.Client) -> None:
    deployed.report.deploy("often", schedules=[Cron("* * * * *", slug="minutely")])
    deployed.slow.deploy("rarely", schedules=[Cron("0 6 * * *", slug="daily")])
    ticks = api.get("/api/deployments/upcoming", params={"each": 3}).json()
    assert sorted(each["schedule"] for each in ticks) == ["daily"] * 3 + ["minutely"] * 3
    assert [each["time"] for each in ticks] == sorted(each["time"] for each in ticks)


def test_upcoming_ticks_end_at_a_time_that_is_in_utc_if_it_has_no_zone(api: httpx.Client) -> None:
    deployed.slow.deploy("rarely", schedules=[Cron("0 6 * * *", slug="daily")])
    first, second, *_ = (each["time"] for each in api.get("/api/deployments/upcoming").json())
    ticks = api.get("/api/deployments/upcoming", params={"until": second.removesuffix("Z")}).json()
    assert [each["time"] for each in ticks] == [first, second]


def test_the_runs_that_a_worker_has_claimed_are_listed(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly")
    first = api.post(f"/api/deployments/{of.id}/runs", json={}).json()
    api.post(f"/api/deployments/{of.id}/runs", json={})
    now = system_clock()
    worker = WorkerRecord(new_id(), "batch-1", of.work_pool, "process", "1.0", "host", 1, 4, 0, now, now)
    session.current().orchestrator.deployments.claim(worker, 1, now, 60_000_000)
    listed = api.get("/api/flow-runs", params={"worker": worker.id}).raise_for_status().json()["items"]
    assert [each["id"] for each in listed] == [first["id"]]
    assert api.get("/api/flow-runs/count", params={"worker": new_id()}).json()["count"] == 0


def test_a_deployment_shows_the_schema_of_its_parameters_and_its_versions(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly")
    deployed.report.deploy("nightly", parameters={"x": 2})
    shown = api.get(f"/api/deployments/{of.id}").json()
    assert shown["parameter_schema"]["properties"]["x"]["type"] == "integer"
    assert [each["number"] for each in shown["versions"]] == [2, 1]
    assert api.get("/api/deployments/00000000-0000-0000-0000-000000000000").status_code == 404


def test_a_run_is_created_with_parameters_that_are_checked_first(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", parameters={"day": "monday"})
    made = api.post(f"/api/deployments/{of.id}/runs", json={"parameters": {"x": 5}})
    assert made.status_code == 201
    assert made.json()["parameters"] == {"day": "monday", "x": 5}
    (place,) = api.get(f"/api/deployments/{of.id}/runs").json()
    assert (place["run"]["id"], place["phase"]) == (made.json()["id"], "waiting")
    refused = api.post(f"/api/deployments/{of.id}/runs", json={"parameters": {"x": "many"}})
    assert refused.status_code == 422
    assert "not of type 'integer'" in refused.json()["error"]["message"]


def test_a_deployment_and_a_schedule_are_paused_and_resumed(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", schedules=[Cron("0 6 * * *", slug="morning")])
    assert api.post(f"/api/deployments/{of.id}/pause").json()["paused"] is not None
    assert api.get("/api/deployments/upcoming").json() == []
    assert api.post(f"/api/deployments/{of.id}/resume").json()["paused"] is None
    paused = api.post(f"/api/deployments/{of.id}/schedules/morning/pause").json()
    assert (paused["schedules"][0]["paused"] is not None, paused["next"]) == (True, None)
    assert api.post(f"/api/deployments/{of.id}/schedules/evening/pause").status_code == 404


def test_a_deleted_deployment_is_gone_and_its_waiting_runs_are_cancelled(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly")
    run = api.post(f"/api/deployments/{of.id}/runs", json={}).json()
    assert api.delete(f"/api/deployments/{of.id}").status_code == 204
    assert api.get("/api/deployments").json() == []
    assert api.get(f"/api/flow-runs/{run['id']}").json()["state"]["name"] == "Cancelled"


def test_work_pools_and_queues_are_shown_with_what_waits(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", work_pool="batch", work_queue="gpu")
    session.current().orchestrator.deployments.put_queue(WorkQueue("batch", "gpu", 1, None))
    api.post(f"/api/deployments/{of.id}/runs", json={})
    (pool,) = api.get("/api/deployments/work-pools").json()
    assert (pool["name"], pool["waiting"], pool["running"]) == ("batch", 1, 0)
    assert (pool["queues"][0]["name"], pool["queues"][0]["waiting"]) == ("gpu", 1)
    assert api.post("/api/deployments/work-pools/batch/pause").json()["paused"] is not None
    assert api.get("/api/deployments/workers").json() == []


def test_a_queue_is_paused_and_resumed_by_itself(api: httpx.Client) -> None:
    deployed.report.deploy("nightly", work_pool="team/batch", work_queue="gpu")
    session.current().orchestrator.deployments.put_queue(WorkQueue("team/batch", "gpu", 2, None))
    paused = api.post("/api/deployments/work-pools/team/batch/queues/gpu/pause").json()
    assert (paused["paused"], paused["queues"][0]["paused"] is None) == (None, False)
    resumed = api.post("/api/deployments/work-pools/team/batch/queues/gpu/resume").json()
    assert (resumed["queues"][0]["paused"], resumed["queues"][0]["concurrency_limit"]) == (None, 2)
    assert api.post("/api/deployments/work-pools/team/batch/queues/cpu/pause").status_code == 404


def test_a_worker_without_a_heartbeat_for_two_leases_is_gone(api: httpx.Client) -> None:
    now = system_clock()
    for name, seen in (("here", now), ("gone", now - 3_600_000_000)):
        worker = WorkerRecord(new_id(), name, "batch", "process", "1.0", "host", 1, 4, 0, seen, seen)
        session.current().orchestrator.deployments.beat(worker)
    assert {each["name"]: each["gone"] for each in api.get("/api/deployments/workers").json()} == {
        "here": False,
        "gone": True,
    }


def test_a_flow_run_shows_the_deployment_that_it_came_from(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", partitions=static("no", "se"))
    run = api.post(f"/api/deployments/{of.id}/runs", json={"partition": "no"}).json()
    origin = api.get(f"/api/deployments/runs/{run['id']}").json()
    assert (origin["deployment_id"], origin["deployment_name"], origin["version"]) == (of.id, "nightly", 1)
    assert (origin["partition"], origin["phase"]) == ("no", "waiting")
    called = deployed.report(return_state=True)
    answer = api.get(f"/api/deployments/runs/{called.state_details.flow_run_id}")
    assert (answer.status_code, answer.json()) == (200, None)


def test_a_server_makes_the_runs_of_schedules(api: httpx.Client) -> None:
    import time

    of = deployed.report.deploy("often", interval=1)
    deadline = time.monotonic() + 30
    while not (runs := api.get(f"/api/deployments/{of.id}/runs").json()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert runs[0]["run"]["state"]["name"] == "Scheduled"
    assert runs[0]["schedule"] == "interval"


def test_a_backfill_is_started_paused_and_cancelled_and_its_partitions_are_shown(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", partitions=daily("2026-05-01"))
    asked = {"deployment_id": of.id, "first": "2026-05-01", "last": "2026-05-03", "max_active": 1}
    planned = api.post("/api/backfills", json=asked | {"dry_run": True}).json()
    assert planned == {"partitions": ["2026-05-01", "2026-05-02", "2026-05-03"], "backfill": None}
    started = api.post("/api/backfills", json=asked).json()["backfill"]
    assert (started["deployment"], started["total"], started["done"]) == ("report/nightly", 3, 0)
    assert api.post("/api/backfills", json=asked).status_code == 422
    assert [each["id"] for each in api.get("/api/backfills").json()] == [started["id"]]
    (first, *_, last) = api.get(f"/api/backfills/partitions/{of.id}").json()
    assert (first["key"], first["state_type"]) == ("2026-05-01", "SCHEDULED")
    assert last["run_id"] is None
    assert api.post(f"/api/backfills/{started['id']}/pause").json()["paused"] is not None
    assert api.post(f"/api/backfills/{started['id']}/cancel").json()["counts"] == {"CANCELLED": 3}


def test_a_request_with_a_text_that_no_database_keeps_is_refused(api: httpx.Client) -> None:
    answer = api.post(
        "/api/backfills", content=rb'{"deployment_id": "\ud800"}', headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "InvalidRequest")


def test_a_rollback_says_what_it_would_change_and_changes_that(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly", parameters={"x": 1, "day": "monday"}, tags=["old"])
    deployed.report.deploy("nightly", parameters={"x": 2}, tags=["new"])
    address = f"/api/deployments/{of.id}/rollback"
    assert api.get(address).json() == {
        "version": 1,
        "current": 2,
        "changes": [
            {"name": "parameter x", "before": 2, "after": 1},
            {"name": "tags", "before": "new", "after": "old"},
            {"name": "parameter day", "before": None, "after": "monday"},
        ],
    }
    after = api.post(address, json={"version": 1}).json()
    assert (after["version"], after["parameters"], after["tags"]) == (3, {"x": 1, "day": "monday"}, ["old"])
    assert [(each["number"], each["same_as"]) for each in after["versions"]] == [(3, 1), (2, 2), (1, 1)]
    assert after["versions"][0]["created_by"] == "the API"


def test_a_rollback_to_a_version_that_there_is_not_is_refused(api: httpx.Client) -> None:
    of = deployed.report.deploy("nightly")
    address = f"/api/deployments/{of.id}/rollback"
    assert [api.post(address, json=given).status_code for given in ({}, {"version": 7})] == [404, 404]
    assert api.get(f"/api/deployments/{of.id}").json()["version"] == 1
