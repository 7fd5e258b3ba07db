"""Slack's API and webhooks, played by a server of the test."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from perdure import flow
from perdure.blocks.notifications import SlackWebhook
from perdure.errors import IntegrationError
from perdure.integrations.slack import SlackCredentials, send_chat_message, send_incoming_webhook_message

TOKEN = "xoxb-s3cret"


class Slack(HTTPServer):
    """Keeps what it is sent."""

    received: list[tuple[str, Any]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Slack)
        self.server.received.append((self.path, sent))
        answer: dict[str, Any] = {"ok": True, "ts": "1.2"}
        if self.path == "/api/chat.postMessage":
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                answer = {"ok": False, "error": "invalid_auth"}
            elif sent["channel"] != "#alerts":
                answer = {"ok": False, "error": "channel_not_found"}
        body = json.dumps(answer).encode()
        self.send_response(429 if self.path == "/busy" else 200)
        if self.path == "/busy":
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests say nothing."""


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack(("127.0.0.1", 0), _Handler) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def credentials(slack: Slack, token: str = TOKEN) -> SlackCredentials:
    return SlackCredentials(token=SecretStr(token), api_url=f"{slack.url}/api")


def test_a_message_goes_to_its_channel(slack: Slack) -> None:
    @flow
    def send() -> Any:
        blocks = [{"type": "divider"}]
        return send_chat_message("#alerts", credentials(slack), text="it failed", slack_blocks=blocks)

    assert send() == {"ok": True, "ts": "1.2"}
    sent = {"channel": "#alerts", "text": "it failed", "blocks": [{"type": "divider"}]}
    assert slack.received == [("/api/chat.postMessage", sent)]


def test_a_coroutine_flow_sends_by_a_webhook(slack: Slack) -> None:
    @flow
    async def send() -> None:
        await send_incoming_webhook_message(SlackWebhook(url=SecretStr(f"{slack.url}/hook")), text="it failed")

    asyncio.run(send())
    assert slack.received == [("/hook", {"text": "it failed"})]


@pytest.mark.parametrize(
    ("channel", "token", "said"), [("#none", TOKEN, "channel_not_found"), ("#alerts", "wr0ng", "invalid_auth")]
)
def test_slacks_own_word_is_in_the_error(slack: Slack, channel: str, token: str, said: str) -> None:
    with pytest.raises(IntegrationError, match=said) as caught:
        asyncio.run(send_chat_message(channel, credentials(slack, token), text="x"))
    assert token not in str(caught.value)


def test_a_busy_slack_says_when_it_takes_messages_again(slack: Slack) -> None:
    webhook = SlackWebhook(url=SecretStr(f"{slack.url}/busy"))
    with pytest.raises(IntegrationError, match="answered 429: .* again in 7 s"):
        asyncio.run(send_incoming_webhook_message(webhook, text="x"))


def test_an_empty_message_is_refused(slack: Slack) -> None:
    with pytest.raises(ValueError, match="is empty"):
        asyncio.run(send_chat_message("#alerts", credentials(slack)))


def test_without_slacks_library_the_error_says_how_to_install_it(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    with pytest.raises(IntegrationError, match="pip install slack-sdk"):
        credentials(slack).get_client()
