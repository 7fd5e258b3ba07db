"""Blocks that notify people: `SlackWebhook.load("alerts").notify("The nightly run failed", subject="nightly")`."""

from typing import Any

from pydantic import Field, SecretStr, model_validator

from perdure._blocks.abstract import NotificationBlock, NotificationError
from perdure._blocks.calling import SECONDS, _AtUrl
from perdure._model.colour import caller_is_async
from perdure._model.errors import HookError
from perdure._platform.threads import in_thread

__all__ = [
    "AppriseNotification",
    "AppriseNotificationBlock",
    "DiscordWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "SlackWebhook",
]


class AppriseNotification(_AtUrl, NotificationBlock):
    """Any service that Apprise knows, by its URL there; needs the extra `notifications`."""

    block_type = "apprise-notification"

    url: SecretStr = Field(description="Where messages are sent; it holds a token, so it is kept as a secret.")

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Send a message. In coroutines it is awaited.

        Raises:
            NotificationError: it was not taken; says why.
        """
        return self.anotify(body, subject) if caller_is_async() else self._send(body, subject)

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """`notify`, in another thread."""
        await in_thread(self._send, body, subject)

    def _send(self, body: str, subject: str | None) -> None:
        if not self.allow_private_urls:
            raise NotificationError(
                "Apprise chooses what it calls, so allow_private_urls=False cannot hold for it. Leave it out, or send"
                " by a Webhook."
            )
        send_by_apprise(self._address(), body, subject)


def send_by_apprise(address: str, body: str, subject: str | None) -> None:
    """Send a message to the service at an address that Apprise knows.

    Raises:
        HookError: Apprise is not installed.
        NotificationError: it does not know the address, or the message was not taken.
    """
    try:
        import apprise
    except ImportError as error:
        raise HookError("Apprise is not installed: pip install 'perdure[notifications]'.") from error
    service = apprise.Apprise()
    if not service.add(address):
        raise NotificationError("Apprise does not know a URL like that.")
    if not service.notify(body=body, title=subject or ""):
        raise NotificationError("The message was not delivered.")


AppriseNotificationBlock = AppriseNotification  # by which users of Prefect know it


class SlackWebhook(AppriseNotification):
    """An incoming webhook of Slack, or of what takes the same, such as Mattermost."""

    block_type = "slack-webhook"

    def _send(self, body: str, subject: str | None) -> None:
        _post(self, "text", body, subject)


class MicrosoftTeamsWebhook(AppriseNotification):
    """An incoming webhook of Microsoft Teams."""

    block_type = "ms-teams-webhook"

    def _send(self, body: str, subject: str | None) -> None:
        _post(self, "text", body, subject)


class DiscordWebhook(AppriseNotification):
    """A webhook of Discord: by its URL, or by the `webhook_id` and the `webhook_token` that the URL ends with."""

    block_type = "discord-webhook"

    @model_validator(mode="before")
    @classmethod
    def _of_parts(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or not {"webhook_id", "webhook_token"} <= fields.keys():
            return fields
        id, token = (plain(fields[name]) for name in ("webhook_id", "webhook_token"))
        others = {name: each for name, each in fields.items() if name not in _OF_DISCORD}
        return others | {"url": f"https://discord.com/api/webhooks/{id}/{token}"}

    def _send(self, body: str, subject: str | None) -> None:
        _post(self, "content", body, subject)


_OF_DISCORD = ("webhook_id", "webhook_token", "notify_type", "botname", "tts", "include_image", "avatar", "avatar_url")


def plain(value: object) -> str:
    """What a field is given: a text, or a secret one."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _post(to: AppriseNotification, field: str, body: str, subject: str | None) -> None:
    """Send to a service that takes a JSON object at a URL: no package is needed for it."""
    import httpx  # programs that notify nobody do not pay for it

    text = body if subject is None else f"*{subject}*\n{body}"
    try:
        answer = to._request("POST", {field: text}, {}, SECONDS)
    except httpx.HTTPError as error:
        raise NotificationError(f"The message was not delivered: {type(error).__name__}. Check the URL.") from None
    except HookError as error:  # of the URL
        raise NotificationError(str(error)) from None
    if answer.is_error:
        raise NotificationError(f"The message was not delivered: {to.block_type} answered {answer.status_code}.")
