__all__ = [
    "SlackCredentials",
    "SlackWebhook",
    "send_chat_message",
    "send_incoming_webhook_message",
]

class SlackCredentials(Block):
    api_url: str = 'https://slack.com/api'
    block_type = 'slack-credentials'
    def get_client(self) -> Any: ...
    token: SecretStr

from perdure.blocks.notifications import SlackWebhook as SlackWebhook

async def send_chat_message(
    channel: str,
    slack_credentials: SlackCredentials,
    text: str | None = None,
    attachments: Parts = None,
    slack_blocks: Parts = None,
) -> dict[str, Any]: ...

async def send_incoming_webhook_message(
    slack_webhook: SlackWebhook,
    text: str | None = None,
    attachments: Parts = None,
    slack_blocks: Parts = None,
) -> None: ...
