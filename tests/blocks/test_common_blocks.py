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

from perdure.blocks.notifications import AppriseNotification, DiscordWebhook, SlackWebhook
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
