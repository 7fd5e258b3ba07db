"""Live changes: server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from perdure._http.authorisation import needs
from perdure._http.changes import Changes
from perdure._http.dependencies import Asked, Known
from perdure._http.errors import Refused, answers
from perdure._http.models import FlowRunModel, LogModel, moment, parsed
from perdure._http.pages import Id, Moment, Page
from perdure._http.query_parameters import listed, wanted
from perdure._http.routers import ApiRouter
from perdure._platform.clock import system_clock
from perdure._platform.ids import dated_id, id_of
from perdure._rooms.events.emission import made_event
from perdure._rooms.events.event_signatures import is_signed, signed_at
from perdure._rooms.events.hook_routes import router as hooks
from perdure._rooms.events.port import NO_RUN, Event, EventFilter
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.tokens.records import Scope
from perdure._settings import settings
from perdure._store.reads import Reads

router = ApiRouter(prefix="/events", tags=["events"])
_STREAM: dict[int | str, dict[str, object]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "An endless stream of events.",
    }
}
_POLL_SECONDS = 0.25
_QUIET_SECONDS = 15.0  # after which a comment says that the server is there
_LINES = 500  # at once
_MOST_STREAMS = 200


class EventModel(BaseModel):
    """An event.

    `state` is the state of the run, `run` its record; both are empty for an event that a program emitted outside all
    runs, which then has no `run_id`.
    """

    id: str
    kind: str
    time: datetime
    run_id: str | None
    flow_name: str | None
    run: dict[str, object]
    state: dict[str, object]
    resource: Annotated[dict[str, object], Field(description="The object of an emitted event.")]
    related: Annotated[list[dict[str, object]], Field(description="Other objects that it concerns.")]
    payload: Annotated[dict[str, object], Field(description="The data that the program passed.")]

    @classmethod
    def of(cls, event: Event) -> "EventModel":
        """The model of an event."""
        content = parsed(event.payload)
        return cls(
            id=event.id,
            kind=event.kind,
            time=moment(event.time),
            run_id=None if event.run_id == NO_RUN else event.run_id,
            flow_name=event.flow_name,
            run=content.get("run") or {},
            state=content.get("state") or {},
            resource=content.get("resource") or {},
            related=content.get("related") or [],
            payload=content.get("payload") or {},
        )


@router.get("", responses=answers())
def list_events(known: Known, wanted: Annotated[EventFilter, Depends(wanted(EventFilter))]) -> Page[EventModel]:
    """Events of runs, newest first."""
    return listed(known.services.events, wanted, EventModel.of)


class NewEvent(BaseModel):
    """An event to emit."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(min_length=1, max_length=200, examples=["order.shipped"])]
    resource: Annotated[dict[str, object], Field(description='Its object: {"perdure.resource.id": "order.4711"}.')]
    related: Annotated[
        list[dict[str, object]], Field(max_length=100, description="Other objects that it concerns.")
    ] = []
    payload: Annotated[dict[str, object], Field(description="What else is to be known.")] = {}
    occurred: Annotated[Moment | None, Field(description="When; now by default.")] = None
    id: Annotated[Id | None, Field(description="Of an event that may be sent twice, and is to be stored once.")] = None


async def _signed(
    request: Request,
    perdure_signature: Annotated[
        str | None,
        Header(
            max_length=200,
            description="In place of a token: t=SECONDS,v1=HMAC-SHA256 of SECONDS.BODY by the server's secret.",
        ),
    ] = None,
) -> str | None:
    if perdure_signature is None:
        return None
    secret = settings.current().events_secret
    if secret is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "No event is taken by its signature: set PERDURE_EVENTS_SECRET.")
    now = system_clock() // 1_000_000
    if not is_signed(perdure_signature, secret.reveal(), await request.body(), now):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "The signature is not of this body and secret, or is too old.")
    return perdure_signature


