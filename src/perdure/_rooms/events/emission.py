"""Events of your own: `emit_event("order.shipped", resource={"perdure.resource.id": "order.4711"})`.

They are kept with those that a server makes of states: `perdure event ls` and `GET /api/events` list them, and webhooks
and notifications may want them.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from perdure._model.errors import EventError, OrchestratorError
from perdure._platform import providers
from perdure._platform.clock import Micros, system_clock, to_datetime
from perdure._platform.ids import exactly_dated_id
from perdure._platform.named import NamedTuple
from perdure._rooms.events.port import NO_RUN, OF_STATES
from perdure._rooms.events.port import Event as Kept
from perdure._run.context import RunContext, current_run
from perdure._run.log_reporting import run_log

__all__ = ["Event", "emit_event"]

MOST = 2**16  # bytes of an event as JSON
_KIND = re.compile(r"[^\s*,\x00-\x1f\ud800-\udfff]{1,200}")
_RESOURCE_ID = ("perdure.resource.id", "prefect.resource.id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("perdure.events")


class EventTooLarge(EventError):
    """An event takes more than is kept of one."""

    def __init__(self, kind: str, size: int) -> None:
        self.size = size  # bytes
        super().__init__(
            f"The event {kind!r} takes {size:,} bytes as JSON, and at most {MOST:,} are kept. Keep what is large as a"
            " result, and put its key into the payload."
        )


class Resource(dict[str, object]):
    """What an event happened to, or has to do with: texts by their names."""

    @property
    def id(self) -> object:
        """What it is, by either name of that."""
        return next((self[key] for key in _RESOURCE_ID if key in self), None)


class Event(NamedTuple):
    """An event that was emitted."""

    id: str
    event: str  # its kind
    occurred: datetime
    resource: Resource
    related: list[Resource]
    payload: dict[str, object]


def emit_event(
    event: str,
    resource: Mapping[str, object],
    occurred: datetime | None = None,
    related: Sequence[Mapping[str, object]] | None = None,
    payload: Mapping[str, object] | None = None,
    id: str | UUID | None = None,
    **_: object,
) -> Event:
    """Keep an event, of the current run if there is one; it is committed when this returns.

    A flow does not fail for its events: if the database or the server cannot keep one, a warning is logged; and of one
    that takes more than 64 KiB as JSON, all but the payload is kept, which has its size instead.

    Args:
        event: its kind, such as "order.shipped"; kinds that begin with "flow-run." or "task-run." are the server's.
        resource: what it happened to: texts, of which "perdure.resource.id" says what it is.
        occurred: when, with a time zone; now by default.
        related: other things that have to do with it, as `resource`; the current runs are added.
        payload: what else is to be known, of JSON's types.
        id: of an event that may be emitted twice, and is to be kept once: a UUID; by default a new one.

    Raises:
        EventError: the kind or the resource is malformed, or the event is not JSON, or too large without its payload.
    """
    run = current_run.get()
    others = [*map(dict, related or ()), *_runs(run)]
    try:
        made, record = made_event(event, resource, occurred, others, payload, id, run)
    except EventTooLarge as error:
        run_log("events").warning("The payload of the event %r is left out. %s", event, error)
        made, record = made_event(event, resource, occurred, others, {"left_out_bytes": error.size}, id, run)
    _keep(record)
    return made


def made_event(
    event: str,
    resource: Mapping[str, object],
    occurred: datetime | None,
    related: Sequence[Mapping[str, object]],
    payload: Mapping[str, object] | None,
    id: str | UUID | None,
    run: RunContext | None = None,
) -> tuple[Event, Kept]:
    """An event and its record, of a run if there is one.

    Raises:
        EventError: the kind or the resource is malformed, or the event is not JSON or too large.
    """
    _check_kind(event)
    if not isinstance(resource, Mapping) or not any(resource.get(key) for key in _RESOURCE_ID):
        raise EventError(
            f"resource={resource!r:.200} does not name the event's object. Give it an id:"
            ' {"perdure.resource.id": "order.4711"}.'
        )
    at = system_clock() if occurred is None else _micros(occurred)
    made = Event(
        _checked_id(id), event, to_datetime(at), Resource(resource), list(map(Resource, related)), dict(payload or {})
    )
    return made, _record(made, at, run)


def _keep(record: Kept) -> None:
    known: Any = providers.orchestrator()
    try:
        known.emit(record)
    except OrchestratorError as error:
        _log.warning("The event %r is not kept: %s", record.kind, error)


def _record(event: Event, at: Micros, run: RunContext | None) -> Kept:
    flow = None if run is None else run.flow
    shown = None if run is None else _shown(run)
    document = {
        "id": event.id,
        "kind": event.event,
        "time": event.occurred.isoformat(),
        "run": shown or {},
        "state": {},
        "resource": event.resource,
        "related": event.related,
        "payload": event.payload,
    }
    run_id = NO_RUN if run is None else (run if flow is None else flow).id
    return Kept(event.id, at, event.event, run_id, None if flow is None else _kept(flow.options.name), _json(document))


def _shown(run: RunContext) -> dict[str, object]:
    """A run as the server's events show it."""
    flow = run.flow
    return {
        "id": run.id,
        "name": _kept(run.name),
        "flow_run_id": None if flow is None else flow.id,
        "flow_name": None if flow is None else _kept(flow.options.name),
        "task_name": None if run.is_flow else _kept(run.options.name),
        "tags": sorted(map(_kept, run.tags)),
    }


def _runs(run: RunContext | None) -> list[dict[str, object]]:
    runs = [] if run is None else [run] if run.flow in (None, run) else [run.flow, run]
    return [
        {
            "perdure.resource.id": f"perdure.{_role(each)}.{each.id}",
            "perdure.resource.role": _role(each),
            "perdure.resource.name": _kept(each.name),
        }
        for each in runs
        if each is not None
    ]


def _kept(name: str) -> str:
    """A run's name with what UTF-8 has no bytes for, such as half of a surrogate pair, spelled out."""
    return name.encode("utf-8", "backslashreplace").decode()


def _role(run: RunContext) -> str:
    return "flow-run" if run.is_flow else "task-run"


def _check_kind(kind: object) -> None:
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise EventError(
            f"{kind!r:.200} cannot be the kind of an event. Use at most 200 characters, without blanks, commas and"
            ' asterisks, such as "order.shipped".'
        )
    if kind.startswith(OF_STATES):
        raise EventError(f"{kind!r} is a kind of the server's own events. Begin it otherwise, such as 'my-{kind}'.")


def _checked_id(id: str | UUID | None) -> str:
    if id is None:
        return exactly_dated_id(str(uuid4()), system_clock())  # in the order of the run's states, too
    try:
        return str(UUID(str(id)))
    except ValueError:
        raise EventError(f"id={id!r:.200} is no UUID. Leave it out for a new one.") from None


def _micros(occurred: datetime) -> Micros:
    if occurred.tzinfo is None:
        raise EventError(f"occurred={occurred!r} has no time zone. Write datetime(..., tzinfo=UTC).")
    return (occurred - _EPOCH) // timedelta(microseconds=1)


def _json(document: Mapping[str, object]) -> str:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"The event {document['kind']!r} is not JSON: {error}. Give it JSON's types.") from None
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise EventError(
            f"The event {document['kind']!r} has half of a surrogate pair, {text[error.start]!r}, in a text, which no"
            " database keeps. A file's name that is not UTF-8 has such: leave it out, or encode it."
        ) from None
    if size > MOST:
        raise EventTooLarge(str(document["kind"]), size)
    return text
