"""URLs that blocks hold and call, and that may be kept to public addresses."""

import socket
from typing import Any

from pydantic import SecretStr

from perdure._blocks.block import Block
from perdure._model.errors import HookError
from perdure._platform.public_addresses import is_public

_PUBLIC = "public+"  # before the scheme of a URL that may lead to public addresses only; no field of its own: the
# digests of webhooks that were saved and cached before are those of the fields
SECONDS = 30.0  # until a call counts as failed


class _AtUrl(Block):
    """A block with the URL of a service."""

    url: SecretStr

    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None:
        """A block of the fields; without `allow_private_urls` it calls public addresses only."""
        url = fields.get("url")
        if not allow_private_urls and url is not None:
            text = url.get_secret_value() if isinstance(url, SecretStr) else str(url)
            fields["url"] = _PUBLIC + text.removeprefix(_PUBLIC)
        super().__init__(**fields)

    @property
    def allow_private_urls(self) -> bool:
        """Whether the URL may be at an address that is not public."""
        return not self.url.get_secret_value().startswith(_PUBLIC)

    def _request(self, method: str, payload: object, headers: dict[str, str], timeout: float) -> Any:
        import httpx  # programs that call nothing do not pay for it

        url = checked(self._address())
        extensions: dict[str, str] = {}
        if not self.allow_private_urls:
            url, host, extensions = at_public_address(url)
            headers = headers | host
        with httpx.Client(timeout=timeout, trust_env=self.allow_private_urls) as client:
            return client.request(method, url, json=payload, headers=headers, extensions=extensions)

    def _address(self) -> str:
        return self.url.get_secret_value().removeprefix(_PUBLIC)


def checked(text: str) -> Any:
    """The URL that a text is, as httpx has it.

    Raises:
        HookError: it is none, or has another scheme than HTTP's.
    """
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


def at_public_address(url: Any) -> tuple[Any, dict[str, str], dict[str, str]]:
    """The URL with the public address of its host, and the headers and extensions of httpx by which the host is called.

    It is the very address that was looked at: the name may stand for another one by then.

    Raises:
        HookError: the host is at an address that is not public, or at none.
    """
    return (
        url.copy_with(host=_public_address(url)),
        {"Host": url.netloc.decode()},
        {"sni_hostname": url.host},
    )


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
