"""The protocol of orchestrators, for clients that report to this server: see `perdure._store.wire`.

It is no part of the API for people and programs, and not in its schema: both of its ends are Perdure.
"""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from perdure._http.authorisation import caller_of, needs
from perdure._http.dependencies import Known
from perdure._http.errors import answer
from perdure._http.open_objects import Sessions
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound, ProtocolMismatch
from perdure._platform.ids import is_id
from perdure._rooms.tokens.records import Scope
from perdure._store import wire
from perdure._store.protocol import Orchestrator
from perdure._store.sql.call_dedup import Call, calling
from perdure._store.sql.ingest import Delivery, DeliveryGap
from perdure._store.wire import InvalidCall, InvalidRecords


def _checked_version(request: Request) -> None:
    given = request.headers.get(wire.VERSION_HEADER, "")
    version = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    if version > wire.VERSION:
        raise ProtocolMismatch(
            f"The client's perdure is newer than the server's (protocol {version}, not {wire.VERSION})."
            " Upgrade the server."
        )
    if version < wire.OLDEST:
        raise ProtocolMismatch(
            f"The client's perdure is too old for this server (protocol {given!r}; the oldest is {wire.OLDEST})."
            " Upgrade perdure where the flow runs."
        )


async def _body(request: Request) -> bytes:
    return await request.body()


def _place(request: Request) -> Call | None:
    """Whose batch or call it is, and which one."""
    source, given = request.headers.get(wire.SOURCE_HEADER), request.headers.get(wire.SEQUENCE_HEADER, "")
    if source is None:
        return None
    if not is_id(source) or not (given.isascii() and given.isdigit() and 0 < len(given) < 19 and int(given) > 0):
        raise InvalidCall(f"{wire.SOURCE_HEADER} must be an id, and {wire.SEQUENCE_HEADER} a whole number from 1.")
    return Call(source, int(given))


Body = Annotated[bytes, Depends(_body)]
Place = Annotated[Call | None, Depends(_place)]
router = ApiRouter(prefix="/orchestrator", include_in_schema=False, dependencies=[Depends(_checked_version)])


@router.post("/records")
@needs(Scope.WRITE)
def records(request: Request, body: Body, place: Place, known: Known) -> Response:
    """Store a batch of records, deduplicated. Returns those that the database cannot hold."""
    if place is None:
        raise InvalidCall(f"A batch needs the headers {wire.SOURCE_HEADER} and {wire.SEQUENCE_HEADER}.")
    try:
        epochs, records = wire.decode_batch(body)
    except InvalidRecords as error:
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, error, refused=error.refused)
    except ValueError as error:
        raise InvalidCall(str(error)) from None
    delivery = Delivery(*place, records, gap_is_known=wire.GAP_HEADER in request.headers, epochs=epochs)
    try:
        known.deliver(delivery)
    except DeliveryGap as gap:
        return _problem(HTTPStatus.CONFLICT, gap, wanted=gap.wanted)
    request.app.state.changes.notice()
    first = 0 if epochs is None else 1  # of the records in the body
    refused = {at + first: why for at, why in delivery.refused.items()}
    lost = {"lost": delivery.lost} if delivery.lost else {}
    return JSONResponse({"refused": refused, "wanted": delivery.wanted or place.sequence + 1, **lost})


@router.post("/{name}")
@needs(Scope.READ)
def call(name: str, request: Request, body: Body, place: Place, known: Known) -> Response:
    """Call a method, once if it has a place; of one that opens a session, the answer is the session's id."""
    try:
        method = wire.method(Orchestrator, name)
    except KeyError:
        raise NotFound(f"An orchestrator has no method {name!r}. Upgrade the server.") from None
    needed, scope = Scope(method.needs), caller_of(request).scope
    if not scope.allows(needed):
        message = f"{name} needs the scope {needed.value!r}; the token has {scope.value!r}."
        raise HTTPException(HTTPStatus.FORBIDDEN, message)
    protocol = wire.session_of(name)
    if protocol is not None:
        return JSONResponse(_sessions(request).open(getattr(known, name)(), protocol))
    arguments = method.decode_call(body)
    target: Any = known
    for part in name.split("."):
        target = getattr(target, part)
    with calling(place):
        return _answer(method, target(**arguments))


@router.post("/sessions/{id}/{name}")
@needs(Scope.WRITE)
def call_in_session(id: str, name: str, request: Request, body: Body) -> Response:
    """Call a method of what a session holds; of one that gives pages, the answer is the first page, if any."""
    with _sessions(request).using(id) as session:
        if name not in wire.own_methods(session.protocol):
            raise NotFound(f"A {session.protocol.__name__} has no method {name!r}.")
        method = wire.method(session.protocol, name)
        value = getattr(session.opened, name)(**method.decode_call(body))
        if method.is_paged:
            session.pages[name] = value
            value = [page for page in (next(value, None),) if page is not None]
        return _answer(method, value)


@router.post("/sessions/{id}/{name}/next")
@needs(Scope.WRITE)
def next_page(id: str, name: str, request: Request) -> Response:
    """The next page of what a method gives in pages; an empty list after the last one."""
    with _sessions(request).using(id) as session:
        pages = session.pages.get(name)
        if pages is None:
            raise NotFound(f"{name!r} has no pages.")
        page = next(pages, None)
        return _answer(wire.method(session.protocol, name), [] if page is None else [page])


@router.delete("/sessions/{id}", status_code=HTTPStatus.NO_CONTENT)
@needs(Scope.WRITE)
def close_session(id: str, request: Request) -> None:
    """Close a session."""
    _sessions(request).close(id)


def _sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


def _answer(method: wire.Method, value: object) -> Response:
    return Response(method.encode_answer(value), media_type="application/json")


def _problem(status: HTTPStatus, error: Exception, **details: object) -> Response:
    return answer(status, type(error).__name__, str(error), **details)
