"""Blocks that notify people: `SlackWebhook.load("alerts").notify("The nightly run failed", subject="nightly")`."""

from perdure._blocks.notifications import (
    AppriseNotification,
    AppriseNotificationBlock,
    DiscordWebhook,
    MicrosoftTeamsWebhook,
    NotificationBlock,
    SlackWebhook,
)
from perdure._platform.moved import export

__all__ = [
    "AppriseNotification",
    "AppriseNotificationBlock",
    "DiscordWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "SlackWebhook",
]

export(globals())
