"""Blocks that notify people: `SlackWebhook.load("alerts").notify("The nightly run failed", subject="nightly")`."""

from perdure._blocks.notifications import (
    AppriseNotification,
    AppriseNotificationBlock,
    DiscordWebhook,
    MicrosoftTeamsWebhook,
    NotificationBlock,
    SlackWebhook,
)
from perdure._blocks.services import (
    CustomWebhookNotificationBlock,
    MattermostWebhook,
    OpsgenieWebhook,
    PagerDutyWebHook,
    SendgridEmail,
    TwilioSMS,
)
from perdure._platform.moved import export

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

export(globals())
