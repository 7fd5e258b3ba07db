__all__ = [
    "AppriseNotification",
    "AppriseNotificationBlock",
    "CustomWebhookNotificationBlock",
    "DiscordWebhook",
    "MattermostWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "SlackWebhook",
    "TwilioSMS",
]

class AppriseNotification(_AtUrl, NotificationBlock):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    block_type = 'apprise-notification'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    url: SecretStr

from perdure.blocks.notifications import AppriseNotification as AppriseNotificationBlock

class CustomWebhookNotificationBlock(_Sender):
    allow_private_urls: bool
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    block_type = 'custom-webhook'
    cookies: dict[str, str] | None = None
    form_data: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    json_data: dict[str, JsonValue] | None = None
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    method: Literal['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] = 'POST'
    name: str
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    params: dict[str, str] | None = None
    secrets: SecretDict = Field(default_factory=lambda: SecretDict({}))
    timeout: float = Field(default=10, gt=0, description='Seconds.')
    url: str

class DiscordWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'discord-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

class MattermostWebhook(_ByApprise):
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    block_type = 'mattermost-webhook'
    botname: str | None = None
    channels: list[str] | None = None
    hostname: str
    include_image: bool = False
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    notify_type: str
    path: str | None = None
    port: int = 8065
    token: SecretStr

class MicrosoftTeamsWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'ms-teams-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

from perdure.blocks.abstract import NotificationBlock as NotificationBlock

class OpsgenieWebhook(_ByApprise):
    alias: str | None = None
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    apikey: SecretStr
    batch: bool = False
    block_type = 'opsgenie-webhook'
    details: dict[str, str] | None = None
    entity: str | None = None
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    notify_type: str
    priority: str | int | None
    region_name: Literal['us', 'eu'] = 'us'
    tags: list[str] | None = None
    target_escalation: list[str] | None = None
    target_schedule: list[str] | None = None
    target_team: list[str] | None = None
    target_user: list[str] | None = None

class PagerDutyWebHook(_ByApprise):
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    api_key: SecretStr
    block_type = 'pager-duty-webhook'
    class_id: str | None = None
    clickable_url: str | None = None
    component: str | None = 'Notification'
    custom_details: dict[str, str] | None = None
    group: str | None = None
    include_image: bool = True
    integration_key: SecretStr
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    notify_type: str
    region_name: Literal['us', 'eu'] = 'us'
    source: str | None = 'Perdure'

class SendgridEmail(_ByApprise):
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    api_key: SecretStr
    block_type = 'sendgrid-email'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    notify_type: str
    sender_email: str
    to_emails: list[str] = Field(min_length=1)

class SlackWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'slack-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

class TwilioSMS(_ByApprise):
    account_sid: str
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    auth_token: SecretStr
    block_type = 'twilio-sms'
    from_phone_number: str
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    notify_type: str
    to_phone_numbers: list[str] = Field(min_length=1)
