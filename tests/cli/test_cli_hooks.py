import json

import pytest
from command_line import Perdure

from perdure.events import emit_event


def test_a_webhook_is_made_shown_without_its_secrets_and_deleted(perdure: Perdure) -> None:
    url = "https://hooks.example.org/services/SECRET"
    made = perdure("webhook", "create", url, "--on", "flow-run.failed", "--secret", "shared", "--json")
    shape = json.loads(made.stdout)
    assert shape["to"] == "https://hooks.example.org/service…"
    assert shape["is_signed"]
    listed = perdure("webhook", "ls").stdout
    assert "flow-run.failed" in listed
    assert "SECRET" not in listed
    assert "There are no deliveries." in perdure("webhook", "deliveries", shape["id"][:20]).stdout
    assert "Deleted the webhook" in perdure("webhook", "delete", shape["id"]).stdout
    assert "There is no webhook." in perdure("webhook", "ls").stdout


def test_a_kind_of_event_that_is_not_there_is_named(perdure: Perdure) -> None:
    said = perdure("webhook", "create", "https://example.org", "--on", "flow-run.fails").stderr
    assert "'flow-run.fails' is no kind of event" in said


def test_a_webhook_may_want_kinds_that_programs_emit(perdure: Perdure) -> None:
    for kind in ("order.shipped", "order.*", "backup"):
        assert kind in perdure("webhook", "create", "https://example.org", "--on", kind, "--json").stdout
    for misspelled in ("flow_run.failed", "flow-runs.failed", "task-run.fails"):
        assert "no kind of event" in perdure("webhook", "create", "https://example.org", "--on", misspelled).stderr


def test_emitted_events_are_listed_with_the_others(perdure: Perdure) -> None:
    made = emit_event("order.shipped", {"perdure.resource.id": "order.4711"})
    assert "order.shipped" in perdure("event", "ls", "--kind", "order.*").stdout
    assert [event["id"] for event in json.loads(perdure("event", "ls", "--json").stdout)] == [made.id]


def test_a_url_that_no_webhook_can_have_is_refused(perdure: Perdure) -> None:
    for url in ("ftp://example.org", "example.org", "https://user:word@example.org"):
        assert "is no URL for a webhook" in perdure("webhook", "create", url, "--on", "flow-run.failed").stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")  # what Apprise imports
def test_a_notification_is_made_for_what_apprise_knows(perdure: Perdure) -> None:
    made = perdure("notification", "create", "json://example.org/token", "--on", "flow-run.*", "--json")
    assert json.loads(made.stdout)["to"] == "json://…"
    assert "Apprise knows no service of the kind 'nosuch'" in (
        perdure("notification", "create", "nosuch://example.org", "--on", "flow-run.*").stderr
    )


def test_services_are_listed_with_their_intervals(perdure: Perdure) -> None:
    listed = json.loads(perdure("server", "services", "--json").stdout)
    assert [(each["name"], each["interval_seconds"]) for each in listed] == [
        *(("lost", 10), ("late", 60), ("schedules", 0.5), ("events", 1)),
        *(("files", 1), ("automations", 1), ("hooks", 1)),
    ]
    assert "flow-run" in perdure("server", "services").stdout or "late" in perdure("server", "services").stdout


def test_events_say_who_makes_them(perdure: Perdure) -> None:
    assert "perdure server start" in perdure("event", "ls").stdout
