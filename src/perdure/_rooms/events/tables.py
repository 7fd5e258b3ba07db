"""The tables of services, events, hooks and deliveries."""

from perdure._model.tables import Index, Table
from perdure._rooms.events.port import Delivery, Event, Hook, Service

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
TABLES = (SERVICE, EVENT, HOOK, DELIVERY)
