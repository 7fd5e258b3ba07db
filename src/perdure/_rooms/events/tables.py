"""The tables of services, events, hooks and deliveries."""

from perdure._model.fields import Id
from perdure._model.tables import Index, Table
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.events.port import Delivery, Event, Hook, Service


class NamedResult(NamedTuple):
    """A result under a key of the user's, of which no event has been made yet."""

    arrival: int
    run_id: Id
    of_task: bool
    storage_id: Id
    storage_key: str
    digest: str
    type: str
    size: int | None
    created: Micros


class ResultVersion(NamedTuple):
    """The newest version under a key that has been seen."""

    storage_id: Id
    storage_key: str
    digest: str
    run_id: Id  # that wrote it last: it is forgotten with this run


SERVICE = Table("service", Service)
EVENT = Table(
    "event",
    Event,
    Index("event_by_run", ("run_id", "id")),
    Index("event_by_kind", ("kind", "id")),
    Index("event_by_time", ("time",)),
)
HOOK = Table("hook", Hook)
DELIVERY = Table(
    "hook_delivery",
    Delivery,
    Index("hook_delivery_once", ("event_id", "hook_id"), unique=True),
    Index("hook_delivery_by_due", ("due",), where="state = 'waiting'"),
)
NAMED_RESULT = Table("named_result", NamedResult, Index("named_result_by_run", ("run_id",)), key=2)
RESULT_VERSION = Table("result_version", ResultVersion, Index("result_version_by_run", ("run_id",)), key=2)
TABLES = (SERVICE, EVENT, HOOK, DELIVERY, NAMED_RESULT, RESULT_VERSION)
