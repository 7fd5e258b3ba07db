"""Making hooks: which URLs and which kinds of events there are."""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from perdure._blocks.secrets import encrypt
from perdure._model.errors import HookError
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._platform.public_addresses import is_public
from perdure._platform.suggest import nearest
from perdure._rooms.events.notification_delivery import hook_context, shown_url
from perdure._rooms.events.port import OF_STATES, Hook

STATES = ("scheduled", "pending", "running", "completed", "failed", "crashed", "cancelling", "cancelled", "paused")
KINDS = {f"flow-run.{each}" for each in (*STATES, "late", "stuck")} | {"task-run.failed", "task-run.crashed"}
# Numbers are addresses, also in the old ways to write them, which libraries read in different ways.
_NUMBERS = re.compile(r".*:.*|(?:.*\.)?(?:0[xX][0-9a-fA-F]*|[0-9]+)\.?")
_NAME = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?", re.ASCII)
_KIND = re.compile(r"(flow-run|task-run)\.\*|\*")
_EMITTED = re.compile(r"[^\s*,\x00-\x1f.]+(\.[^\s*,\x00-\x1f.]+)*(\.\*)?")


def webhook(url: str, secret: str | None, kinds: Sequence[str], flow: str | None, private: bool) -> Hook:
    """A webhook, to be kept.

    Raises:
        HookError: the URL is none for it, or there is no such kind of event.
    """
    from perdure._rooms.events.webhook_delivery import is_url  # imports httpx

    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password)
        is_fit = is_fit and (parts.port or 1) > 0 and is_url(url)
    except ValueError:  # no number for a port, half of an IPv6 address, a host that none can have
        raise HookError("The URL is not valid for a webhook. Write https://HOST/PATH; use --secret to sign.") from None
    if not is_fit:
        raise HookError(f"{shown_url(url)!r} is no URL for a webhook. Write https://HOST/PATH; use --secret to sign.")
    _check_address(str(parts.hostname), private)
    return _hook("webhook", url, shown_url(url), secret, kinds, flow, private)


def _check_address(host: str, private: bool) -> None:
    """Refuse numbers for a host that are no address, or none that the webhook may be at; names are looked up later."""
    from perdure._rooms.events.webhook_delivery import raw_host  # imports httpx

    if not _NUMBERS.fullmatch(host):
        if not _NAME.fullmatch(raw_host(host)):
            raise HookError(f"{host!r} is no name of a host. Write https://HOST/PATH.")
        return
    try:
        is_allowed = is_public(host) or private
    except ValueError:
        raise HookError(
            f"{host!r} is no address. Write it as four numbers, such as 192.0.2.1, or in brackets."
        ) from None
    if not is_allowed:
        raise HookError(f"{host} is an address that is not public. Make the webhook with --private to allow it.")


def notification(url: str, kinds: Sequence[str], flow: str | None) -> Hook:
    """A notification, to be kept.

    Raises:
        HookError: Apprise is not there, does not know the URL, or there is no such kind of event.
    """
    try:
        import apprise
    except ImportError:
        raise HookError("Notifications need the package apprise. Install perdure[notifications].") from None
    if apprise.Apprise.instantiate(url) is None:
        raise HookError(f"Apprise knows no service of the kind {url.partition(':')[0]!r}, or the URL lacks something.")
    return _hook("notification", url, f"{url.partition(':')[0]}://…", None, kinds, flow, private=True)


def _hook(
    way: Literal["webhook", "notification"],
    url: str,
    shown: str,
    secret: str | None,
    kinds: Sequence[str],
    flow: str | None,
    private: bool,
) -> Hook:
    for kind in kinds:
        if kind not in KINDS and not _KIND.fullmatch(kind) and not _is_emitted(kind):
            raise HookError(
                f"{kind!r} is no kind of event. There are {', '.join(sorted(KINDS))}; flow-run.* is all; and those that"
                " programs emit, such as order.shipped."
            )
    id = new_id()
    hidden = None if secret is None else encrypt(secret.encode(), hook_context(id, "secret"))
    chosen = ",".join(dict.fromkeys(kinds))
    return Hook(
        id, way, shown, encrypt(url.encode(), hook_context(id, "url")), hidden, chosen, flow, private, system_clock()
    )


def _is_emitted(kind: str) -> bool:
    """Whether programs may emit events of a kind, or of kinds that begin like it; what is misspelled is not meant."""
    is_misspelled = kind.startswith(("flow", "task")) and bool(nearest(kind, KINDS))
    return _EMITTED.fullmatch(kind) is not None and not kind.startswith(OF_STATES) and not is_misspelled
