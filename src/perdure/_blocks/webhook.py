"""A block for a URL that is called."""

import socket
from typing import Any, Literal

from pydantic import Field, SecretStr

from perdure._blocks.block import Block
from perdure._model.colour import caller_is_async
from perdure._model.errors import HookError
from perdure._platform.hosts import is_public

__all__ = ["Webhook"]

_PUBLIC = "public+"  # before the scheme of a URL that may lead to public addresses only; no field of its own: the
# digests of webhooks that were saved and cached before are those of the fields
_SECONDS = 30.0  # until a call counts as failed


class Webhook(Block):
    """A URL, with what it is called by: `Webhook.load("deploy").call({"version": "1.2"})`."""

    block_type = "webhook"

    url: SecretStr = Field(description="With http:// or https://; it may hold a token, so it is kept as a secret.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=_SECONDS, gt=0)

    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None:
        """A webhook of the fields; without `allow_private_urls` it calls public addresses only."""
        url = fields.get("url")
        if not allow_private_urls and url is not None:
            text = url.get_secret_value() if isinstance(url, SecretStr) else str(url)
            fields["url"] = _PUBLIC + text.removeprefix(_PUBLIC)
        super().__init__(**fields)

    @property
    def allow_private_urls(self) -> bool:
        """Whether it may be at an address that is not public."""
        return not self.url.get_secret_value().startswith(_PUBLIC)

    def call(self, payload: object = None) -> Any:
        """Call the URL with a payload, sent as JSON; the `httpx.Response`, whatever its status. In coroutines awaited.

        Raises:
            httpx.TransportError: there was no answer.
            HookError: the URL is none, or it leads to an address that is not public, and may not.
        """
        return self.acall(payload) if caller_is_async() else self._call(payload)

    async def acall(self, payload: object = None) -> Any:
        """`call`, in another thread."""
        import asyncio  # programs without a loop do not pay for it

        return await asyncio.to_thread(self._call, payload)

    def _call(self, payload: object) -> Any:
        import httpx  # programs that call nothing do not pay for it

        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        url, extensions = _url(self.url.get_secret_value().removeprefix(_PUBLIC)), {}
        if not self.allow_private_urls:
            # The very address that was looked at: the name may stand for another one by then.
            address, host = _public_address(url), url.host
            headers |= {"Host": url.netloc.decode()}
            url, extensions = url.copy_with(host=address), {"sni_hostname": host}
        with httpx.Client(timeout=self.timeout_seconds, trust_env=self.allow_private_urls) as client:
            return client.request(self.method, url, json=payload, headers=headers, extensions=extensions)


def _url(text: str) -> Any:
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise HookError("What the webhook has is not a valid URL. Write https://HOST/PATH.") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise HookError(
            f"What the webhook has is not a valid URL: only HTTP and HTTPS are called, and not {url.scheme!r}."
            " Write https://HOST/PATH."
        )
    return url


def _public_address(url: Any) -> str:
    try:
        found = socket.getaddrinfo(url.host, url.port or url.scheme, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HookError(f"{url.host!r} is not a valid URL's host: it does not resolve to an address.") from None
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    if not all(map(is_public, addresses)):
        raise HookError(
            f"{url.host!r} is not a valid URL's host for this webhook: it is at a private address. Set"
            " allow_private_urls=True to call it."
        )
    return addresses[0]
