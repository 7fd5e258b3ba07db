"""Blocks that notify people: `SlackWebhook.load("alerts").notify("The nightly run failed", subject="nightly")`."""

from abc import abstractmethod
from typing import Any

from pydantic import Field, SecretStr

from perdure._blocks.block import Block
from perdure._model.colour import caller_is_async
from perdure._model.errors import HookError

__all__ = ["AppriseNotification", "DiscordWebhook", "MicrosoftTeamsWebhook", "NotificationBlock", "SlackWebhook"]

_SECONDS = 30.0  # until a message counts as not delivered


class NotificationBlock(Block):
    """Sends messages to people."""

    url: SecretStr = Field(description="Where messages are sent; it holds a token, so it is kept as a secret.")

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Send a message. In coroutines it is awaited.

        Raises:
            HookError: it was not taken; says why.
        """
        return self.anotify(body, subject) if caller_is_async() else self._send(body, subject)

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """`notify`, in another thread."""
        import asyncio  # programs without a loop do not pay for it

        await asyncio.to_thread(self._send, body, subject)

    @abstractmethod
    def _send(self, body: str, subject: str | None) -> None:
        """Send a message; raises HookError."""


class _Posted(NotificationBlock):
    """A service that takes a JSON object at a URL."""

    @abstractmethod
    def _message(self, text: str) -> dict[str, object]:
        """The object that the service takes."""

    def _send(self, body: str, subject: str | None) -> None:
        import httpx  # programs that notify nobody do not pay for it

        text = body if subject is None else f"*{subject}*\n{body}"
        try:
            answer = httpx.post(self.url.get_secret_value(), json=self._message(text), timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise HookError(f"The message was not delivered: {type(error).__name__}. Check the URL.") from None
        if answer.is_error:
            raise HookError(f"The message was not delivered: {self.block_type} answered {answer.status_code}.")


class SlackWebhook(_Posted):
    """An incoming webhook of Slack, or of what takes the same, such as Mattermost."""

    block_type = "slack-webhook"

    def _message(self, text: str) -> dict[str, object]:
        return {"text": text}


class MicrosoftTeamsWebhook(_Posted):
    """An incoming webhook of Microsoft Teams."""

    block_type = "ms-teams-webhook"

    def _message(self, text: str) -> dict[str, object]:
        return {"text": text}


class DiscordWebhook(_Posted):
    """A webhook of Discord."""

    block_type = "discord-webhook"

    def _message(self, text: str) -> dict[str, object]:
        return {"content": text}


class AppriseNotification(NotificationBlock):
    """Any service that Apprise knows, by its URL there; needs the extra `notifications`."""

    block_type = "apprise-notification"

    def _send(self, body: str, subject: str | None) -> None:
        try:
            import apprise
        except ImportError as error:
            raise HookError("Apprise is not installed: pip install 'perdure[notifications]'.") from error
        service = apprise.Apprise()
        if not service.add(self.url.get_secret_value()):
            raise HookError("Apprise does not know a URL like that.")
        if not service.notify(body=body, title=subject or ""):
            raise HookError("The message was not delivered.")
