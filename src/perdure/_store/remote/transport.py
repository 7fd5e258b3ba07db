"""Requests to a server: one connection pool, answers and errors as Perdure's, and whether the server is there."""

import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import getproxies

import httpx

from perdure._model import errors
from perdure._model.errors import OrchestratorError, OrchestratorUnreachable
from perdure._platform.jitter import random_between
from perdure._platform.version import VERSION
from perdure._store import wire
from perdure._store.remote.spool import Batch

_LOGGER = logging.getLogger("perdure.orchestrator")
_ANSWER, _CONNECT = 60.0, 5.0  # seconds until an answer, since a server may wait for its database, and a connection
_LEAST_CONNECT = 2.0  # seconds: TCP asks a second time after one
_PASSING = frozenset({408, 425, 429, 502, 503, 504})  # statuses that may be others in a while
_COMPRESSED = 1_024  # bytes: shorter bodies are sent as they are
_SOON = httpx.Timeout(3.0, connect=2.0)  # seconds, for what is asked again and again
_UNHEARD = 5_000  # milliseconds for which what was sent may stay without a sign that it arrived
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0  # seconds between two attempts
_UNSAID = 1.5  # seconds of waiting that need no word


class Reach:
    """Whether the server answers; since when it does not, and when it is worth another attempt."""

    def __init__(self, url: str, patience_seconds: float) -> None:
        self._url = url
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self.away_since: float | None = None
        self.was_here = False  # it has answered this process once
        self._pause = _FIRST_PAUSE
        self._next = 0.0

    def is_here(self) -> None:
        """It has answered."""
        self.was_here = True
        if self.away_since is None:
            return
        with self._lock:
            since, self.away_since, self._pause = self.away_since, None, _FIRST_PAUSE
        if since is not None:
            _LOGGER.info("The server %s answers again, after %.1f seconds.", self._url, time.monotonic() - since)

    def is_away(self) -> None:
        """It has not answered."""
        with self._lock:
            now = time.monotonic()
            if self.away_since is None:
                self.away_since = now
            self._next = now + self._pause * random_between(0.5, 1.0)  # many clients do not come at once
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    @property
    def until_next(self) -> float:
        """Seconds until the next attempt."""
        return max(0.0, self._next - time.monotonic()) if self.away_since is not None else 0.0

    @property
    def patience_left(self) -> float:
        """Seconds for which those that need an answer still wait."""
        since = self.away_since
        return self._patience if since is None else since + self._patience - time.monotonic()


