"""A block for a URL that is called."""

from typing import Any, Literal

from pydantic import Field, SecretStr

from perdure.blocks.block import Block

__all__ = ["Webhook"]

_SECONDS = 30.0  # until a call counts as failed


class Webhook(Block):
    """A URL, with what it is called by: `Webhook.load("deploy").call({"version": "1.2"})`."""

    block_type = "webhook"

    url: SecretStr = Field(description="With http:// or https://; it may hold a token, so it is kept as a secret.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=_SECONDS, gt=0)

    def call(self, payload: Any = None) -> Any:
        """Call the URL with a payload, sent as JSON; the `httpx.Response`, whatever its status.

        Raises:
            httpx.TransportError: there was no answer.
        """
        import httpx  # programs that call nothing do not pay for it

        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        return httpx.request(
            self.method,
            self.url.get_secret_value(),
            json=payload,
            headers=headers,
            timeout=self.timeout_seconds,
        )

    async def acall(self, payload: Any = None) -> Any:
        """`call`, in another thread."""
        import asyncio  # programs without a loop do not pay for it

        return await asyncio.to_thread(self.call, payload)
