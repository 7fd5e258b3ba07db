"""Where a client's server is, and how it is spoken to."""

from typing import Any

import httpx

from perdure._client.requests import Lost
from perdure._model.errors import SettingError
from perdure._platform.version import VERSION
from perdure._settings import settings

# Seconds. The server says at least every 15 of them that it is there, where there is nothing else to say.
LISTENING = httpx.Timeout(10.0, read=45.0)
OPTIONS: dict[str, Any] = {"timeout": httpx.Timeout(60.0, connect=5.0)}


def address(url: str | None) -> str:
    """The server's address: the given one, or that of the settings.

    Raises:
        SettingError: there is none, or it is no address.
    """
    chosen = settings.current().api_url if url is None else url
    if chosen is None:
        raise SettingError(
            'No server address is set. Pass one, as in Client("http://127.0.0.1:4747"), or set PERDURE_API_URL.'
        )
    if not chosen.startswith(("http://", "https://")):
        raise SettingError(f"{chosen!r} is no server's address. One begins with http:// or https://.")
    return chosen


def headers_of(url: str | None, token: str | None) -> dict[str, str]:
    """The headers of each request. The token of the settings goes to no other server than theirs."""
    if token is None and url is None:
        kept = settings.current().api_token
        token = None if kept is None else kept.reveal()
    said = {"User-Agent": f"perdure/{VERSION}"}
    return said if token is None else said | {"Authorization": f"Bearer {token}"}


def lost(error: httpx.TransportError) -> Lost:
    """What became of a request that had no answer."""
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Lost(str(error) or type(error).__name__, was_sent=not never_sent)
