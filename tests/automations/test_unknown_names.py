"""What automations name that is not there: said kind by kind, and not refused."""

from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session
from perdure._automations.definition import AutomationDefinition
from perdure._rooms.automations.unknown_names import unknown_names
from perdure.filesystems import LocalFileSystem
from tests.server.serving import serving

NOTIFY = {"do": "notify"}
ON = {"type": "event", "expect": "flow-run.failed"}


def said(trigger: dict[str, Any], *actions: dict[str, Any]) -> list[str]:
    definition = AutomationDefinition.model_validate({"trigger": trigger, "actions": list(actions) or [NOTIFY]})
    return unknown_names(definition, session.current().orchestrator)


@pytest.mark.parametrize(
    ("trigger", "action", "kind", "name"),
    [
        (ON, {"do": "run-deployment", "deployment": "etl/nightly"}, "deployment", "etl/nightly"),
        (ON, {"do": "pause", "deployment": "etl/nightly"}, "deployment", "etl/nightly"),
        (ON, {"do": "resume", "work_pool": "big"}, "work pool", "big"),
        (ON, {"do": "pause", "automation": "other"}, "automation", "other"),
        (ON | {"flow": "etl"}, NOTIFY, "flow", "etl"),
        (ON | {"deployment": "etl/nightly"}, NOTIFY, "deployment", "etl/nightly"),
        (ON | {"match": {"run.flow_name": ["etl", "x*"]}}, NOTIFY, "flow", "etl"),
        ({"type": "file", "storage": "s3/dev"}, NOTIFY, "storage", "s3/dev"),
    ],
)
def test_what_is_not_there_is_named_by_its_kind(
    trigger: dict[str, Any], action: dict[str, Any], kind: str, name: str
) -> None:
    assert said(trigger, action) == [f"There is no {kind} {name!r} by now."]


def test_what_only_an_event_says_or_stands_for_many_is_not_looked_for() -> None:
    run = {"do": "run-deployment", "deployment": "{event.payload.deployment}"}
    assert said(ON | {"match": {"run.flow_name": "etl*", "payload.x": "y"}}, run) == []
    assert said({"type": "file", "storage": "/data"}) == []


@flow
def etl() -> None:
    """Runs."""


def test_what_is_there_is_not_named(tmp_path: Path) -> None:
    etl()
    LocalFileSystem(basepath=str(tmp_path)).save("landing")
    assert said(ON | {"flow": "etl"}) == []
    assert said({"type": "file", "storage": "local-file-system/landing"}) == []


def test_the_api_answers_with_warnings(tmp_path: Path) -> None:
    definition = {"trigger": ON, "actions": [{"do": "run-deployment", "deployment": "etl/nightly"}]}
    with serving(tmp_path) as served, served.client() as client:
        made = client.put("/api/automations/orders", json=definition).raise_for_status().json()
        assert made["warnings"] == ["There is no deployment 'etl/nightly' by now."]
        assert client.get("/api/automations").json()[0]["warnings"] == made["warnings"]
