"""Server-sent events, read as a browser reads them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import LogRecord
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state
from tests.server.running import running
from tests.server.serving import serving

pytestmark = pytest.mark.slow
STREAM = "/api/events/stream"


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "event" in event:
            yield event | {"data": json.loads(event["data"])}
            event = {}


def test_changes_and_lines_are_reported_as_they_come_and_continued_from(tmp_path: Path) -> None:
    known = EmbeddedOrchestrator(tmp_path / "perdure.db")
    run, other = flow_run(), flow_run()
    known.commit([run, state(run, StateType.RUNNING)])
    with running(str(tmp_path / "perdure.db")) as address:
        url = f"{address}/api/events/stream"
        with httpx.stream("GET", url, params={"flow_run": run.id}, timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            reported = events(lines)
            known.commit([other, LogRecord(run.id, None, 1, 20, "log", "first")])
            line = next(reported)
            assert (line["event"], line["data"]["message"]) == ("log", "first")
            known.commit([state(run, StateType.COMPLETED)])
            ended = next(reported)
            assert (ended["event"], ended["data"]["state"]["type"]) == ("flow_run", "COMPLETED")
            with httpx.stream("GET", url, headers={"Last-Event-ID": line["id"]}, timeout=20) as again:
                gone_on = next(event for event in events(again.iter_lines()) if event["data"]["id"] == run.id)
            assert gone_on["data"] == ended["data"]
        with httpx.stream("GET", url, headers={"Last-Event-ID": "another.1.1"}, timeout=20) as lost:
            assert next(events(lost.iter_lines()))["event"] == "reset"
    known.close()


@pytest.mark.parametrize("way", ["a token", "a session of it", "its time is up"])
def test_an_open_stream_ends_within_a_second_when_its_token_does(tmp_path: Path, way: str) -> None:
    with serving(tmp_path, authenticated=True) as server, server.client() as client:
        kept, now = server.app.state.tokens, system_clock()
        text, _ = kept.create("reader", Scope.READ, now, now + 3_000_000 if way == "its time is up" else None)
        if way == "a session of it":
            client.post("/api/session", json={"token": text}).raise_for_status()
        else:
            client.headers["Authorization"] = f"Bearer {text}"
        with (
            client.stream("GET", STREAM) as stream,
            server.client(server.tokens["read"]) as other,
            other.stream("GET", STREAM) as open,
        ):
            lines, others = stream.iter_lines(), open.iter_lines()
            assert next(lines) == next(others) == ": listening"
            if way == "its time is up":
                time.sleep(max(0.0, now / 1e6 + 3 - time.time()))
            else:
                kept.revoke("reader", system_clock())  # as another process does it
            ended = time.monotonic()
            assert not any(line.startswith("data") for line in lines)
            assert time.monotonic() - ended < 10
            run = flow_run()
            server.app.state.orchestrator.commit([run, state(run, StateType.RUNNING)])
            assert any(run.id in line for line in others)


def test_a_token_that_another_process_revoked_is_refused_within_a_second(tmp_path: Path) -> None:
    with serving(tmp_path, authenticated=True) as server, server.client(server.tokens["write"]) as client:
        assert client.get("/api/flow-runs").status_code == 200
        server.app.state.tokens.revoke("write", system_clock())
        time.sleep(1)
        assert client.get("/api/flow-runs").status_code == 401
