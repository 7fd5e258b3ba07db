"""Requests as values, and what becomes of their answers: the same for both clients, which only perform them.

Each function is a generator that yields what is to be done, and is sent what came of it.
"""

import time
from collections.abc import Generator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from perdure._model import errors
from perdure._model.errors import AccessRefused, ClientError, NotFound, OrchestratorUnreachable, PerdureError
from perdure._platform.jitter import random_between
from perdure._platform.named import NamedTuple

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
_PASSING = frozenset({429, 502, 503, 504})  # statuses that may be others in a while
_REPEATABLE = frozenset({"GET", "PUT"})  # methods that may be done twice
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two attempts
_PAGE = 200  # items that are asked for together


class Send(NamedTuple):
    """Send a request; the outcome is an `Answer`, or `Lost`."""

    method: str
    path: str  # below /api
    params: Mapping[str, Any] = {}
    body: object = None  # sent as JSON, unless it is None


class Sleep(NamedTuple):
    """Wait."""

    seconds: float


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: bytes
    retry_after: str | None = None


class Lost(NamedTuple):
    """There was no answer."""

    why: str
    was_sent: bool  # the server may have done it


Steps = Generator[Send | Sleep, Any, T]


class Asker:
    """Asks one server; while it is away, again for `patience_seconds`."""

    def __init__(self, url: str, patience_seconds: float) -> None:
        self.url = url.rstrip("/").removesuffix("/api")
        self._patience = patience_seconds

    def ask(
        self, method: str, path: str, params: Mapping[str, object] | None = None, body: object = None
    ) -> Steps[bytes]:
        """The body of the answer.

        Raises:
            OrchestratorUnreachable: the server did not answer, or could not, for as long as patience lasts.
            AccessRefused: the server wants a token, or one that may do this.
            NotFound: nothing has the id or the name.
            PerdureError: the server refused, with the same error that Perdure raises where there is no server.
        """
        request = Send(method, path, _rendered(params or {}), body)
        deadline, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        while True:
            outcome: Answer | Lost = yield request
            error = self.error_of(outcome)
            if error is None:
                assert isinstance(outcome, Answer)
                return outcome.body
            wait = _asked_to_wait(outcome) or pause * random_between(0.5, 1.0)  # many clients do not come at once
            if not _may_pass(method, outcome) or time.monotonic() + wait > deadline:
                raise error
            yield Sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def error_of(self, outcome: Answer | Lost) -> PerdureError | None:
        """What an outcome stands for, unless it is a success."""
        if isinstance(outcome, Lost):
            return self.lost(outcome.why)
        if outcome.status < HTTPStatus.BAD_REQUEST:
            return None
        problem = _problem_of(outcome.body)
        if problem is None:
            if outcome.status in _PASSING:
                return OrchestratorUnreachable(f"The server {self.url} cannot do its work now ({outcome.status}).")
            return ClientError(f"{self.url} answers {outcome.status}, as no server of Perdure's does. Look at the URL.")
        kind, message = problem
        if outcome.status in _PASSING:
            return OrchestratorUnreachable(f"The server {self.url} cannot do its work now: {message}")
        if outcome.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AccessRefused(f"The server {self.url} refuses this: {message}")
        known = getattr(errors, kind, None)
        if isinstance(known, type) and issubclass(known, PerdureError):
            return known(message)
        return NotFound(message) if outcome.status == HTTPStatus.NOT_FOUND else ClientError(message)

    def lost(self, why: str) -> OrchestratorUnreachable:
        """What there is to say when no answer comes."""
        return OrchestratorUnreachable(f"The server {self.url} does not answer ({why}).")

    def one(self, model: type[M], path: str, params: Mapping[str, object] | None = None) -> Steps[M]:
        """What is at a path."""
        return self.read(TypeAdapter(model), (yield from self.ask("GET", path, params)))

    def read(self, kind: TypeAdapter[T], body: bytes) -> T:
        """An answer's body as what it is."""
        try:
            return kind.validate_json(body)
        except ValidationError as error:
            raise ClientError(
                f"The server {self.url} gave an answer that this client does not understand ({errors.reasons(error)})."
                " Have both of them run the same version of perdure."
            ) from None


class Pages(Generic[M]):
    """A list, page by page, until as many items as were asked for have come."""

    def __init__(self, asker: Asker, model: type[M], path: str, wanted: Mapping[str, Any]) -> None:
        self._asker = asker
        self._path = path
        self._kind = TypeAdapter(_page_of(model))
        self._wanted = dict(wanted)
        self._left: int | None = self._wanted.pop("limit", None)
        self._cursor: str | None = None
        self.is_over = self._left is not None and self._left <= 0

    def next(self) -> Steps[list[M]]:
        """The items of the next page, maybe none; `is_over` after the last one."""
        limit = _PAGE if self._left is None else min(_PAGE, self._left)
        params = self._wanted | {"limit": limit} | ({} if self._cursor is None else {"cursor": self._cursor})
        page = self._asker.read(self._kind, (yield from self._asker.ask("GET", self._path, params)))
        self._cursor = page.next
        if self._left is not None:
            self._left -= len(page.items)
        self.is_over = page.next is None or self._left == 0
        return page.items


class _Page(BaseModel, Generic[M]):
    items: list[M]
    next: str | None


def _page_of(model: type[M]) -> type[_Page[M]]:
    return _Page[model]  # type: ignore[valid-type]


def _rendered(params: Mapping[str, object]) -> dict[str, Any]:
    """Parameters as an address has them."""
    return {name: _rendered_one(value) for name, value in params.items() if value is not None}


def _rendered_one(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return [_rendered_one(each) for each in value]
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ClientError(f"The time {value.isoformat()} has no time zone. Give it one: datetime.now(UTC).")
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _asked_to_wait(outcome: Answer | Lost) -> float:
    retry_after = outcome.retry_after if isinstance(outcome, Answer) else None
    return float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else 0.0


def _may_pass(method: str, outcome: Answer | Lost) -> bool:
    """Whether it is worth another attempt, and another one does no harm."""
    if isinstance(outcome, Lost):
        return method in _REPEATABLE or not outcome.was_sent
    if outcome.status == HTTPStatus.TOO_MANY_REQUESTS:  # it was not even looked at
        return True
    return outcome.status in _PASSING and method in _REPEATABLE


class _Said(BaseModel):
    kind: str
    message: str
    command: str | None = None  # that does by hand what was asked for


class _Problem(BaseModel):
    error: _Said


def _problem_of(body: bytes) -> tuple[str, str] | None:
    """What went wrong, as a server of Perdure's says it."""
    try:
        said = _Problem.model_validate_json(body).error
    except ValidationError:
        return None
    return said.kind, said.message if said.command is None else f"{said.message} The command: {said.command}"