@router.post("", status_code=HTTPStatus.CREATED, responses=answers(HTTPStatus.UNAUTHORIZED))
@needs(Scope.WRITE)
def emit_event(given: NewEvent, known: Known, signed: Annotated[str | None, Depends(_signed)]) -> EventModel:
    """Emit an event of your own. It needs a token, or the signature of whoever knows the secret of the server.

    An event with an `id` that is stored already, or of a request that is sent again with its signature, changes
    nothing.
    """
    id = given.id or (None if signed is None else dated_id(id_of(signed), signed_at(signed) * 1_000_000))
    _, record = made_event(given.kind, given.resource, given.occurred, given.related, given.payload, id)
    known.emit(record)
    return EventModel.of(record)


@router.get("/stream", response_class=StreamingResponse, responses={**_STREAM, **answers(HTTPStatus.FORBIDDEN)})
async def stream_events(
    request: Request,
    asked: Asked,
    flow_run: Annotated[Id | None, Query(description="Only this run's changes, and its log.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> StreamingResponse:
    """Flow runs that change (`flow_run`), and lines that one flow run logs (`log`), each with its JSON as data.

    `Last-Event-ID` continues after an event. If later events are no longer stored, the stream begins with a `reset`:
    query the lists again then.
    """
    changes: Changes = request.app.state.changes
    if changes.listeners >= _MOST_STREAMS:
        raise Refused(f"{_MOST_STREAMS} clients are connected already.")
    stream = _Stream(changes, asked, flow_run)
    events = stream.events(last_event_id, request)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


class _Stream:
    """The events of one listener. An event's id is: epoch, number of the change, number of the line."""

    def __init__(self, changes: Changes, asked: Reads, flow_run_id: str | None) -> None:
        self._changes = changes
        self._asked = asked
        self._flow_run_id = flow_run_id
        self._number = changes.number
        self._line = 0

    async def events(self, last: str | None, request: Request) -> AsyncIterator[str]:
        listening = self._changes.listening()
        await asyncio.to_thread(listening.__enter__)
        try:
            self._number = self._changes.number
            is_reset = last is not None and not self._resume_after(last)
            # An id without data is no event: a client that loses the connection before the first one continues from
            # here.
            yield self._event("reset", "null") if is_reset else f": listening\nid: {self._id}\n\n"
            quiet_since = time.monotonic()
            while not await request.is_disconnected():
                for event in await asyncio.to_thread(self._new):
                    quiet_since = time.monotonic()
                    yield event
                if time.monotonic() - quiet_since > _QUIET_SECONDS:
                    quiet_since = time.monotonic()
                    yield ": here\n\n"
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            listening.__exit__(None, None, None)

    def _resume_after(self, last: str) -> bool:
        epoch, _, rest = last.partition(".")
        number, _, line = rest.partition(".")
        if epoch != self._changes.epoch or not (number.isdecimal() and line.isdecimal()):
            return False
        if self._changes.after(int(number)) is None:
            return False
        self._number, self._line = int(number), int(line)
        return True

    def _new(self) -> list[str]:
        changed = self._changes.after(self._number)
        if changed is None:
            self._number = self._changes.number
            return [self._event("reset", "null")]
        events = []
        for number, run in changed:
            self._number = number
            if self._flow_run_id in (None, run.id):
                events.append(self._event("flow_run", _json(FlowRunModel.of(run))))
        return events + self._lines()

    def _lines(self) -> list[str]:
        if self._flow_run_id is None:
            return []
        events = []
        wanted = LogFilter(flow_run_ids=(self._flow_run_id,), after=self._line, limit=_LINES)
        for line in self._asked.log_lines(wanted).items:
            self._line = line.id
            events.append(self._event("log", _json(LogModel.of(line))))
        return events

    def _event(self, kind: str, data: str) -> str:
        return f"id: {self._id}\nevent: {kind}\ndata: {data}\n\n"

    @property
    def _id(self) -> str:
        return f"{self._changes.epoch}.{self._number}.{self._line}"


def _json(model: BaseModel) -> str:
    return model.model_dump_json()


ROUTERS = (router, hooks)
