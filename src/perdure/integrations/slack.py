"""Slack: messages of an app by its token, and of an incoming webhook."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from perdure._blocks.block import Block
from perdure._blocks.notifications import SlackWebhook
from perdure._execution.tasks import task
from perdure._model.errors import IntegrationError
from perdure.integrations.calling import imported

__all__ = ["SlackCredentials", "SlackWebhook", "send_chat_message", "send_incoming_webhook_message"]

_SECONDS = 30.0  # until a message counts as not delivered

Parts = Sequence[dict[str, object]] | None


class SlackCredentials(Block):
    """The token of an app of Slack, such as "xoxb-…"."""

    block_type = "slack-credentials"

    token: SecretStr
    api_url: str = "https://slack.com/api"

    def get_client(self) -> Any:
        """A `WebClient` of slack_sdk, for what Slack can do besides.

        Raises:
            IntegrationError: slack_sdk is not installed.
        """
        client = imported("slack_sdk", "slack-sdk").WebClient
        return client(token=self.token.get_secret_value(), base_url=f"{self.api_url}/")


@task
async def send_chat_message(
    channel: str,
    slack_credentials: SlackCredentials,
    text: str | None = None,
    attachments: Parts = None,
    slack_blocks: Parts = None,
) -> dict[str, Any]:
    """Send a message to a channel, such as "#alerts"; what Slack answers.

    Raises:
        IntegrationError: Slack refuses, or is not reached; names Slack's code, such as `channel_not_found`.
    """
    headers = {"Authorization": f"Bearer {slack_credentials.token.get_secret_value()}"}
    message = {"channel": channel, **_content(text, attachments, slack_blocks)}
    answer = await _post(f"{slack_credentials.api_url}/chat.postMessage", message, headers)
    said: dict[str, Any] = answer.json()
    if not said.get("ok"):
        raise IntegrationError(f"Slack refuses the message to {channel!r}: {said.get('error')}.")
    return said


@task
async def send_incoming_webhook_message(
    slack_webhook: SlackWebhook, text: str | None = None, attachments: Parts = None, slack_blocks: Parts = None
) -> None:
    """Send a message to the channel of a webhook.

    Raises:
        IntegrationError: Slack refuses, or is not reached.
    """
    await _post(slack_webhook.url.get_secret_value(), _content(text, attachments, slack_blocks), {})


def _content(text: str | None, attachments: Parts, blocks: Parts) -> Mapping[str, object]:
    given = {"text": text, "attachments": attachments, "blocks": blocks}
    content = {name: value if isinstance(value, str) else list(value) for name, value in given.items() if value}
    if not content:
        raise ValueError("The message is empty. Give text, attachments or slack_blocks.")
    return content


async def _post(url: str, message: Mapping[str, object], headers: dict[str, str]) -> Any:
    import httpx  # programs that send nothing do not pay for it

    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.post(url, json=message, headers=headers)
    except httpx.HTTPError as error:
        raise IntegrationError(f"Slack was not reached: {type(error).__name__}.") from None
    if answer.is_error:
        wait = answer.headers.get("Retry-After")
        raise IntegrationError(
            f"Slack answered {answer.status_code}: {answer.text[:200] or answer.reason_phrase}"
            f"{f'. It takes messages again in {wait} s' if wait else ''}."
        )
    return answer
