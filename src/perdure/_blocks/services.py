"""Notifications by services that are called with several fields instead of one URL: `SendgridEmail(api_key=..., ...)`.

All but `CustomWebhookNotificationBlock` send by Apprise, so they need the extra `notifications`.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import Field, JsonValue, SecretStr, model_validator

from perdure._blocks.abstract import NotificationBlock, NotificationError
from perdure._blocks.calling import at_public_address, checked
from perdure._blocks.fields import SecretDict
from perdure._blocks.notifications import send_by_apprise
from perdure._model.colour import caller_is_async
from perdure._platform.threads import in_thread

__all__ = [
    "CustomWebhookNotificationBlock",
    "MattermostWebhook",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "TwilioSMS",
]


class _Sender(NotificationBlock):
    """Sends by one blocking function, which coroutines have called in another thread."""

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Send a message. In coroutines it is awaited.

        Raises:
            NotificationError: it was not taken; says why.
        """
        return self.anotify(body, subject) if caller_is_async() else self._send(body, subject)

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """`notify`, in another thread."""
        await in_thread(self._send, body, subject)

    @abstractmethod
    def _send(self, body: str, subject: str | None) -> None: ...


class _ByApprise(_Sender):
    """Sends to the address that its fields make."""

    # Fields that are options of the address, by what they are called there.
    _OPTIONS: ClassVar[Mapping[str, str]] = {}

    notify_type: str = Field(default="prefect_default", description="Not used; programs written for Prefect give it.")

    def _send(self, body: str, subject: str | None) -> None:
        send_by_apprise(self._address(), body, subject)

    @abstractmethod
    def _address(self) -> str: ...

    def _query(self, details: Mapping[str, str] | None = None) -> str:
        named = {f"+{name}": each for name, each in (details or {}).items()}
        return _query({name: getattr(self, field) for name, field in self._OPTIONS.items()} | named)


class MattermostWebhook(_ByApprise):
    """An incoming webhook of Mattermost."""

    block_type = "mattermost-webhook"
    _OPTIONS: ClassVar[Mapping[str, str]] = {"to": "channels", "image": "include_image"}

    hostname: str
    token: SecretStr
    botname: str | None = None
    channels: list[str] | None = None
    include_image: bool = False
    path: str | None = None
    port: int = 8065

    def _address(self) -> str:
        bot = "" if self.botname is None else f"{_safe(self.botname)}@"
        place = _path(*(self.path or "").strip("/").split("/"), self.token.get_secret_value())
        return f"mmost://{bot}{self.hostname}:{self.port}/{place}?{self._query()}"


class TwilioSMS(_ByApprise):
    """Text messages by Twilio; numbers as in E.164, such as +15551234567."""

    block_type = "twilio-sms"

    account_sid: str
    auth_token: SecretStr
    from_phone_number: str
    to_phone_numbers: list[str] = Field(min_length=1)

    def _address(self) -> str:
        login = f"{_safe(self.account_sid)}:{_safe(self.auth_token.get_secret_value())}"
        return f"twilio://{login}@{_safe(self.from_phone_number)}/{_path(*self.to_phone_numbers)}"


class SendgridEmail(_ByApprise):
    """Mail by SendGrid."""

    block_type = "sendgrid-email"

    api_key: SecretStr
    sender_email: str
    to_emails: list[str] = Field(min_length=1)

    def _address(self) -> str:
        return f"sendgrid://{self.api_key.get_secret_value()}:{self.sender_email}/{_path(*self.to_emails)}"


class OpsgenieWebhook(_ByApprise):
    """Alerts of Opsgenie."""

    block_type = "opsgenie-webhook"
    _OPTIONS: ClassVar[Mapping[str, str]] = {"region": "region_name"} | {
        each: each for each in ("batch", "tags", "priority", "alias", "entity")
    }

    apikey: SecretStr
    target_user: list[str] | None = None
    target_team: list[str] | None = None
    target_schedule: list[str] | None = None
    target_escalation: list[str] | None = None
    region_name: Literal["us", "eu"] = "us"
    batch: bool = False
    tags: list[str] | None = None
    priority: str | int | None = Field(default=3, description="1 to 5, or low, moderate, normal, high, emergency.")
    alias: str | None = None
    entity: str | None = None
    details: dict[str, str] | None = None

    def _address(self) -> str:
        of_kind = (
            ("@", self.target_user),
            ("#", self.target_team),
            ("*", self.target_schedule),
            ("^", self.target_escalation),
        )
        targets = [f"{mark}{name}" for mark, names in of_kind for name in names or ()]
        return f"opsgenie://{_safe(self.apikey.get_secret_value())}/{_path(*targets)}?{self._query(self.details)}"


