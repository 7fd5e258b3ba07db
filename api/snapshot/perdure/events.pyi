__all__ = [
    "Event",
    "emit_event",
]

class Event(NamedTuple):
    event: str
    id: str
    occurred: datetime
    payload: dict[str, object]
    related: list[Resource]
    resource: Resource

def emit_event(
    event: str,
    resource: Mapping[str, object],
    occurred: datetime | None = None,
    related: Sequence[Mapping[str, object]] | None = None,
    payload: Mapping[str, object] | None = None,
    id: str | UUID | None = None,
    **_: object,
) -> Event: ...
