"""`perdure automation`, and automations in perdure.toml."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure
from jsonschema import Draft202012Validator

from perdure import session, settings
from perdure._server.services.automations import AutomationService
from perdure._server.services.runtime import ServiceRuntime
from perdure.events import emit_event

DECLARED = """
[[automations]]
name = "nightly-late"
debounce = 5
trigger = { type = "absence", expect = "flow-run.completed", deployment = "report/nightly", by = "0 7 * * *" }
actions = [{ do = "notify", subject = "The report is late" }]
"""


pytestmark = pytest.mark.usefixtures("home")


def said(perdure: Perdure, *arguments: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(perdure(*arguments, "--json").stdout)


def look() -> None:
    AutomationService()(ServiceRuntime(session.current().orchestrator, settings.current()), None)


def test_an_automation_is_made_listed_and_deleted(perdure: Perdure) -> None:
    made = perdure(
        "automation", "create", "orders", "--on", "order.*", "--match", "payload.n=1", "--notify", "An order"
    )
    assert "sees the events" in made.output
    assert "order.*" in perdure("automation", "ls").output
    shown = said(perdure, "automation", "inspect", "orders")
    assert shown["definition"]["trigger"] == {"type": "event", "expect": ["order.*"], "match": {"payload.n": ["1"]}}
    assert "Paused" in perdure("automation", "pause", "orders").output
    assert "Resumed" in perdure("automation", "resume", "orders").output
    perdure("automation", "delete", "orders")
    assert "no automations" in perdure("automation", "ls").output


def test_its_log_says_what_it_saw_and_did(perdure: Perdure) -> None:
    perdure("automation", "create", "orders", "--on", "order.*", "--match", "payload.n=1", "--notify", "An order")
    for number in (1, 2):
        emit_event("order.shipped", {"perdure.resource.id": "o"}, payload={"n": number})
    look()
    lines = said(perdure, "automation", "log", "orders")
    assert [(each["outcome"], each["is_done"]) for each in lines] == [("ignored", True), ("acts", True)]
    assert lines[0]["reason"] == "payload.n is 2, not '1'"
    assert len(said(perdure, "automation", "log", "orders", "--outcome", "acts")) == 1
    assert "payload.n is 2" in perdure("automation", "log", "orders").output


def test_what_is_wrong_is_said_with_the_remedy(perdure: Perdure) -> None:
    assert "Give either" in perdure("automation", "create", "orders").output
    assert "at least 1" in perdure("automation", "create", "orders", "--on", "a").output
    assert "Did you mean" in (
        perdure("automation", "create", "orders", "--on", "a", "--notify", "x").output
        + perdure("automation", "pause", "order").output
    )


def test_perdure_toml_declares_automations(perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "perdure.toml").write_text(DECLARED)
    monkeypatch.chdir(tmp_path)
    assert said(perdure, "deploy", "--dry-run") == [{"automation": "nightly-late", "changed": True}]
    assert said(perdure, "automation", "ls") == []
    assert "deployed" in perdure("deploy").output
    assert "no change" in perdure("deploy").output
    (tmp_path / "perdure.toml").write_text(DECLARED.replace("0 7", "77 7"))
    assert "automations[0]" in perdure("deploy").output


def test_the_schema_for_editors_knows_automations(perdure: Perdure) -> None:
    schema = json.loads(perdure("deploy", "--schema").output)
    Draft202012Validator.check_schema(schema)
    document: dict[str, Any] = {
        "automations": [
            {
                "name": "a",
                "trigger": {"type": "event", "expect": "order.shipped"},
                "actions": [{"do": "run-deployment", "deployment": "a/b"}],
            }
        ]
    }
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(document)) == []
    document["automations"][0]["surprise"] = 1
    assert [each.validator for each in validator.iter_errors(document)] == ["additionalProperties"]
