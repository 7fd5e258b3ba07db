"""Blocks that come with Perdure: single values, webhooks, messages; over a real receiver."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from dict_store import DictStore
from pydantic import SecretStr

from perdure.blocks.notifications import (
    AppriseNotification,
    CustomWebhookNotificationBlock,
    DiscordWebhook,
    MattermostWebhook,
    OpsgenieWebhook,
    PagerDutyWebHook,
    SendgridEmail,
    SlackWebhook,
    TwilioSMS,
)
from perdure.blocks.system import JSON, DateTime, Secret, String
from perdure.blocks.webhook import Webhook
from perdure.errors import HookError


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (Secret(value=SecretStr("s3cret")), "s3cret"),
        (JSON(value={"regions": ["no", "se"], "limit": None}), {"regions": ["no", "se"], "limit": None}),
        (String(value="hei"), "hei"),
        (DateTime(value=datetime(2024, 5, 1, tzinfo=UTC)), datetime(2024, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_block_of_one_value_gives_it_back(block: Any, value: object) -> None:
    block.save("mine")
    loaded = type(block).load("mine")
    assert (loaded.get() if isinstance(loaded, Secret) else loaded.value) == value


def test_a_secret_is_neither_stored_nor_shown_in_the_clear(store: DictStore) -> None:
    secret = Secret(value=SecretStr("s3cret"))
    secret.save("mine")
    (record,) = store.blocks(type="secret")
    assert "s3cret" not in record.data
    assert "s3cret" not in repr(secret)


class Receiver(HTTPServer):
    """Keeps what it is sent; `/refused` is refused."""

    received: list[tuple[str, dict[str, str], Any]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Receiver)
        self.server.received.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(403 if self.path == "/refused" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), _Handler) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(receiver: Receiver, path: str = "", scheme: str = "http") -> SecretStr:
    return SecretStr(f"{scheme}://127.0.0.1:{receiver.server_port}/{path}")


def test_a_webhook_sends_its_payload_and_headers(receiver: Receiver) -> None:
    hook = Webhook(url=url(receiver, "deploy"), headers={"X-Token": SecretStr("t")})
    assert hook.call({"version": "1.2"}).status_code == 200
    ((path, headers, body),) = receiver.received
    assert (path, headers["X-Token"], body) == ("/deploy", "t", {"version": "1.2"})


@pytest.mark.parametrize(("kind", "field"), [(SlackWebhook, "text"), (DiscordWebhook, "content")])
def test_a_message_is_sent_as_its_service_takes_it(receiver: Receiver, kind: type[SlackWebhook], field: str) -> None:
    kind(url=url(receiver)).notify("it failed", subject="nightly")
    assert receiver.received[0][2] == {field: "*nightly*\nit failed"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own imports
def test_apprise_sends_to_whatever_it_knows(receiver: Receiver) -> None:
    AppriseNotification(url=url(receiver, scheme="json")).notify("it failed")
    assert receiver.received[0][2]["message"] == "it failed"


def test_a_message_that_is_refused_is_an_error_without_the_url(receiver: Receiver) -> None:
    with pytest.raises(HookError, match="slack-webhook answered 403") as error:
        SlackWebhook(url=url(receiver, "refused")).notify("x")
    assert str(receiver.server_port) not in str(error.value)


def test_a_message_to_nobody_is_an_error() -> None:
    with pytest.raises(HookError, match="ConnectError"):
        SlackWebhook(url=SecretStr("http://127.0.0.1:9")).notify("x")


def test_a_request_of_ones_own_has_what_its_places_stand_for(receiver: Receiver) -> None:
    block = CustomWebhookNotificationBlock(
        name="ops",
        url=f"http://127.0.0.1:{receiver.server_port}/{{{{path}}}}",
        json_data={"text": "{{name}}: {{subject}}\n{{body}}", "list": ["{{token}}", 7]},
        headers={"X-Token": "{{token}}"},
        secrets={"token": "s3cret", "path": "hook"},
    )
    block.save("ops")
    loaded = CustomWebhookNotificationBlock.load("ops")
    assert "s3cret" not in repr(loaded)
    loaded.notify('it "failed"', subject="nightly")
    ((path, headers, body),) = receiver.received
    assert (path, headers["X-Token"]) == ("/hook", "s3cret")
    assert body == {"text": 'ops: nightly\nit "failed"', "list": ["s3cret", 7]}


def test_a_request_of_ones_own_may_be_kept_to_public_addresses(receiver: Receiver) -> None:
    block = CustomWebhookNotificationBlock(
        name="ops", url=f"http://127.0.0.1:{receiver.server_port}/", allow_private_urls=False
    )
    with pytest.raises(HookError, match="at a private address"):
        block.notify("it failed")
    assert receiver.received == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"json_data": {"a": "{{nothing}}"}}, "stands for nothing: there are body, name, subject"),
        ({"json_data": {}, "form_data": {}}, "not both"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CustomWebhookNotificationBlock(name="ops", url="https://example.org", **fields)


def test_a_webhook_of_discord_is_known_by_its_parts() -> None:
    block = DiscordWebhook(webhook_id="12", webhook_token=SecretStr("tok"), tts=False)  # type: ignore[call-arg]
    assert block.url.get_secret_value() == "https://discord.com/api/webhooks/12/tok"


@pytest.mark.parametrize(
    ("block", "address"),
    [
        (
            MattermostWebhook(hostname="h", token=SecretStr("t/k"), botname="a bot", channels=["x", "y"], path="/in/"),
            "mmost://a%20bot@h:8065/in/t%2Fk?to=x%2Cy&image=no",
        ),
        (
            TwilioSMS(account_sid="AC", auth_token=SecretStr("t"), from_phone_number="+1", to_phone_numbers=["+2"]),
            "twilio://AC:t@%2B1/%2B2",
        ),
        (
            SendgridEmail(api_key=SecretStr("k.k"), sender_email="me@a.b", to_emails=["you@a.b", "we@a.b"]),
            "sendgrid://k.k:me@a.b/you%40a.b/we%40a.b",
        ),
        (
            OpsgenieWebhook(
                apikey=SecretStr("k"), target_user=["u"], target_team=["t"], tags=["a"], details={"x": "y"}
            ),
            "opsgenie://k/%40u/%23t?region=us&batch=no&tags=a&priority=3&%2Bx=y",
        ),
        (
            PagerDutyWebHook(integration_key=SecretStr("i"), api_key=SecretStr("k/k"), group="g"),
            "pagerduty://i@k%2Fk/Perdure/Notification?region=us&group=g&image=yes",
        ),
    ],
    ids=lambda given: type(given).__name__ if not isinstance(given, str) else "",
)
def test_a_service_is_called_at_the_address_that_apprise_knows(
    block: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, str, str | None]] = []
    monkeypatch.setattr("perdure._blocks.services.send_by_apprise", lambda *given: called.append(given))
    block.notify("it failed", subject="nightly")
    assert called == [(address, "it failed", "nightly")]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own imports
def test_apprise_reads_the_addresses_of_services() -> None:
    import apprise

    key = "a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12
    opsgenie = OpsgenieWebhook(apikey=SecretStr(key), target_team=["ops"], details={"x": "a b"})
    read = apprise.Apprise.instantiate(opsgenie._address())
    assert (read.targets, read.details) == ([{"type": "team", "name": "ops"}], {"x": "a b"})
    pages = PagerDutyWebHook(integration_key=SecretStr("i i"), api_key=SecretStr("k/k"), clickable_url="https://x/?y")
    read = apprise.Apprise.instantiate(pages._address())
    assert (read.integration_key, read.apikey, read.click) == ("i i", "k/k", "https://x/?y")
