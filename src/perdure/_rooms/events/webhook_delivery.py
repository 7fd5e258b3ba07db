"""One attempt to POST an event to a webhook, at an address that was checked before.

What tries again is `_server.services.deliveries`. A module of its own, which is imported when something is to be sent:
httpx takes a tenth of a server's start.
"""

import asyncio
import functools
import socket
import ssl

import httpx

from perdure._platform.public_addresses import is_public
from perdure._rooms.events import notification_delivery
from perdure._rooms.events.event_signatures import signature
from perdure._rooms.events.notification_delivery import NotDelivered, hook_context, revealed
from perdure._rooms.events.port import Event, Hook


def post(hook: Hook, event: Event, delivery_id: str, now: int) -> str:
    """POST an event to a webhook; the answer. `now` is in seconds.

    Raises:
        NotDelivered: it answered with anything but success, did not answer, or is where it may not be.
    """
    url = httpx.URL(revealed(hook.url, hook_context(hook.id, "url")))
    body = event.payload.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "perdure",
        "Host": url.netloc.decode(),
        "Perdure-Event": event.kind,
        "Perdure-Delivery": delivery_id,
    }
    if hook.secret is not None:
        headers["Perdure-Signature"] = signature(revealed(hook.secret, hook_context(hook.id, "secret")), now, body)
    address = _address(url, hook.private)
    try:
        status = asyncio.run(_status_of(url, address, headers, body))
    except TimeoutError:
        raise NotDelivered(f"It did not answer within {notification_delivery.SECONDS:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}"[:500]) from None
    if 300 <= status < 400:
        raise NotDelivered(f"HTTP {status}: redirects are not followed; give the URL that it leads to.")
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}")
    return f"HTTP {status}"


async def _status_of(url: httpx.URL, address: str, headers: dict[str, str], body: bytes) -> int:
    """POST to the very address that was looked at: a name may stand for another one by then."""
    async with (
        # Of all of it: one that sends a byte now and then takes no longer.
        asyncio.timeout(notification_delivery.SECONDS),
        httpx.AsyncClient(
            trust_env=False, timeout=notification_delivery.SECONDS, follow_redirects=False, verify=_certificates()
        ) as client,
        client.stream(
            "POST", url.copy_with(host=address), content=body, headers=headers, extensions={"sni_hostname": url.host}
        ) as response,
    ):
        return response.status_code


@functools.cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _address(url: httpx.URL, private: bool) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotDelivered(
            f"The host {url.host} cannot be found: {getattr(error, 'strerror', None) or error}"
        ) from None
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    if not private and not all(map(is_public, addresses)):
        raise NotDelivered(
            f"{url.host} has an address that is not public. Make the webhook with --private to allow it."
        )
    return addresses[0]


def is_url(url: str) -> bool:
    """Whether it can be sent to."""
    try:
        httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return True


def raw_host(host: str) -> str:
    """A host's name as it is looked up: in ASCII."""
    return httpx.URL(f"http://{host}/").raw_host.decode()
