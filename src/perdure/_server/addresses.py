"""The address that a request comes from, and how it came, where proxies that are trusted stand between."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers

from perdure._model.errors import SettingError

Network = IPv4Network | IPv6Network


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The networks that addresses such as 10.0.0.7 and 10.0.0.0/8 stand for.

    Raises:
        SettingError: one is neither.
    """
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise SettingError(f"--trusted-proxy takes an address or a network such as 10.0.0.0/8: {error}.") from None


def client_address(peer: str, headers: Headers, trusted: tuple[Network, ...]) -> str:
    """Who sent a request: the peer, or who a trusted one says it passes on for, as far as those are trusted, too.

    Proxies append to `X-Forwarded-For`: what stands left of the first address that is not a trusted proxy's was written
    by whoever has that address, and counts for nothing.
    """
    if not trusted:
        return peer
    address = peer
    said = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
    while said and _is_in(address, trusted):
        before = said.pop()
        if not _is_address(before):
            break
        address = before
    return address


def came_encrypted(peer: str, headers: Headers, trusted: tuple[Network, ...]) -> bool:
    """Whether a trusted peer says that the request came to it by HTTPS."""
    said = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip()
    return said.lower() == "https" and _is_in(peer, trusted)


def _is_in(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
