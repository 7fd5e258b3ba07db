"""Events of your own: `emit_event("order.shipped", resource={"perdure.resource.id": "order.4711"})`.

They are kept with those that a server makes of states: `perdure event ls` and `GET /api/events` list them, and webhooks
and notifications may want them.
"""

from perdure._platform.moved import export
from perdure._rooms.events.emission import Event, emit_event

__all__ = ["Event", "emit_event"]

export(globals())
