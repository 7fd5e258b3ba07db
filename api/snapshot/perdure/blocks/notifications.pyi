__all__ = [
    "AppriseNotification",
    "DiscordWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "SlackWebhook",
]

class AppriseNotification(NotificationBlock):
    block_type = 'apprise-notification'

class DiscordWebhook(_Posted):
    block_type = 'discord-webhook'

class MicrosoftTeamsWebhook(_Posted):
    block_type = 'ms-teams-webhook'

class NotificationBlock(Block):
    async def anotify(self, body: str, subject: str | None = None) -> None: ...
    def notify(self, body: str, subject: str | None = None) -> Any: ...
    url: SecretStr

class SlackWebhook(_Posted):
    block_type = 'slack-webhook'
