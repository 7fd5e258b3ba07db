"""Whom a request was meant for, and which page sent it: pages of other sites must not have a browser talk to us.

A name that an attacker owns may be made to lead to this machine (DNS rebinding); the browser then takes their page and
this server for the same site. But it still says that name, in `Host`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from perdure._http.config import ServerConfig


def refused_host(headers: Mapping[str, str], bound: str, config: ServerConfig) -> str | None:
    """What is wrong with the host that a request names; None if nothing is. `bound` is the address that took it."""
    named = headers.get("host", "")
    if _name(named) in {"localhost", config.host, bound, *config.allowed_hosts}:
        return None
    return f"This server does not go by the name {named[:200]!r}. Start it with --allow-host to have it do so."


def refused_origin(headers: Mapping[str, str], config: ServerConfig) -> str | None:
    """What is wrong with the page that sent a request; None if nothing is, or no page did."""
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return "A page of another site sent this request."
        return None
    if origin in config.allowed_origins or _is_same(origin, headers.get("host", "")):
        return None
    return f"The page is of another site, {origin[:200]!r}. Start the server with --allow-origin to have it let in."


def _is_same(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place != "" and place.lower() == host.lower()


def _name(host: str) -> str | None:
    """The name or address in `name:port`, without the brackets of an IPv6 address."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
