"""Automations and emitted events over HTTP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure import settings
from perdure._automations.definition import AutomationDefinition
from perdure._platform.clock import system_clock
from perdure._rooms.automations.definition_json import new_automation
from perdure._rooms.automations.port import Automations
from perdure._rooms.events.event_signatures import is_signed, signature
from tests.server.serving import Serving, serving

SECRET = "only we know"
DEFINITION = {"trigger": {"type": "event", "expect": "order.*"}, "actions": [{"do": "notify", "subject": "{event.id}"}]}
EVENT: dict[str, Any] = {"kind": "order.shipped", "resource": {"perdure.resource.id": "order.1"}, "payload": {"n": 1}}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all of these tests, that knows the secret and asks for tokens."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("automations")
        patch.setenv("PERDURE_HOME", str(folder / "home"))
        patch.setenv("PERDURE_EVENTS_SECRET", SECRET)
        patch.setenv("PERDURE_SERVICE_AUTOMATIONS_SECONDS", "0.05")
        settings.reload()
        with serving(folder, authenticated=True) as made:
            yield made
    settings.reload()


@pytest.fixture(autouse=True)
def _secret(home: Path, served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_EVENTS_SECRET", SECRET)
    settings.reload()


def posted(served: Serving, body: Any, at: int | None = None, secret: str = SECRET) -> httpx.Response:
    data = json.dumps(body).encode()
    signed = signature(secret, system_clock() // 1_000_000 if at is None else at, data)
    headers = {"Content-Type": "application/json", "Perdure-Signature": signed}
    with served.client() as client:
        return client.post("/api/events", content=data, headers=headers)


def test_an_automation_is_put_read_paused_and_deleted(served: Serving) -> None:
    with served.client(served.tokens["admin"]) as client:
        made = client.put("/api/automations/orders", json=DEFINITION)
        assert (made.status_code, made.json()["definition"]["trigger"]["expect"]) == (200, ["order.*"])
        assert [each["name"] for each in client.get("/api/automations").json()] == ["orders"]
        assert client.post("/api/automations/orders/pause").json()["paused"] is not None
        assert client.post("/api/automations/orders/resume").json()["paused"] is None
        assert client.delete("/api/automations/orders").status_code == 204
        assert client.get("/api/automations/orders").status_code == 404


def test_what_is_wrong_is_said(served: Serving) -> None:
    with served.client(served.tokens["admin"]) as client:
        wrong = client.put("/api/automations/orders", json={**DEFINITION, "actions": [{"do": "pause"}]})
        assert (wrong.status_code, "name one of" in wrong.json()["error"]["message"]) == (422, True)
        assert client.put("/api/automations/Bad%20Name", json=DEFINITION).status_code == 422


def test_one_whose_place_cannot_be_looked_at_is_listed_with_its_log(served: Serving) -> None:
    trigger = {"type": "file", "storage": "s3/never-saved", "every": 1}
    with served.client(served.tokens["admin"]) as client:
        assert client.put("/api/automations/lost", json={**DEFINITION, "trigger": trigger}).status_code == 200
        deadline = time.monotonic() + 60
        while not client.get("/api/automations/lost/log").json()["items"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (listed,) = client.get("/api/automations").json()
        assert (listed["last"]["outcome"], "never-saved" in listed["last"]["reason"]) == ("failed", True)
        client.delete("/api/automations/lost")


def test_one_that_a_later_version_made_is_listed_without_what_it_says(served: Serving) -> None:
    room = served.app.state.orchestrator.room(Automations)
    newer = new_automation("newer", AutomationDefinition.model_validate(DEFINITION), system_clock())
    room.put(newer._replace(definition='{"from": "later"}'))
    with served.client(served.tokens["admin"]) as client:
        assert [each["definition"] for each in client.get("/api/automations").json()] == [None]
        client.delete("/api/automations/newer")


def test_who_may_only_write_makes_no_automation(served: Serving) -> None:
    with served.client(served.tokens["write"]) as client:
        assert client.put("/api/automations/orders", json=DEFINITION).status_code == 403


def test_an_event_with_a_signature_needs_no_token_and_is_seen(served: Serving) -> None:
    with served.client(served.tokens["admin"]) as client:
        client.put("/api/automations/seen", json=DEFINITION)
        made = posted(served, EVENT)
        assert (made.status_code, made.json()["kind"]) == (201, "order.shipped")
        deadline = system_clock() + 60_000_000
        while not (items := client.get("/api/automations/seen/log").json()["items"]) or not items[0]["is_done"]:
            assert system_clock() < deadline
        assert [(each["outcome"], each["event_id"]) for each in items] == [("acts", made.json()["id"])]
        client.delete("/api/automations/seen")


def test_a_request_that_is_sent_again_is_the_same_event(served: Serving) -> None:
    time = system_clock() // 1_000_000
    body = {**EVENT, "kind": "order.again"}
    assert [posted(served, body, time).status_code for _ in range(2)] == [201, 201]
    with served.client(served.tokens["read"]) as client:
        assert len(client.get("/api/events", params={"kind": "order.again"}).json()["items"]) == 1


def test_wrong_and_old_signatures_are_refused(served: Serving) -> None:
    now = system_clock() // 1_000_000
    assert posted(served, EVENT, secret="guessed").status_code == 401
    assert posted(served, EVENT, at=now - 3_600).status_code == 401
    assert posted(served, {**EVENT, "kind": "flow-run.completed"}).status_code == 422
    with served.client() as client:
        assert client.post("/api/events", json=EVENT).status_code == 401
        assert client.post("/api/events", json=EVENT, headers={"Perdure-Signature": "t=1"}).status_code == 401


def test_an_event_with_a_token_needs_no_signature(served: Serving) -> None:
    for scope, status in (("read", 403), ("write", 201)):
        with served.client(served.tokens[scope]) as client:
            assert client.post("/api/events", json=EVENT).status_code == status


@pytest.mark.parametrize("header", ["", "t=", "v1=", "t=1,v1=", "t=٣,v1=a", "t=1e3,v1=ü", ",,,", "t=9" + "9" * 400])
def test_malformed_signatures_are_no_signatures(header: str) -> None:
    assert not is_signed(header, SECRET, b"{}", 1)
