"""Who asks, and whether they may: tokens, sessions of the page, and the scope that each route needs.

What each scope allows is in `_rooms.tokens.records.Scope`.
"""

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from anyio import to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser

from perdure._platform.clock import system_clock
from perdure._platform.named import NamedTuple
from perdure._rooms.tokens.records import Scope, Token
from perdure._rooms.tokens.store import Tokens, digest_of

F = TypeVar("F", bound=Callable[..., object])
COOKIE = "perdure_session"
CSRF_HEADER = "X-CSRF-Token"
READING = ("GET", "HEAD", "OPTIONS")
PUBLIC = frozenset({"/api/health", "/api/ready"})  # they say nothing but that the server works
LOGIN = "/api/session"
EVENTS = "/api/events"
SIGNATURE_HEADER = "perdure-signature"
_SIGNED = re.compile(r"/api/results/[^/]+/value")  # a link's signature, which the route checks, stands for a token
_REMEMBERED_SECONDS = 0.8  # for so long a revoked token may still be let in
_MOST = 10_000  # tokens that are remembered


class Caller(NamedTuple):
    """Who asks. Without authentication, everyone is an administrator without a token."""

    scope: Scope
    token: Token | None = None
    csrf: str | None = None  # of a session: what its changing requests must say


ANYONE = Caller(Scope.ADMIN)


def needs(scope: Scope) -> Callable[[F], F]:
    """Have a route ask for a scope. Routes that read ask for `read` by themselves; others without one, for `admin`."""

    def declare(endpoint: F) -> F:
        endpoint.__perdure_scope__ = scope  # type: ignore[attr-defined]
        return endpoint

    return declare


def declared(endpoint: object) -> Scope | None:
    """The scope that a route was declared to need."""
    found: Scope | None = getattr(endpoint, "__perdure_scope__", None)
    return found


def needed(endpoint: object, method: str) -> Scope:
    """The scope that a route asks for."""
    return declared(endpoint) or (Scope.READ if method in READING else Scope.ADMIN)


def is_of_api(path: str) -> bool:
    """Whether a path is of the API; all others are the page's."""
    return path == "/api" or path.startswith("/api/")


def is_public(path: str) -> bool:
    """Whether a path is served without a token. The page is: it holds nothing until its visitor signs in."""
    return path in PUBLIC or not is_of_api(path) or _SIGNED.fullmatch(path) is not None


def is_signed_event(scope: Any) -> bool:
    """Whether a request brings an event with a signature, which the route checks, in place of a token."""
    return scope["path"] == EVENTS and scope["method"] == "POST" and SIGNATURE_HEADER in Headers(scope=scope)


def caller_of(request: Request) -> Caller:
    """Who sent a request."""
    found: Caller = request.scope["perdure.caller"]
    return found


async def authorise(request: Request, _: object = Depends(HTTPBearer(auto_error=False, scheme_name="token"))) -> None:
    """Refuse a request whose caller's scope does not allow what its route does. Each route depends on this."""
    path = request.scope["path"]
    if is_public(path) or path == LOGIN:
        return
    scope, asked = caller_of(request).scope, needed(request.scope.get("endpoint"), request.method)
    if not scope.allows(asked):
        raise HTTPException(
            HTTPStatus.FORBIDDEN, f"This needs the scope {asked.value!r}; the token has {scope.value!r}."
        )


class Gate:
    """Finds out who asks, by the token in `Authorization: Bearer` or in the session's cookie."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()  # by digest: no token stays in memory

    def remembered(self, text: str) -> Caller | None:
        """Who has a token, if it was asked for a moment ago."""
        caller, since = self._known.get(digest_of(text), (None, 0.0))
        return caller if caller is not None and self._clock() - since < _REMEMBERED_SECONDS else None

    async def find(self, text: str) -> Caller | None:
        """Who has a live token, as the database says."""
        token = await to_thread.run_sync(self._tokens.find, text, system_clock())
        if token is None:
            self._known.pop(digest_of(text), None)
            return None
        caller = Caller(token.scope, token, csrf_of(text) if token.parent_id else None)
        self._known[token.digest] = (caller, self._clock())
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return caller

    def forget(self) -> None:
        """Ask the database anew for everyone: some token, or session, was revoked here."""
        self._known.clear()


def credentials(headers: Headers) -> tuple[str, bool] | None:
    """The token that a request came with, and whether it came in the cookie, which browsers send by themselves."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and text:
        return text.strip(), False
    if cookie := cookie_parser(headers.get("cookie", "")).get(COOKIE):
        return cookie, True
    return None


def csrf_of(session: str) -> str:
    """What a page says to show that it can read what belongs to a session, and so is ours."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()
