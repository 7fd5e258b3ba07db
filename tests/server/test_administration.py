"""Limits, hooks, events, totals and the server's own state, asked of a real server on both databases."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure._model.records import DecisionRecord, ProcessRecord
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._rooms.events.port import Delivery, Event
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database_from_settings import database_at
from perdure._store.totals import Amount, totals
from perdure.records import RemovalRecord, Slot
from perdure.settings import current
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, literal, persisted, state, task_run
from tests.postgresql_server import new_database
from tests.server.serving import serving, serving_on

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "perdure.db")
    else:
        with new_database(request.getfixturevalue("postgresql")) as url:
            yield url


@pytest.fixture
def known(place: str) -> Iterator[EmbeddedOrchestrator]:
    known = EmbeddedOrchestrator(database_at(place, current()))
    yield known
    known.close()


@pytest.fixture
def api(place: str) -> Iterator[httpx.Client]:
    with (
        serving_on(EmbeddedOrchestrator(database_at(place, current()))) as server,
        httpx.Client(base_url=f"{server.address}/api", timeout=20) as api,
    ):
        yield api


def test_a_limit_is_set_changed_and_deleted(api: httpx.Client) -> None:
    made = api.put("/limits/db", json={"slots": 2}).raise_for_status().json()
    assert (made["slots"], made["taken"], made["line"]) == (2, 0, [])
    changed = api.put("/limits/db", json={"slots": 3, "slot_decay_per_second": 0.5}).json()
    assert (changed["slots"], changed["slot_decay_per_second"]) == (3, 0.5)
    assert changed["created"] == made["created"]
    assert [limit["name"] for limit in api.get("/limits").json()] == ["db"]
    assert api.delete("/limits/db").status_code == 204
    assert api.get("/limits/db").status_code == api.delete("/limits/db").status_code == 404


def test_a_limit_may_be_called_anything(api: httpx.Client) -> None:
    for path, name in (("/limits/a%2Fb", "a/b"), ("/limits/%0D%0Aa%2F%0A", "\r\na/\n")):
        assert api.put(path, json={"slots": 2}).json()["name"] == name
        assert api.get(path).json()["name"] == name
        assert api.delete(path).status_code == 204


def test_a_limit_shows_who_holds_its_slots_and_who_waits(api: httpx.Client, known: EmbeddedOrchestrator) -> None:
    api.put("/limits/db", json={"slots": 1})
    now = system_clock()
    process = ProcessRecord(new_id(), "elsewhere", 1, None, now, now)  # who is gone holds nothing
    known.commit([process])
    holds, waits = (Slot(new_id(), "db", 1, process.id, new_id(), now) for _ in range(2))
    for slot in (holds, waits):
        known.limits.take(slot, system_clock())
    limit = api.get("/limits/db").json()
    assert (limit["taken"], limit["waiting"]) == (1, 1)
    assert [(each["run_id"], each["taken"] is None) for each in limit["line"]] == [
        (holds.run_id, False),
        (waits.run_id, True),
    ]
    wrong = api.put("/limits/db", json={"slots": 1, "slot_decay_per_second": 1})
    assert wrong.status_code == 422
    assert "in use" in wrong.json()["error"]["message"]


def test_a_hook_is_made_without_showing_what_is_secret(api: httpx.Client) -> None:
    new = {"url": "https://example.org/services/T0/secret?key=1", "kinds": ["flow-run.failed"], "secret": "shared"}
    made = api.post("/hooks", json=new)
    assert made.status_code == 201
    assert made.json()["is_signed"]
    assert made.json()["shown"] == "https://example.org/service…"
    assert api.get("/hooks").json() == [made.json()]
    assert api.delete(f"/hooks/{made.json()['id']}").status_code == 204
    assert api.delete(f"/hooks/{made.json()['id']}").status_code == 404


@pytest.mark.parametrize(
    "new",
    [
        {"url": "ftp://example.org", "kinds": ["flow-run.failed"]},
        {"url": "https://me:secret@example.org", "kinds": ["flow-run.failed"]},
        {"url": "http://[::1", "kinds": ["flow-run.failed"]},
        {"url": "http://example.org:99999", "kinds": ["flow-run.failed"]},
        {"url": "https://example.org", "kinds": ["flow-run.sneezed"]},
        {"url": "https://example.org", "kinds": []},
    ],
)
def test_a_hook_that_cannot_be_is_refused(tmp_path: Path, new: dict[str, object]) -> None:
    with serving(tmp_path) as server, server.client() as client:
        assert client.post("/api/hooks", json=new).status_code == 422
        assert client.get("/api/hooks").json() == []
        assert "flow-run.late" in client.get("/api/hooks/kinds").json()


def _reported(known: EmbeddedOrchestrator, hook_id: str, count: int) -> list[Delivery]:
    run, now = flow_run(), system_clock()
    payload = '{"run": {"name": "calm-owl"}, "state": {"type": "FAILED"}}'
    events = [Event(new_id(), now, "flow-run.failed", run.id, "nightly", payload) for _ in range(count)]
    deliveries = [Delivery(new_id(), hook_id, event.id, "failed", now, 14, "HTTP 500") for event in events]
    known.services.add_events(events, deliveries)
    return deliveries


def test_events_are_listed_by_kind_flow_and_run_a_page_at_a_time(
    api: httpx.Client, known: EmbeddedOrchestrator
) -> None:
    _reported(known, new_id(), 3)
    first = api.get("/events", params={"kind": "flow-run.*", "flow": "nightly", "limit": 2}).raise_for_status().json()
    assert first["items"][0]["run"] == {"name": "calm-owl"}
    rest = api.get("/events", params={"limit": 2, "cursor": first["next"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    run = first["items"][0]["run_id"]
    assert len(api.get("/events", params={"run": run}).json()["items"]) == 3
    assert api.get("/events", params={"kind": "task-run.*"}).json()["items"] == []


def test_a_delivery_that_failed_is_listed_and_sent_again(api: httpx.Client, known: EmbeddedOrchestrator) -> None:
    hook = api.post("/hooks", json={"url": "https://example.invalid/x", "kinds": ["*"]}).json()["id"]
    sent = _reported(known, hook, 3)
    page = api.get("/hooks/deliveries", params={"hook": hook, "state": "failed", "limit": 2}).json()
    assert [each["id"] for each in page["items"]] == [sent[2].id, sent[1].id]
    assert page["items"][0]["event_kind"] == "flow-run.failed"
    assert api.get("/hooks/deliveries", params={"cursor": page["next"]}).json()["items"][0]["id"] == sent[0].id
    again = api.post(f"/hooks/deliveries/{sent[0].id}/retry").raise_for_status().json()
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert api.post(f"/hooks/deliveries/{new_id()}/retry").status_code == 404


def _filled(known: EmbeddedOrchestrator) -> None:
    done, failed, fresh = flow_run(), flow_run(), flow_run()
    tasks = [task_run(flow_run_id=done.id) for _ in range(3)]
    known.commit([done, failed, fresh, *tasks])
    known.commit([state(done, StateType.COMPLETED), state(failed, StateType.FAILED)])
    known.commit([state(task, StateType.COMPLETED) for task in tasks])
    results = [persisted(task)._replace(size=1_000) for task in tasks[:2]]
    known.commit([*results, persisted(done), literal(failed, "1")])
    at = system_clock()
    known.commit([RemovalRecord(done.id, at, None), RemovalRecord(done.id, at, at)])


def test_totals_count_all_runs_by_state_and_all_results(api: httpx.Client, known: EmbeddedOrchestrator) -> None:
    _filled(known)
    deadline = time.monotonic() + 60
    while not (said := api.get("/overview/totals").raise_for_status().json())["is_complete"]:
        assert time.monotonic() < deadline
    assert said["flow_runs"] == {"COMPLETED": 1, "FAILED": 1, "PENDING": 1}
    assert said["task_runs"] == {"COMPLETED": 3}
    assert (said["results"], said["size"]) == (2, 2_000)
    assert [each["size"] for each in said["storages"]] == [2_000]
    assert sum(each["results"] for each in said["days"]) == 2
    metrics = api.get("/metrics").text
    assert 'perdure_flow_runs{state="FAILED"} 1.0' in metrics
    assert "perdure_results_bytes 2000.0" in metrics


def test_totals_are_added_up_part_by_part(known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure._store.totals._WINDOW", 1)
    _filled(known)
    parts = [(found.stored, found.is_complete) for found in totals(known, system_clock())]
    assert parts[0] == (Amount(), False)
    assert parts[-1] == (Amount(2, 2_000), True)
    assert len(parts) > 4


def test_a_result_that_several_runs_share_is_stored_once(known: EmbeddedOrchestrator) -> None:
    first, second = task_run(), task_run()
    made = persisted(first)._replace(size=1_000)
    cached = DecisionRecord(second.id, "cached", other_id=first.id)
    known.commit([first, second, made, made._replace(run_id=second.id), cached])
    assert _stored(known) == Amount(1, 1_000)
    at = system_clock()
    known.commit([RemovalRecord(first.id, at, None), RemovalRecord(first.id, at, at)])
    assert _stored(known) == Amount(1, 1_000)  # it is the second one's now


def _stored(known: EmbeddedOrchestrator) -> Amount:
    *_, found = totals(known, system_clock())
    return found.stored


def test_one_flow_is_reported_with_how_its_runs_went(api: httpx.Client, known: EmbeddedOrchestrator) -> None:
    good, bad = (flow_run()._replace(flow_name="nightly/load") for _ in range(2))
    other = flow_run()._replace(flow_name="other")
    known.commit([good, bad, other])
    known.commit([state(good, StateType.RUNNING), state(good, StateType.COMPLETED), state(bad, StateType.FAILED)])
    said = api.get("/flows/nightly/load", params={"since": "2023-11-14T00:00:00Z"}).raise_for_status().json()
    assert (said["name"], said["runs"], said["failed"]) == ("nightly/load", 2, 1)
    assert said["last_run"]["id"] == bad.id
    assert sum(sum(step["counts"].values()) for step in said["steps"]) == 2
    assert api.get("/flows/none").status_code == 404
    found = api.get("/flows", params={"q": "LOAD"}).json()["items"]
    assert [flow["name"] for flow in found] == ["nightly/load"]


def test_the_status_reports_database_disk_queue_and_services(api: httpx.Client, place: str) -> None:
    said = api.get("/status").raise_for_status().json()
    deadline = time.monotonic() + 60
    while said["queue"]["waiting"] and time.monotonic() < deadline:  # what the services write
        said = api.get("/status").raise_for_status().json()
    assert said["database"]["size"] > 0
    assert said["database"]["version"].startswith("PostgreSQL" if "://" in place else "SQLite")
    assert {disk["what"] for disk in said["disks"]} >= {"home", "storage"}
    assert said["queue"]["waiting"] == 0
    names = {"lost", "late", "schedules", "events", "files", "automations", "hooks"}
    assert {service["name"] for service in said["services"]} == names
    assert "://" not in place or "@" not in said["database"]["place"] or ":" not in said["database"]["place"][13:]


def test_types_of_blocks_say_which_fields_are_secret(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        types = {each["type"]: each for each in client.get("/api/blocks/types").json()}
    assert types["local-file-system"]["title"] == "Local File System"
    assert types["local-file-system"]["secret_fields"] == []
    assert types["s3"]["secret_fields"] == ["access_key_id", "secret_access_key", "session_token"]


def test_a_long_timeline_comes_packed(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        run = flow_run()
        tasks = [task_run(flow_run_id=run.id) for _ in range(300)]
        server.app.state.orchestrator.commit([run, *tasks])
        answer = client.get(f"/api/flow-runs/{run.id}/timeline").raise_for_status()
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["id"] == [task.id for task in tasks]
        plain = client.get(f"/api/flow-runs/{run.id}/timeline", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.json() == answer.json()
        assert len(client.get(f"/api/flow-runs/{run.id}/graph").json()["nodes"]) == 301
