"""What stands before the application: each request is checked, limited, timed and logged here, whatever its route."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure._http.authorisation import (
    ANYONE,
    CSRF_HEADER,
    LOGIN,
    READING,
    Caller,
    Gate,
    credentials,
    is_of_api,
    is_public,
    is_signed_event,
)
from perdure._http.config import ServerConfig
from perdure._http.errors import answer, answer_of
from perdure._http.streams import Streams
from perdure._model.errors import PerdureError, SettingError
from perdure._server.access_log import AccessLogEntry, log_failure, log_request
from perdure._server.addresses import came_encrypted, client_address, networks
from perdure._server.host_and_origin import refused_host, refused_origin
from perdure._server.request_bodies import Bodies
from perdure._server.request_limits import Rates
from perdure._server.web_page import POLICY

Answered = Callable[[str | None, int], None]  # takes the route and the status
Spans = Callable[[str, Mapping[str, str]], AbstractContextManager[Answered]]
METRICS = "/api/metrics"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PAGE_POLICY = POLICY.format(styles="")
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CLOSING = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE)
_REFUSED = HTTPStatus.UNAUTHORIZED
_SLOW = "The answer took longer than {:g} seconds. What it was to do may still be done: ask, or ask again."


class Guard:
    """The application behind what holds for all of its requests."""

    def __init__(
        self,
        app: ASGIApp,
        config: ServerConfig,
        gate: Gate,
        streams: Streams,
        observe: Callable[[AccessLogEntry], None],
    ) -> None:
        self.app = app
        self._config = config
        self._gate = gate
        self._streams = streams
        self._observe = observe
        self._span = _traced() if config.traced else _untraced
        self._requests = Rates(config.request_rate)
        self._failures = Rates(config.failure_rate)
        self._bodies = Bodies(config)
        self._proxies = networks(config.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Websockets are not spoken here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        peer, port = scope.get("client") or ("", 0)
        if came_encrypted(peer, exchange.headers, self._proxies):
            scope["scheme"] = "https"
        scope["client"] = (client_address(peer, exchange.headers, self._proxies), port)
        with self._span(scope["method"], exchange.headers) as answered:
            try:
                await self._serve(exchange, scope, receive)
            except Exception as error:
                await self._fail(exchange, scope, receive, error)
            finally:
                entry = exchange.entry()
                answered(entry.route, entry.status)
                self._observe(entry)
                log_request(entry, everything=self._config.log_requests)

    async def _serve(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> None:
        try:
            async with asyncio.timeout(self._config.request_seconds) as limit, AsyncExitStack() as held:

                def streaming() -> None:
                    limit.reschedule(None)
                    self._streams.began(exchange)

                exchange.streaming = streaming
                refused = await self._admit(exchange, scope)
                if refused is None:
                    receive = await self._bodies.taken(scope, receive, self._is_public(scope), held)
                    with self._streams.ending_early(exchange):
                        await self.app(scope, receive, exchange.send)
                    if exchange.is_stream and not exchange.ended:
                        await exchange.send({"type": "http.response.body", "body": b""})
                else:
                    await refused(scope, receive, exchange.send)
        except TimeoutError:
            if exchange.status is None:
                await answer(HTTPStatus.SERVICE_UNAVAILABLE, "TooSlow", _SLOW.format(self._config.request_seconds))(
                    scope, receive, exchange.send
                )
            else:
                raise

    async def _fail(self, exchange: "_Exchange", scope: Scope, receive: Receive, error: Exception) -> None:
        if isinstance(error, HTTPException) and exchange.status is None:
            response = answer(error.status_code, _kind(error.status_code), str(error.detail))
            await response(scope, receive, exchange.send)
            return
        if isinstance(error, PerdureError) and exchange.status is None:
            await answer_of(error)(scope, receive, exchange.send)
            return
        log_failure(exchange.id, error)
        if exchange.status is not None:
            raise error
        message = f"The server failed; its log has the reason under the request's id, {exchange.id}."
        await answer(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)(scope, receive, exchange.send)

    async def _admit(self, exchange: "_Exchange", scope: Scope) -> Response | None:
        """The answer to a request that is not let in, or None."""
        headers = exchange.headers
        if sum(len(name) + len(value) for name, value in headers.raw) > self._config.max_headers:
            return _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large.")
        bound = (scope.get("server") or ("",))[0]
        if (why := refused_host(headers, bound, self._config)) is not None:
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, why)
        if (why := refused_origin(headers, self._config)) is not None:
            return _refusal(HTTPStatus.FORBIDDEN, why)
        address = scope["client"][0]
        caller = await self._caller(headers, scope, address)
        if isinstance(caller, Response):
            return caller
        scope["perdure.caller"] = exchange.caller = caller
        if not self._requests.take(caller.token.id if caller.token else address):
            return _too_many("This client asks too often.")
        return None

    async def _caller(self, headers: Headers, scope: Scope, address: str) -> Caller | Response:
        if not self._config.authenticated or self._is_public(scope):
            return ANYONE
        found = credentials(headers)
        if found is None:
            return _refusal(_REFUSED, "This needs a token: send `Authorization: Bearer TOKEN`.")
        text, in_cookie = found
        # The token comes first: others' wrong ones, from the same address, refuse nobody who has a right one.
        caller = self._gate.remembered(text) or await self._gate.find(text)
        if caller is None:
            if not self._failures.take(address):
                return _too_many("Too many wrong tokens came from this address.")
            return _refusal(_REFUSED, "The token is not known here, has expired or was revoked.")
        if (caller.csrf is not None) != in_cookie:  # a session's secret is no token, nor the other way round
            return _refusal(_REFUSED, "Send a session's cookie, or a token in the header; not both.")
        if caller.csrf is not None and scope["method"] not in READING:
            said = headers.get(CSRF_HEADER, "")
            if not secrets.compare_digest(said.encode(), caller.csrf.encode()):
                return _refusal(
                    HTTPStatus.FORBIDDEN, f"To change anything, a page must send the session's {CSRF_HEADER}."
                )
        return caller

    def _is_public(self, scope: Scope) -> bool:
        path = scope["path"]
        if path == METRICS:
            return self._config.public_metrics
        return is_public(path) or (path == LOGIN and scope["method"] == "POST") or is_signed_event(scope)


def _traced() -> Spans:
    try:
        from perdure._run.tracing import request_span
    except ImportError:
        raise SettingError("Requests are to be traced. Install perdure[opentelemetry].") from None
    return request_span


def _untraced(_: str, __: Mapping[str, str]) -> AbstractContextManager[Answered]:
    return nullcontext(lambda _route, _status: None)


class _Exchange:
    """One request and its answer, as far as it is known."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.headers = Headers(scope=scope)
        said = self.headers.get("x-request-id", "")
        self.id = said if _REQUEST_ID.fullmatch(said) else secrets.token_hex(8)
        self.caller: Caller | None = None
        self.status: int | None = None
        self.is_stream = False
        self.ended = False
        self.streaming: Callable[[], None] = lambda: None
        self._send = send
        self._began = time.perf_counter()

    @property
    def token_id(self) -> str | None:
        """Of the token, or session, that the request came with."""
        return self.caller.token.id if self.caller is not None and self.caller.token is not None else None

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, with the headers that each one has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._add_headers(MutableHeaders(raw=message["headers"]))
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        in_api = is_of_api(self.scope["path"])
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", _API_POLICY if in_api else _PAGE_POLICY)
        if in_api:
            headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-ID"] = self.id
        if self.status in _CLOSING:
            headers["Connection"] = "close"  # the rest of the body is not waited for
        if headers.get("content-type", "").startswith("text/event-stream"):
            self.is_stream = True
            self.streaming()

    def entry(self) -> AccessLogEntry:
        """Its entry in the access log: nothing that a client chose but its id, and no text of a token."""
        token = self.caller.token if self.caller else None
        client = self.scope.get("client")
        return AccessLogEntry(
            request_id=self.id,
            method=self.scope["method"],
            route=_route(self.scope),
            status=self.status or 0,
            seconds=time.perf_counter() - self._began,
            token=token.shown if token else None,
            address=client[0] if client else None,
            is_stream=self.is_stream,
        )


def _route(scope: Scope) -> str | None:
    """The route's path with the names of its parameters for their values; None if no route was found."""
    path: str = scope["path"]
    if "endpoint" not in scope:
        return None
    end = len(path)
    for name, value in reversed((scope.get("path_params") or {}).items()):
        at = path.rfind(f"/{value}", 0, end)
        if at >= 0:
            path, end = f"{path[:at]}/{{{name}}}{path[at + 1 + len(str(value)) :]}", at
    return path


def _kind(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _refusal(status: HTTPStatus, why: str) -> Response:
    response = answer(status, _kind(status), why)
    if status == _REFUSED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _too_many(why: str) -> Response:
    response = _refusal(HTTPStatus.TOO_MANY_REQUESTS, why)
    response.headers["Retry-After"] = "1"
    return response
