"""Events: created from the states that flows' processes report anyway, so that these pay nothing for them.

An event's id is made of its state alone: whoever finds the state, and however often, it is the same event. Ids sort by
the times of the states and, of states within one microsecond, by their arrival, which is the order in which a run came
to them. Lists, automations and webhooks go by that order.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence

from perdure._platform.clock import LAST_TIME, Micros, to_datetime
from perdure._platform.ids import ordered_id
from perdure._rooms.events.port import ARRIVAL, Delivery, Event, EventFilter, SeenState, deliveries_of
from perdure._rooms.runs.records import FlowRun
from perdure._server.services.loop import Outcome
from perdure._server.services.named_results import events_of_results
from perdure._server.services.runtime import ServiceRuntime

_PAGE = 2_000  # states
_SEEN = 50_000  # events
_MICROS = 1_000_000
# Who writes a state has numbered it before it is committed: a look back finds those that took longer.
_LOOK_BACK, _LONG_LOOK_BACK = 10, 600  # seconds
_LONG_LOOK_SECONDS = 60  # between two long looks back


class Events:
    """Makes events of new states."""

    def __init__(self) -> None:
        self._seen: dict[int, None] = {}  # by the hash of an event's id, which takes a third of the memory of all of it
        self._next_long = 0.0
        self._former_until: int | None = None  # earlier versions may have made events of states until this arrival

    def __call__(self, runtime: ServiceRuntime, cursor: int | None) -> Outcome:
        """Make events of all states since the cursor; from now on, at first."""
        now = runtime.clock() * ARRIVAL
        if self._former_until is None:
            self._former_until = now + _LONG_LOOK_BACK * _MICROS * ARRIVAL  # clocks elsewhere may be ahead
        if cursor is None:
            return Outcome("Events begin now", now)
        at, new = cursor - self._look_back(runtime) * _MICROS * ARRIVAL, 0
        while True:
            states = runtime.orchestrator.services.states_after(at, _PAGE)
            made = [(state, event_of_state(state)) for state in states]
            unseen = [(state, event) for state, event in made if hash(event.id) not in self._seen]
            events = self._without_former(unseen, runtime)
            new += runtime.orchestrator.services.add_events(events, new_deliveries(events, runtime))
            self._seen.update(dict.fromkeys(hash(event.id) for _, event in unseen))
            at = states[-1].arrival if states else at
            if len(states) < _PAGE:
                break
        new += events_of_results(runtime)
        while len(self._seen) > _SEEN:  # the database knows the others
            del self._seen[next(iter(self._seen))]
        return Outcome(f"{new} new", max(cursor, min(at, now)))  # a clock elsewhere may be ahead

    def _without_former(self, made: Sequence[tuple[SeenState, Event]], runtime: ServiceRuntime) -> list[Event]:
        """The events of states, without those that an earlier version has made under other ids."""
        until = self._former_until or 0
        former = {former_id(state): event.id for state, event in made if state.arrival <= until}
        filter = EventFilter(ids=tuple(former))
        known = {former[each.id] for each in runtime.orchestrator.services.events(filter)} if former else set[str]()
        return [event for _, event in made if event.id not in known]

    def _look_back(self, runtime: ServiceRuntime) -> int:
        if time.monotonic() < self._next_long:
            return _LOOK_BACK
        self._next_long = time.monotonic() + _LONG_LOOK_SECONDS
        keep = int(runtime.settings.events_keep_seconds * _MICROS)
        runtime.orchestrator.services.forget_events(runtime.clock() - keep)
        return _LONG_LOOK_BACK


def event_of_state(state: SeenState) -> Event:
    """The event that a run came to a state."""
    of = "task-run" if state.of_task else "flow-run"
    run = {
        "id": state.run_id,
        "name": state.run_name,
        "flow_run_id": state.flow_run_id,
        "flow_name": state.flow_name,
        "task_name": state.task_name,
        "tags": json.loads(state.tags),
        "deployment": state.deployment,
        "partition": state.partition,
    }
    at = {"type": state.type, "name": state.name, "message": state.message}
    time = min(max(state.time, 0), LAST_TIME)  # a clock may say anything
    id = ordered_id(time, state.arrival // ARRIVAL - time, int.from_bytes(_digest(state.run_id, state.arrival)))
    return _event(id, f"{of}.{state.type.lower()}", time, state.run_id, state.flow_name, run, at)


def former_id(state: SeenState) -> str:
    """The id that earlier versions gave the event of a state: within a millisecond, these came in any order."""
    return _id(min(state.time, LAST_TIME), state.run_id, state.arrival)


def event_of_run(kind: str, run: FlowRun, now: Micros) -> Event:
    """An event about a flow run as it is, the same one for as long as it stays in its state."""
    shown = {
        "id": run.id,
        "name": run.name,
        "flow_run_id": run.id,
        "flow_name": run.flow_name,
        "task_name": None,
        "tags": json.loads(run.tags),
    }
    at = {"type": run.state_type, "name": run.state_name, "message": run.state_message}
    since = run.created if run.state_time is None else run.state_time
    return _event(_id(min(since, LAST_TIME), kind, run.id, since), kind, now, run.id, run.flow_name, shown, at)


def _event(
    id: str,
    kind: str,
    time: Micros,
    run_id: str,
    flow_name: str | None,
    run: Mapping[str, object],
    state: Mapping[str, object],
) -> Event:
    payload = {"id": id, "kind": kind, "time": to_datetime(time).isoformat(), "run": run, "state": state}
    return Event(id, time, kind, run_id, flow_name, json.dumps(payload, ensure_ascii=False))


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=10).digest()


def _id(time: Micros, *parts: object) -> str:
    """A UUID that sorts by time, and is the same for the same parts."""
    digest = int.from_bytes(_digest(*parts))
    number = ((time // 1_000) << 80 | digest) & ~(0xF << 76) & ~(0b11 << 62) | 7 << 76 | 0b10 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_deliveries(events: Sequence[Event], runtime: ServiceRuntime) -> list[Delivery]:
    """The deliveries of events to those hooks that want them."""
    return deliveries_of(events, runtime.orchestrator.services.hooks(), runtime.clock()) if events else []