class Transport:
    """Sends to one server. What each request belongs to is in the headers that `carried` gives."""

    def __init__(
        self, url: str, token: str | None, patience_seconds: float, carried: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/api")
        self._carried = carried
        self._patience = patience_seconds
        headers = {wire.VERSION_HEADER: str(wire.VERSION), "User-Agent": f"perdure/{VERSION}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=f"{self.url}/api/orchestrator/",
            headers=headers,
            timeout=httpx.Timeout(_ANSWER, connect=min(_CONNECT, max(_LEAST_CONNECT, patience_seconds))),
            transport=_direct(url.startswith("https:")),
        )
        self.reach = Reach(self.url, patience_seconds)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def deliver(self, source: str, batch: Batch) -> tuple[Mapping[int, str], Mapping[str, int]]:
        """Have the server keep a batch, once.

        Gives why it refused records of it, by their places, and which of the claims under which they were written are
        lost: of those, it has kept nothing.

        Raises:
            OrchestratorUnreachable: it is not there, or not able to now; nobody knows what became of the batch.
            InvalidRecords: it keeps none of them, since some are not what they should be.
            OrchestratorError: it refuses to take anything from here.
        """
        gap: dict[str, str] = {}
        while True:
            headers = {wire.SOURCE_HEADER: source, wire.SEQUENCE_HEADER: str(batch.sequence), **gap}
            if batch.body[:2] == b"\x1f\x8b":
                headers["Content-Encoding"] = "gzip"
            answer = self._send("POST", "records", batch.body, headers)
            if answer.status_code == httpx.codes.CONFLICT and not gap:
                # It has forgotten what it said that it kept: its database was restored, or emptied.
                _LOGGER.warning("The server %s has lost reports that it had received.", self.url)
                gap = {wire.GAP_HEADER: "known"}
                continue
            problem = _problem_of(answer)
            if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                raise wire.InvalidRecords({wire.longest(decompressed(batch.body)): "longer than the server takes"})
            if problem is not None and "refused" in problem:
                raise wire.InvalidRecords(_by_place(problem["refused"]))
            if answer.is_server_error:
                raise self._away(answer, problem)
            self._raise_for(answer, problem)
            answered = answer.json()
            return _by_place(answered["refused"]), answered.get("lost", {})

    def call(
        self,
        name: str,
        body: bytes = b"",
        place: tuple[str, int] | None = None,
        method: str = "POST",
        patiently: bool = True,
    ) -> bytes:
        """The answer of a method; what it changes is changed once for a `place`, however often it is sent.

        While the server is away, it is tried again for as long as the patience lasts; once only if not `patiently`.

        Raises:
            OrchestratorUnreachable: the server is not there.
            OrchestratorError: it could not answer; the error is of the class that the server raised.
        """
        headers = {} if place is None else {wire.SOURCE_HEADER: place[0], wire.SEQUENCE_HEADER: str(place[1])}
        is_said = False
        while True:
            try:
                answer = self._send(method, name, body, headers)
                self._raise_for(answer, _problem_of(answer))
            except OrchestratorUnreachable as error:
                pause, left = self.reach.until_next, self.reach.patience_left
                if left <= pause or not patiently:
                    raise
                if left > _UNSAID and not is_said:
                    is_said = True
                    _LOGGER.warning("%s Its answer to %r is waited for, up to %.0f seconds.", error, name, left)
                time.sleep(pause)
            else:
                return answer.content

    def ask(self, name: str, body: bytes) -> bytes:
        """The answer of a method that is asked again and again, and need not be answered this time: at once or not.

        Raises:
            OrchestratorUnreachable: the server has not answered within seconds.
            OrchestratorError: it could not answer.
        """
        try:
            answer = self._client.request("POST", name, content=body, headers=dict(self._carried()), timeout=_SOON)
        except httpx.TransportError as error:
            raise OrchestratorUnreachable(f"The server {self.url} does not answer ({error}).") from None
        problem = _problem_of(answer)
        if answer.status_code in _PASSING or answer.is_server_error:
            raise OrchestratorUnreachable(f"The server {self.url} cannot do its work now ({answer.status_code}).")
        self.reach.is_here()
        self._raise_for(answer, problem)
        return answer.content

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        while True:
            answer = self._answer(method, path, body, {**headers, **self._carried()})
            pause = _asked_to_wait(answer)
            if pause is None or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        problem = _problem_of(answer)
        if answer.status_code in _PASSING or (answer.is_server_error and problem is None):
            raise self._away(answer, problem)
        if not answer.is_server_error:
            self.reach.is_here()
        return answer

    def _answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        try:
            return self._client.request(method, path, content=body, headers=headers)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise self._noted(OrchestratorUnreachable(f"The server {self.url} does not answer ({why}).")) from None
        except httpx.InvalidURL as error:
            raise OrchestratorError(f"PERDURE_API_URL is {self.url!r}, which is no URL: {error}.") from None

    def _away(self, answer: httpx.Response, problem: Mapping[str, object] | None) -> OrchestratorUnreachable:
        why = problem["message"] if problem else f"{answer.status_code} {answer.reason_phrase}"
        return self._noted(OrchestratorUnreachable(f"The server {self.url} cannot do its work now ({why})."))

    def _noted(self, error: OrchestratorUnreachable) -> OrchestratorUnreachable:
        self.reach.is_away()
        return error

    def _raise_for(self, answer: httpx.Response, problem: Mapping[str, object] | None) -> None:
        if answer.is_success:
            return
        status = answer.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise OrchestratorError(
                f"The server {self.url} refuses this client ({problem['message'] if problem else status})."
                " Set PERDURE_API_TOKEN to a token that may report runs."
            )
        if problem is None:
            raise OrchestratorError(
                f"{self.url} answers {status}, as no server of Perdure's does. Look at PERDURE_API_URL."
            )
        kind = getattr(errors, str(problem["kind"]), OrchestratorError)
        raised = kind if isinstance(kind, type) and issubclass(kind, OrchestratorError) else OrchestratorError
        raise raised(str(problem["message"]))


def _direct(is_encrypted: bool) -> httpx.HTTPTransport | None:
    """Connections that break soon after a network was cut: else what waits in one arrives long after it is back.

    None where there are proxies, which httpx finds by itself.
    """
    if getproxies() or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return None
    # The probes are for answers that were lost: the server sends them again later and later.
    probes = ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 5))  # seconds, seconds, times
    options = [(socket.IPPROTO_TCP, *each) for each in ((socket.TCP_USER_TIMEOUT, _UNHEARD), *probes)]
    kept_alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Without TLS there is nothing to verify: loading what the system trusts takes as long as a run that does little.
    return httpx.HTTPTransport(verify=is_encrypted, socket_options=[kept_alive, *options])


def _asked_to_wait(answer: httpx.Response) -> float | None:
    """How many seconds a server that gets too many requests wants to have none from here."""
    answered = answer.headers.get("retry-after", "")
    is_asked = answer.status_code == httpx.codes.TOO_MANY_REQUESTS and answered.isascii() and answered.isdigit()
    return float(answered) if is_asked else None


def _by_place(refused: Mapping[str, str]) -> Mapping[int, str]:
    return {int(place): why for place, why in refused.items()}


def _problem_of(answer: httpx.Response) -> Mapping[str, Any] | None:
    """What an answer says went wrong; None if it does not say it as a server of Perdure's does."""
    if answer.is_success:
        return None
    try:
        problem = answer.json()["error"]
        return problem if {"kind", "message"} <= problem.keys() else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def compressed(body: bytes) -> bytes:
    """A body as it is sent: by gzip, unless it is short."""
    if len(body) < _COMPRESSED:
        return body
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(body) + packer.flush()


def decompressed(body: bytes) -> bytes:
    """The body as it was."""
    return zlib.decompress(body, wbits=31) if body[:2] == b"\x1f\x8b" else body
