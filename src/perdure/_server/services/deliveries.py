"""Delivering events to hooks, each at least once: what fails is tried again, less and less often.

One attempt is in `_rooms.events.webhook_delivery`, or in `notification_delivery` beside it.
Each hook has threads of its own, and one only while it fails. So one that never answers holds up nobody else.
"""

import threading
import time

from perdure._model.errors import OrchestratorError
from perdure._platform.jitter import random_between
from perdure._platform.redaction import shortened
from perdure._rooms.events.notification_delivery import SECONDS, NotDelivered, notify
from perdure._rooms.events.port import Delivery, Event, EventFilter, Hook
from perdure._server.services.loop import Outcome
from perdure._server.services.runtime import ServiceRuntime

_AT_ONCE, _OF_A_HOOK, _PAGE = 64, 4, 40
_FIRST, _LONGEST = 5.0, 3_600.0  # seconds before the second attempt, and between two late ones
ATTEMPTS = 14  # over about ten hours
_LEASE = int((SECONDS + 5) * 1_000_000)  # microseconds after which another server may try what one was killed at


class Deliveries:
    """The service: threads attempt the due deliveries of each hook, until there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[str, list[threading.Thread]] = {}  # by hook
        self._turns: dict[str, int] = {}  # of hooks: when each was last given a thread
        self._turn = 0
        self._failing: set[str] = set()
        self._is_crowded = False  # there are hooks that wait for a thread
        self._delivered = self._failed = 0  # since the last look

    def __call__(self, runtime: ServiceRuntime, _: int | None) -> Outcome:
        """Give threads to the hooks that have something due."""
        services, now = runtime.orchestrator.services, runtime.clock()
        hooks = {hook.id: hook for hook in services.hooks()}
        for orphan in services.due_deliveries(now, _PAGE, besides=tuple(hooks)):
            services.note_delivery(orphan._replace(state="failed", outcome="Its hook was deleted."))
        with self._lock:
            self._forget_ended(set(hooks))
            self._is_crowded = False
        waiting = {id: len(services.due_deliveries(now, _OF_A_HOOK, of=id)) for id in hooks}
        for number in range(_OF_A_HOOK):  # the first of each hook before the second of any
            for id in sorted(hooks, key=lambda each: self._turns.get(each, 0)):
                if waiting[id] > number:
                    self._start(hooks[id], runtime, _AT_ONCE if number == 0 else _AT_ONCE // 2)
        with self._lock:
            delivered, failed = self._delivered, self._failed
            self._delivered = self._failed = 0
        return Outcome(f"{delivered} delivered, {failed} to try again or given up")

    def join(self, seconds: float) -> None:
        """Wait until all that is being tried was, that long at most."""
        deadline = time.monotonic() + seconds
        for thread in [each for threads in list(self._threads.values()) for each in threads]:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _forget_ended(self, hooks: set[str]) -> None:
        for id, threads in list(self._threads.items()):
            self._threads[id] = [each for each in threads if each.is_alive()]
            if not self._threads[id]:
                del self._threads[id]
        self._failing &= hooks
        self._turns = {id: turn for id, turn in self._turns.items() if id in hooks}

    def _start(self, hook: Hook, runtime: ServiceRuntime, most: int) -> None:
        """Start a thread for a hook, unless it has enough, or all together have `most`."""
        with self._lock:
            own = self._threads.setdefault(hook.id, [])
            if len(own) >= (1 if hook.id in self._failing else _OF_A_HOOK):
                return
            if sum(map(len, self._threads.values())) >= most:
                self._is_crowded |= not own
                return
            self._turn += 1
            self._turns[hook.id] = self._turn
            name = f"perdure-hook-{hook.id[:8]}"
            thread = threading.Thread(target=self._run, args=(hook, runtime), name=name, daemon=True)
            own.append(thread)
        thread.start()

    def _run(self, hook: Hook, runtime: ServiceRuntime) -> None:
        """Try what is due for a hook, until nothing is, or others wait for a thread."""
        while (delivery := self._claimed(hook, runtime)) is not None:
            tried = _try(delivery, hook, runtime)
            with self._lock:
                self._delivered += tried.state == "delivered"
                self._failed += tried.state != "delivered"
                (self._failing.discard if tried.state == "delivered" else self._failing.add)(hook.id)
                ours = [each for each in self._threads.get(hook.id, ()) if each.is_alive()]
                if self._is_crowded or (hook.id in self._failing and ours[:1] != [threading.current_thread()]):
                    return

    def _claimed(self, hook: Hook, runtime: ServiceRuntime) -> Delivery | None:
        """A due delivery that no other thread or server has."""
        services = runtime.orchestrator.services
        try:
            for each in services.due_deliveries(runtime.clock(), _PAGE, of=hook.id):
                if services.claim_delivery(each, until=runtime.clock() + _LEASE):
                    return each
        except OrchestratorError:  # the database is away, or the server ends
            return None
        return None


def deliver(runtime: ServiceRuntime, _: int | None) -> Outcome:
    """Try all deliveries that are due, and wait for that."""
    deliveries = Deliveries()
    deliveries(runtime, None)
    deliveries.join(2 * SECONDS)
    return deliveries(runtime, None)


def _try(delivery: Delivery, hook: Hook, runtime: ServiceRuntime) -> Delivery:
    """Try a delivery once, and note what that came to."""
    # It imports httpx: a server that delivers nothing does not pay for that.
    from perdure._rooms.events.webhook_delivery import post

    services, attempts = runtime.orchestrator.services, delivery.attempts + 1
    try:
        event = _event_of(delivery, runtime)
        send = post if hook.way == "webhook" else notify
        outcome = send(hook, event, delivery.id, runtime.clock() // 1_000_000)
        tried = delivery._replace(state="delivered", outcome=outcome)
    except Exception as error:  # whatever it is, of whichever library: it must not end what others wait for
        outcome = str(error) if isinstance(error, NotDelivered) else shortened(f"{type(error).__name__}: {error}", 500)
        is_last = attempts >= ATTEMPTS or isinstance(error, _EventGone)
        tried = delivery._replace(state="failed" if is_last else "waiting", outcome=outcome)
    wait = min(_LONGEST, _FIRST * 2 ** (attempts - 1)) * random_between(0.8, 1.2) if tried.state == "waiting" else 0.0
    tried = tried._replace(attempts=attempts, due=runtime.clock() + int(wait * 1_000_000))
    try:
        services.note_delivery(tried)
    except OrchestratorError:  # it is tried again once its lease has passed
        return tried._replace(state="waiting")
    return tried


class _EventGone(NotDelivered):
    """There is nothing to deliver any more."""


def _event_of(delivery: Delivery, runtime: ServiceRuntime) -> Event:
    found = runtime.orchestrator.services.events(EventFilter(ids=(delivery.event_id,)))
    if not found:
        raise _EventGone("Its event was deleted.")
    return found[0]