class PagerDutyWebHook(_ByApprise):
    """Incidents of PagerDuty."""

    block_type = "pager-duty-webhook"
    _OPTIONS: ClassVar[Mapping[str, str]] = {
        "region": "region_name",
        "group": "group",
        "class": "class_id",
        "click": "clickable_url",
        "image": "include_image",
    }

    integration_key: SecretStr
    api_key: SecretStr
    source: str | None = "Perdure"
    component: str | None = "Notification"
    group: str | None = None
    class_id: str | None = None
    region_name: Literal["us", "eu"] = "us"
    clickable_url: str | None = None
    include_image: bool = True
    custom_details: dict[str, str] | None = None

    def _address(self) -> str:
        login = f"{_safe(self.integration_key.get_secret_value())}@{_safe(self.api_key.get_secret_value())}"
        place = _path(self.source or "", self.component or "")
        return f"pagerduty://{login}/{place}?{self._query(self.custom_details)}"


class CustomWebhookNotificationBlock(_Sender):
    """A request of your own: `{{subject}}`, `{{body}}`, `{{name}}` and the names of secrets stand in what is sent."""

    block_type = "custom-webhook"

    name: str
    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    params: dict[str, str] | None = None
    json_data: dict[str, JsonValue] | None = None
    form_data: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    timeout: float = Field(default=10, gt=0, description="Seconds.")
    allow_private_urls: bool = Field(default=True, description="Whether the URL may be at a private address.")
    secrets: SecretDict = Field(default_factory=lambda: SecretDict({}))

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.json_data is not None and self.form_data is not None:
            raise ValueError("a request has json_data or form_data, not both")
        self._request("", "")  # which finds names that stand for nothing
        return self

    def _send(self, body: str, subject: str | None) -> None:
        import httpx  # programs that notify nobody do not pay for it

        request = self._request(body, subject or "")
        extensions: dict[str, str] = {}
        request["url"] = checked(request["url"])
        if not self.allow_private_urls:
            request["url"], host, extensions = at_public_address(request["url"])
            request["headers"] = (request.get("headers") or {}) | host
        try:
            with httpx.Client(timeout=self.timeout, trust_env=self.allow_private_urls) as client:
                answer = client.request(**request, extensions=extensions)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotificationError(f"The message was not delivered: {type(error).__name__}. Check the URL.") from None
        if answer.is_error:
            raise NotificationError(f"The message was not delivered: {self.name!r} answered {answer.status_code}.")

    def _request(self, body: str, subject: str) -> dict[str, Any]:
        known = {
            **{name: str(value) for name, value in self.secrets.get_secret_value().items()},
            "subject": subject,
            "body": body,
            "name": self.name,
        }
        parts = {
            "url": self.url,
            "params": self.params,
            "json": self.json_data,
            "data": self.form_data,
            "headers": self.headers,
            "cookies": self.cookies,
        }
        filled = {name: _filled(part, known) for name, part in parts.items() if part is not None}
        return {"method": self.method, **filled}


_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def _filled(value: object, known: Mapping[str, str]) -> object:
    """A value with what `{{name}}` stands for in each of its texts, also in keys."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: _known(match[1], known), value)
    if isinstance(value, dict):
        return {_filled(name, known): _filled(each, known) for name, each in value.items()}
    return [_filled(each, known) for each in value] if isinstance(value, list) else value


def _known(name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise ValueError(f"{{{{{name}}}}} stands for nothing: there are {', '.join(sorted(known))}")
    return known[name]


def _safe(text: str) -> str:
    return quote(text, safe="")


def _path(*parts: str) -> str:
    return "/".join(_safe(part) for part in parts if part)


def _query(options: Mapping[str, str | int | bool | Sequence[str] | None]) -> str:
    said = {name: _said(value) for name, value in options.items() if value is not None}
    return urlencode(said, quote_via=quote)


def _said(value: str | int | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int) else ",".join(value)
