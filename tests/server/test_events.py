"""Server-sent events, read as a browser reads them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure.core.records import LogRecord
from perdure.core.states import StateType
from perdure.orchestrator.embedded import EmbeddedOrchestrator
from perdure.testing.orchestrator_conformance import flow_run, state
from tests.server.running import running

pytestmark = pytest.mark.slow


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "event" in event:
            yield event | {"data": json.loads(event["data"])}
            event = {}


def test_changes_and_lines_are_told_as_they_come_and_gone_on_from(tmp_path: Path) -> None:
    known = EmbeddedOrchestrator(tmp_path / "perdure.db")
    run, other = flow_run(), flow_run()
    known.commit([run, state(run, StateType.RUNNING)])
    with running(str(tmp_path / "perdure.db")) as address:
        url = f"{address}/api/events/stream"
        with httpx.stream("GET", url, params={"flow_run": run.id}, timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            told = events(lines)
            known.commit([other, LogRecord(run.id, None, 1, 20, "log", "first")])
            line = next(told)
            assert (line["event"], line["data"]["message"]) == ("log", "first")
            known.commit([state(run, StateType.COMPLETED)])
            ended = next(told)
            assert (ended["event"], ended["data"]["state"]["type"]) == ("flow_run", "COMPLETED")
            with httpx.stream("GET", url, headers={"Last-Event-ID": line["id"]}, timeout=20) as again:
                gone_on = next(event for event in events(again.iter_lines()) if event["data"]["id"] == run.id)
            assert gone_on["data"] == ended["data"]
        with httpx.stream("GET", url, headers={"Last-Event-ID": "another.1.1"}, timeout=20) as lost:
            assert next(events(lost.iter_lines()))["event"] == "reset"
    known.close()
