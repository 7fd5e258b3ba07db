__all__ = [
    "AppriseNotification",
    "AppriseNotificationBlock",
    "DiscordWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "SlackWebhook",
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

class DiscordWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'discord-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

class MicrosoftTeamsWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'ms-teams-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

from perdure.blocks.abstract import NotificationBlock as NotificationBlock

class SlackWebhook(AppriseNotification):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'slack-webhook'
    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...
