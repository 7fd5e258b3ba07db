"""One attempt to deliver an event: an HTTP POST to an address that was checked before, or Apprise."""

import asyncio
import functools
import hashlib
import hmac
import json
import re
import socket
import ssl
from urllib.parse import urlsplit

import httpx

from perdure._blocks.secrets import WrongKeyError, decrypt
from perdure._model.errors import BlockError
from perdure._platform.hosts import is_public
from perdure._rooms.events.port import OF_STATES, Event, Hook

_SIGNED_AT = re.compile(r"t=[0-9]{1,15},")
_SIGNED_SECONDS = 300  # for which a signature stands, either way: clocks differ
SECONDS = 10.0  # that an attempt may take, from connecting to the status


class NotDelivered(Exception):
    """It was not; why."""


def post(hook: Hook, event: Event, delivery_id: str, now: int) -> str:
    """POST an event to a webhook; the answer. `now` is in seconds.

    Raises:
        NotDelivered: it answered with anything but success, did not answer, or is where it may not be.
    """
    url = httpx.URL(_revealed(hook.url, hook_context(hook.id, "url")))
    body = event.payload.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "perdure",
        "Host": url.netloc.decode(),
        "Perdure-Event": event.kind,
        "Perdure-Delivery": delivery_id,
    }
    if hook.secret is not None:
        headers["Perdure-Signature"] = signature(_revealed(hook.secret, hook_context(hook.id, "secret")), now, body)
    address = _address(url, hook.private)
    try:
        status = asyncio.run(_status_of(url, address, headers, body))
    except TimeoutError:
        raise NotDelivered(f"It did not answer within {SECONDS:g} s.") from None
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
        asyncio.timeout(SECONDS),  # of all of it: one that sends a byte now and then takes no longer
        httpx.AsyncClient(trust_env=False, timeout=SECONDS, follow_redirects=False, verify=_certificates()) as client,
        client.stream(
            "POST", url.copy_with(host=address), content=body, headers=headers, extensions={"sni_hostname": url.host}
        ) as response,
    ):
        return response.status_code


@functools.cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def signature(secret: str, time: int, body: bytes) -> str:
    """What shows a receiver that a body is ours, and when it was sent: `t=SECONDS,v1=HMAC-SHA256 of SECONDS.BODY`."""
    digest = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time},v1={digest}"


def is_signed(header: str, secret: str, body: bytes, now: int) -> bool:
    """Whether a signature is of a body, and of the last minutes. `now` is in seconds."""
    if not _SIGNED_AT.match(header):
        return False
    time = signed_at(header)
    expected = signature(secret, time, body)
    return abs(now - time) <= _SIGNED_SECONDS and hmac.compare_digest(header.encode(), expected.encode())


def signed_at(header: str) -> int:
    """When something was signed, in seconds, as its signature says."""
    return int(header[2:].partition(",")[0])


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


def notify(hook: Hook, event: Event, delivery_id: str, _: int) -> str:
    """Send an event by Apprise.

    Raises:
        NotDelivered: it could not.
    """
    try:
        import apprise
    except ImportError:
        raise NotDelivered("The server has no package apprise. Install perdure[notifications].") from None
    title, body = _message(event, delivery_id)
    sender = apprise.Apprise()
    if not sender.add(_revealed(hook.url, hook_context(hook.id, "url"))):
        raise NotDelivered("Apprise does not know such a URL.")
    if not sender.notify(title=title, body=body):
        raise NotDelivered("Apprise could not send it; its log has the reason.")
    return "sent"


def _message(event: Event, delivery_id: str) -> tuple[str, str]:
    """What people are notified of: a title and a text."""
    content = json.loads(event.payload)
    run, state, payload = content["run"], content["state"], content.get("payload") or {}
    end = f"{content['time']}, delivery {delivery_id}"
    if not event.kind.startswith(OF_STATES):  # a program's, or an automation's, which says both
        title = payload.get("subject") or f"{event.kind}: {next(iter(content['resource'].values()), '')}"
        body = payload.get("body") if "body" in payload else json.dumps(payload, ensure_ascii=False)
        return str(title), f"{body}\n{end}"
    what = "Task run" if event.kind.startswith("task") else "Flow run"
    title = f"{what} {run['name']!r} of {run['task_name'] or run['flow_name']!r}: {event.kind.partition('.')[2]}"
    return title, f"{state['name']}: {state['message'] or ''}\n{run['id']}, {end}"


def shown_url(url: str) -> str:
    """A URL for people: without users, passwords and queries; of paths, which often hold tokens, the beginning."""
    parts = urlsplit(url)
    path = parts.path if len(parts.path) <= 8 else parts.path[:8] + "…"
    return f"{parts.scheme}://{parts.hostname or ''}{'' if parts.port is None else f':{parts.port}'}{path}"


def hook_context(id: str, field: str) -> str:
    """What a hook's secret is bound to."""
    return f"hook {id} {field}"


def _revealed(secret: str, context: str) -> str:
    try:
        return decrypt(secret, context).decode()
    except (WrongKeyError, BlockError):
        raise NotDelivered("The server's PERDURE_SECRETS_KEY is not the one with which the hook was created.") from None
