"""A block for a URL that is called."""

from typing import Any, Literal

from pydantic import Field, SecretStr

from perdure._blocks.calling import SECONDS, _AtUrl
from perdure._model.colour import caller_is_async
from perdure._platform.threads import in_thread

__all__ = ["Webhook"]


class Webhook(_AtUrl):
    """A URL, with what it is called by: `Webhook.load("deploy").call({"version": "1.2"})`."""

    block_type = "webhook"

    url: SecretStr = Field(description="With http:// or https://; it may hold a token, so it is kept as a secret.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=SECONDS, gt=0)

    def call(self, payload: object = None) -> Any:
        """Call the URL with a payload, sent as JSON; the `httpx.Response`, whatever its status. In coroutines awaited.

        Raises:
            httpx.TransportError: there was no answer.
            HookError: the URL is none, or it leads to an address that is not public, and may not.
        """
        return self.acall(payload) if caller_is_async() else self._call(payload)

    async def acall(self, payload: object = None) -> Any:
        """`call`, in another thread."""
        return await in_thread(self._call, payload)

    def _call(self, payload: object) -> Any:
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        return self._request(self.method, payload, headers, self.timeout_seconds)
