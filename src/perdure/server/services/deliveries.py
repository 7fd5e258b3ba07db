"""Telling hooks of events, each at least once: what fails is tried again, less and less often."""

import random
from concurrent.futures import ThreadPoolExecutor

from perdure.core.services import Delivery, Event, EventFilter, Hook
from perdure.server.services.loop import Outcome
from perdure.server.services.sending import NotDelivered, notify, post
from perdure.server.services.world import ServiceWorld

_AT_ONCE, _PAGE = 8, 40
_FIRST, _LONGEST = 5.0, 3_600.0  # seconds before the second attempt, and between two late ones
ATTEMPTS = 14  # over about ten hours


def deliver(world: ServiceWorld, _: int | None) -> Outcome:
    """Try all deliveries that are due."""
    services = world.orchestrator.services
    due = services.due_deliveries(world.clock(), _PAGE)
    if not due:
        return Outcome("0 delivered")
    hooks = {hook.id: hook for hook in services.hooks()}
    events = {event.id: event for event in services.events(EventFilter(ids=tuple({each.event_id for each in due})))}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="perdure-hook") as pool:
        tried = list(pool.map(lambda each: _try(each, hooks.get(each.hook_id), events.get(each.event_id), world), due))
    delivered = sum(each.state == "delivered" for each in tried)
    return Outcome(f"{delivered} delivered, {len(tried) - delivered} to try again or given up", None, len(due) < _PAGE)


def _try(delivery: Delivery, hook: Hook | None, event: Event | None, world: ServiceWorld) -> Delivery:
    """Try a delivery once, and note what that came to."""
    attempts = delivery.attempts + 1
    if hook is None or event is None:
        tried = delivery._replace(state="failed", outcome="Its hook or its event was deleted.")
    else:
        try:
            send = post if hook.way == "webhook" else notify
            outcome = send(hook, event, delivery.id, world.clock() // 1_000_000)
            tried = delivery._replace(state="delivered", outcome=outcome)
        except NotDelivered as error:
            tried = delivery._replace(state="waiting" if attempts < ATTEMPTS else "failed", outcome=str(error))
    wait = min(_LONGEST, _FIRST * 2 ** (attempts - 1)) * random.uniform(0.8, 1.2) if tried.state == "waiting" else 0.0
    tried = tried._replace(attempts=attempts, due=world.clock() + int(wait * 1_000_000))
    world.orchestrator.services.note_delivery(tried)
    return tried
