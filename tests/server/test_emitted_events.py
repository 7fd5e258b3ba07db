"""Events that programs emit: what is kept of them, and who learns of them."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from perdure import flow, session, settings, task
from perdure._platform.clock import system_clock
from perdure._rooms.events.hooks import webhook
from perdure._rooms.events.port import EventFilter
from perdure.errors import EventError
from perdure.events import emit_event
from perdure.testing.server import serving

ORDER = {"perdure.resource.id": "order.4711", "customer": "tea"}


def kept(**wanted: Any) -> list[dict[str, Any]]:
    events = session.current().orchestrator.services.events(EventFilter(**wanted))
    return [json.loads(event.payload) for event in events]


def test_an_event_is_kept_with_what_it_was_given() -> None:
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    made = emit_event("order.shipped", ORDER, occurred=at, payload={"boxes": 3}, related=[{"prefect.resource.id": "x"}])
    (event,) = kept(kind="order.shipped")
    assert event["id"] == made.id
    assert (event["resource"], event["payload"], event["related"]) == (
        ORDER,
        {"boxes": 3},
        [{"prefect.resource.id": "x"}],
    )
    assert (datetime.fromisoformat(event["time"]), made.occurred, event["run"]) == (at, at, {})


def test_an_event_is_of_the_run_that_emits_it() -> None:
    @task(tags=["night"])
    def ship() -> None:
        emit_event("order.shipped", ORDER)

    @flow(name="shop", flow_run_name="today")
    def shop() -> None:
        emit_event("shop.opened", {"prefect.resource.id": "shop"})
        ship()

    state = shop(return_state=True)
    shipped, opened = kept(run_id=state.run_id)
    assert (shipped["kind"], opened["kind"]) == ("order.shipped", "shop.opened")
    assert (opened["run"]["name"], opened["run"]["flow_name"], opened["run"]["task_name"]) == ("today", "shop", None)
    assert (shipped["run"]["task_name"], shipped["run"]["tags"]) == ("ship", ["night"])
    assert [each["perdure.resource.role"] for each in shipped["related"]] == ["flow-run", "task-run"]
    assert kept(flow_name="shop") == [shipped, opened]


def test_an_event_of_a_run_whose_names_are_no_text_spells_them_out() -> None:
    @task(name="load \udcff", tags=["\udcff"])
    def load() -> None:
        emit_event("file.loaded", ORDER)

    @flow(name="loads \udcff")
    def loads() -> None:
        load()

    loads()
    (loaded,) = kept(kind="file.loaded")
    assert (loaded["run"]["task_name"], loaded["run"]["flow_name"]) == (r"load \udcff", r"loads \udcff")


def test_coroutines_emit_as_plain_functions_do() -> None:
    @flow
    async def shop() -> None:
        emit_event("shop.opened", {"perdure.resource.id": "shop"})

    asyncio.run(shop())
    assert [event["kind"] for event in kept(kind="shop.*")] == ["shop.opened"]


def test_an_event_that_is_emitted_twice_under_an_id_is_kept_once() -> None:
    id = UUID("00000000-0000-4000-8000-000000000001")
    assert [emit_event("order.shipped", ORDER, id=id).id for _ in range(2)] == [str(id)] * 2
    assert len(kept()) == 1


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"event": "order shipped"}, "kind of an event"),
        ({"event": ""}, "kind of an event"),
        ({"event": "order.*"}, "kind of an event"),
        ({"event": "order.\udcff"}, "kind of an event"),
        ({"event": "flow-run.failed"}, "server's own"),
        ({"resource": {}}, "perdure.resource.id"),
        ({"resource": "order"}, "perdure.resource.id"),
        ({"payload": {"at": object()}}, "not JSON"),
        ({"payload": {"share": float("nan")}}, "not JSON"),
        ({"payload": {"file": "\udcff.csv"}}, "half of a surrogate pair"),
        ({"resource": {"perdure.resource.id": "\ud800"}}, "half of a surrogate pair"),
        ({"resource": {"perdure.resource.id": "a", "text": "x" * 2**16}}, "65,536 are kept"),
        ({"occurred": datetime(2024, 5, 1)}, "time zone"),
        ({"id": "1"}, "no UUID"),
    ],
)
def test_what_is_no_event_is_refused(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(EventError, match=rule):
        emit_event(**{"event": "order.shipped", "resource": ORDER, **given})
    assert kept() == []


def test_an_event_that_is_too_large_is_kept_without_its_payload_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = emit_event("order.shipped", resource={"perdure.resource.id": "o"}, payload={"text": "x" * 2**16})
    (kept,) = session.current().orchestrator.services.events(EventFilter())
    assert json.loads(kept.payload)["payload"] == made.payload
    assert made.payload["left_out_bytes"] > 2**16
    assert "The payload of the event 'order.shipped' is left out." in caplog.text


def test_a_hook_that_wants_an_event_is_notified() -> None:
    services = session.current().orchestrator.services
    for kinds in (["order.shipped"], ["order.*"], ["*"], ["order.lost"], ["flow-run.*"]):
        services.put_hook(webhook("https://hooks.example.org/", None, kinds, None, private=False))
    made = emit_event("order.shipped", ORDER)
    waiting = services.due_deliveries(system_clock(), 10)
    assert [delivery.event_id for delivery in waiting] == [made.id] * 3


@pytest.mark.slow
def test_through_a_server_an_event_is_kept_and_listed(tmp_path: Path) -> None:
    import httpx

    with serving(str(tmp_path / "perdure.db")) as address:
        with settings.temporary_settings(api_url=address):
            emit_event("order.shipped", ORDER, payload={"boxes": 3})
            session.current().orchestrator.flush()
        (event,) = httpx.get(f"{address}/api/events", params={"kind": "order.shipped"}).json()["items"]
    assert (event["run_id"], event["resource"], event["payload"]) == (None, ORDER, {"boxes": 3})


@pytest.mark.slow
def test_a_run_continues_where_its_event_cannot_be_kept(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with serving(str(tmp_path / "perdure.db")) as address:
        pass  # it is gone
    logging.getLogger("perdure.events").addHandler(caplog.handler)
    try:
        with settings.temporary_settings(api_url=address, server_patience_seconds=0.1):
            assert emit_event("order.shipped", ORDER).event == "order.shipped"
    finally:
        logging.getLogger("perdure.events").removeHandler(caplog.handler)
    assert "'order.shipped' is not kept" in caplog.text
