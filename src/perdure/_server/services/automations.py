"""What automations make of events and of the time, and then do. It may be killed anywhere, and run twice at once.

First it is decided: what an automation remembers, its log, and the event's leaving the inbox are one transaction. Then
it is done what the log says is to be done. Each action is known by its line of the log: a run by its idempotency key,
an event by its id; to pause or cancel twice changes nothing.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from perdure._automations.definition import AutomationDefinition
from perdure._automations.evaluation import Decision, Memory, Seen, next_look, on_event, on_time
from perdure._automations.templates import looked_up
from perdure._model.errors import OrchestratorError, OrchestratorUnreachable, PerdureError, reasons
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple
from perdure._rooms.automations.port import Automation, Automations, Details, LogEntry, LogFilter
from perdure._rooms.events.port import Event, EventFilter, Service
from perdure._rooms.runs.records import RunFilter
from perdure._server.services.actions import CHAIN_TAG, Firing, act
from perdure._server.services.loop import FAILED, Outcome
from perdure._server.services.runtime import ServiceRuntime

_AT_ONCE = 200  # events that are decided in one transaction
_MOST_ACTING = 100  # lines of the log that are acted on in one look
_LATE: Micros = 2_000_000  # how long after a time an event of before it may be found
_AWAY = (OrchestratorError, OrchestratorUnreachable)  # what is raised while a database or a server is away
_DEEP = 100  # runs that called one another, and events that led to one another
_LONG_LOOK_SECONDS = 60.0  # between two looks for old lines of the log
_log = logging.getLogger("perdure.automations")


class _Work(NamedTuple):
    """An automation, with what it says and remembers; `memory` changes."""

    kept: Automation
    said: AutomationDefinition
    memory: Memory


class AutomationService:
    """The service: decides new events and times, and does what follows."""

    def __init__(self) -> None:
        self._next_long = 0.0

    def __call__(self, runtime: ServiceRuntime, _: int | None) -> Outcome:
        """Decide and do all that there is."""
        room = runtime.orchestrator.room(Automations)
        every = [each for each in room.all() if each.paused is None]
        ids = room.inbox(_AT_ONCE)
        decided = _decide(every, ids, runtime) if ids else 0
        if ids and decided is None:  # somebody else did
            return Outcome("Another server decided", is_done=False)
        timed = _look_at_times(room.all(), runtime) if not ids else 0
        acted = sum(_do(entry, runtime) for entry in room.log(LogFilter(phase="acting", limit=_MOST_ACTING))[::-1])
        self._forget_old(room, runtime)
        is_done = not ids and acted < _MOST_ACTING
        return Outcome(f"{len(ids)} events decided, {timed or 0} times, {acted} acted on", is_done=is_done)

    def _forget_old(self, room: Automations, runtime: ServiceRuntime) -> None:
        if time.monotonic() >= self._next_long:
            self._next_long = time.monotonic() + _LONG_LOOK_SECONDS
            room.forget_log(runtime.clock() - int(runtime.settings.events_keep_seconds * 1_000_000))


def _decide(every: Sequence[Automation], ids: Sequence[str], runtime: ServiceRuntime) -> int | None:
    """Decide events; how many lines that wrote. None if somebody else has decided some of them."""
    works = [work for each in every if (work := _work(each)) is not None]
    events = {each.id: each for each in runtime.orchestrator.services.events(EventFilter(ids=tuple(ids)))}
    now, entries, touched = runtime.clock(), list[LogEntry](), set[str]()
    for id in ids:
        event = events.get(id)
        if event is None:  # it was forgotten before anybody looked
            continue
        seen = _seen(event)
        for work in works:
            if event.time < work.kept.since:
                continue
            chain = partial(_chain_of, seen, runtime)
            decision = on_event(work.said, work.kept.name, work.memory, seen, chain, now)
            if decision is not None:
                touched.add(work.kept.id)
                entries.append(_entry(work, decision, seen.kind, now))
    changed = [_changed(each) for each in works if each.kept.id in touched]
    return len(entries) if runtime.orchestrator.room(Automations).settle(ids, changed, entries) else None


def _look_at_times(every: Sequence[Automation], runtime: ServiceRuntime) -> int:
    """Decide what follows from the time; how many lines that wrote."""
    now, written = runtime.clock(), 0
    seen = _seen_until(runtime, now)
    for each in every:
        if each.paused is not None or each.due is None or each.due > now:
            continue
        if (work := _work(each)) is None:
            continue
        decisions = on_time(work.said, work.memory, each.since, seen, now)
        entries = [_entry(work, decision, None, now) for decision in decisions]
        changed = _changed(work)
        if entries or (changed.memory, changed.due) != (each.memory, each.due):
            written += len(entries) * runtime.orchestrator.room(Automations).settle((), [changed], entries)
    return written


def _seen_until(runtime: ServiceRuntime, now: Micros) -> Micros:
    """Until when all that happened has become events: what is absent until then is absent."""
    makes: Service | None = next((each for each in runtime.orchestrator.services.all() if each.name == "events"), None)
    if makes is None:  # nobody makes events of states here: those that programs emit are there at once
        return now - _LATE
    if makes.ended is None or makes.outcome == FAILED:
        return 0
    return min(now, makes.ended) - _LATE


def _work(kept: Automation) -> _Work | None:
    """An automation with what it says; None, and a line in the log, of one that a later version of Perdure has made."""
    try:
        return _Work(kept, definition_of(kept.definition), json.loads(kept.memory))
    except ValueError as error:
        _log.error("The automation %r cannot be read here, and does nothing: %s", kept.name, reasons(error))
        return None


@lru_cache(maxsize=1_000)
def definition_of(text: str) -> AutomationDefinition:
    """What an automation says, by its JSON."""
    return AutomationDefinition.model_validate_json(text)


def _changed(work: _Work) -> Automation:
    due = next_look(work.said, work.memory, work.kept.since)
    return work.kept._replace(memory=json.dumps(work.memory), due=due)


def _seen(event: Event) -> Seen:
    return Seen(event.id, event.time, event.kind, json.loads(event.payload))


def _entry(work: _Work, decision: Decision, kind: str | None, now: Micros) -> LogEntry:
    acts = decision.outcome == "acts"
    return LogEntry(
        new_id(),
        work.kept.id,
        now,
        decision.event_id,
        kind,
        decision.outcome,
        decision.reason,
        "acting" if acts else "done",
        Details(decision.chain).text(),
    )


def _chain_of(event: Seen, runtime: ServiceRuntime) -> tuple[str, ...]:
    """The automations that led to an event: those that its run was started by, or its outer ones, and its own."""
    led = looked_up(event.content, "payload.chain")  # whoever emits may have put anything there
    found = [each for each in led if isinstance(each, str)] if isinstance(led, list) else []
    run = event.content.get("run") or {}
    id = run.get("flow_run_id") or run.get("id")
    for _ in range(_DEEP):
        runs = runtime.orchestrator.flow_runs(RunFilter(ids=(id,), limit=1)) if id else ()
        if not runs:
            break
        tags: list[str] = json.loads(runs[0].tags)
        found += [tag.removeprefix(CHAIN_TAG) for tag in tags if tag.startswith(CHAIN_TAG)]
        id = runs[0].parent_flow_run_id
    return tuple(dict.fromkeys(found))


def _do(entry: LogEntry, runtime: ServiceRuntime) -> int:
    """Do what a line of the log says is to be done, and note what became of it; 1 if that was this one."""
    room = runtime.orchestrator.room(Automations)
    of = next((each for each in room.all() if each.id == entry.automation_id), None)
    if of is None:  # it was deleted meanwhile, with its log
        return 0
    chain = tuple(Details.of(json.loads(entry.details)).chain)
    firing = Firing(entry.id, of.name, chain, _event_of(entry, of, runtime), entry.time)
    outcomes = list(_done(definition_of(of.definition), firing, runtime))
    failed = [each["error"] for each in outcomes if "error" in each]
    if failed:
        _log.error("The automation %r could not do all that it is to: %s", of.name, "; ".join(failed))
    done = entry._replace(
        outcome="failed" if failed else "acts",
        phase="done",
        details=Details(chain, outcomes).text(),
    )
    return int(room.note(done))


def _done(said: AutomationDefinition, firing: Firing, runtime: ServiceRuntime) -> Iterator[dict[str, Any]]:
    for number, action in enumerate(said.actions):
        try:
            yield {"do": action.do, **act(action, number, firing, runtime)}
        except Exception as error:  # whatever it is: it must not keep other automations from acting
            if type(error) in _AWAY:  # it is done in the next look
                raise
            said_why = str(error) if isinstance(error, PerdureError) else f"{type(error).__name__}: {error}"
            yield {"do": action.do, "error": said_why[:1_000]}


def _event_of(entry: LogEntry, of: Automation, runtime: ServiceRuntime) -> dict[str, Any]:
    """The event of a line of the log, as templates and receivers see it; of a time, one that says so."""
    wanted = EventFilter(ids=() if entry.event_id is None else (entry.event_id,), limit=1)
    found = runtime.orchestrator.services.events(wanted) if entry.event_id is not None else ()
    if found:
        content: dict[str, Any] = json.loads(found[0].payload)
        return content
    return {
        "id": entry.event_id or entry.id,
        "kind": entry.event_kind or "automation.absence",
        "time": to_datetime(entry.time).isoformat(),
        "run": {},
        "state": {},
        "resource": {"perdure.resource.id": f"perdure.automation.{of.name}"},
        "payload": {"reason": entry.reason},
    }
