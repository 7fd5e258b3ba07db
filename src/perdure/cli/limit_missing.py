"""Limits that runs of the last time asked for and that are not there."""

import json

from perdure._platform.clock import Micros
from perdure._rooms.events.port import EventFilter
from perdure._rooms.limits.records import MISSING, RESOURCE
from perdure.cli.find import orchestrator

_MOST = 1_000  # events that are looked at


def missing_limits() -> dict[str, Micros]:
    """Their names, with when each was last asked for; events are kept for a week."""
    known = orchestrator()
    there = {limit.name for limit in known.limits.all()}
    found: dict[str, Micros] = {}
    for event in known.services.events(EventFilter(kind=MISSING, limit=_MOST)):
        resource = json.loads(event.payload).get("resource", {})
        name = str(resource.get("perdure.resource.id", "")).removeprefix(RESOURCE)
        if name not in there:
            found.setdefault(name, event.time)
    return found
