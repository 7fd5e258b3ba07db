"""What follows for an automation from an event, or from a time. All of it pure: `memory` is what it keeps between.

Whoever calls commits the memory and the decisions with the event's leaving the inbox, in one transaction. So each
event is decided once, whatever is killed in between.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

from perdure._automations.definition import (
    MOST_KEYS,
    AbsenceTrigger,
    AutomationDefinition,
    EventTrigger,
    FileTrigger,
)
from perdure._automations.templates import MISSING, looked_up
from perdure._model.flow_names import deployment_spellings, spellings
from perdure._platform.clock import Micros, from_datetime, to_datetime
from perdure._platform.named import NamedTuple

# acts; waits: for more events, for quiet, or for a time; ignored: did not match; limited: acts too often;
# loop: the event follows from what it did itself; missed: nobody looked at that time
Outcome = Literal["acts", "waits", "ignored", "limited", "loop", "missed"]
Memory = dict[str, Any]
# Fields of events that are names of flows, or begin so.
OF_FLOWS = frozenset({"run.flow_name", "run.deployment", "payload.deployment", "payload.schedule"})
APPEARED = "file.appeared"  # the kind of the events of files
_MICROS = 1_000_000
_MOST_TICKS = 100_000  # of a deadline that are passed over at once


class Seen(NamedTuple):
    """An event as automations see it."""

    id: str
    time: Micros
    kind: str
    content: Mapping[str, Any]  # as webhooks are sent it


class Decision(NamedTuple):
    """What follows from an event or a time, and why."""

    outcome: Outcome
    reason: str
    event_id: str | None = None
    chain: tuple[str, ...] = ()  # the automations that led to the event, the latest last


def wants(kinds: Sequence[str], kind: str) -> bool:
    """Whether a kind of event is one of several."""
    return any(kind.startswith(each[:-1]) if each.endswith("*") else kind == each for each in kinds)


def mismatch(wanted: Mapping[str, Sequence[str]], content: Mapping[str, object]) -> str | None:
    """Why an event does not match, or None. Of a list, one of the items must be as wanted."""
    for path, patterns in wanted.items():
        value = looked_up(content, path)
        values = value if isinstance(value, list) else _names(value) if path in OF_FLOWS else [value]
        if value is MISSING or not any(_fits(pattern, each) for pattern in patterns for each in values):
            shown = "missing" if value is MISSING else f"{value!r:.100}"
            return f"{path} is {shown}, not {' or '.join(map(repr, patterns))}"[:500]
    return None


def _names(value: object) -> list[object]:
    """The name of a flow, or of a deployment or schedule, which begins so, by either of the flow's names."""
    if not isinstance(value, str):
        return [value]
    flow, *rest = value.split("/", 2)
    if not rest:
        return list(spellings(flow))
    return ["/".join([*each, *rest[1:]]) for each in deployment_spellings(flow, rest[0])]


def _fits(pattern: str, value: object) -> bool:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def on_event(
    said: AutomationDefinition,
    name: str,
    memory: Memory,
    event: Seen,
    chain: Callable[[], tuple[str, ...]],
    now: Micros,
) -> Decision | None:
    """What follows from an event; None if it is of a kind that the automation does not know.

    `chain` finds out which automations led to the event; it is asked only if the event matters.
    """
    trigger = said.trigger
    if isinstance(trigger, FileTrigger):
        is_own = event.kind == APPEARED and looked_up(event.content, "payload.automation") == name
        return _on_match(said, name, memory, event, "", chain(), now) if is_own else None
    opens = isinstance(trigger, AbsenceTrigger) and trigger.after is not None and wants(trigger.after, event.kind)
    if not opens and not wants(trigger.expect, event.kind):
        return None
    if (why := mismatch(trigger.wanted, event.content)) is not None:
        return Decision("ignored", why, event.id)
    if isinstance(trigger, AbsenceTrigger):
        return _absence_seen(trigger, memory, event, opens)
    return _on_match(said, name, memory, event, _key_of(trigger.for_each, event), chain(), now)


def _on_match(
    said: AutomationDefinition, name: str, memory: Memory, event: Seen, key: str, led: tuple[str, ...], now: Micros
) -> Decision:
    trigger = said.trigger
    if name in led:
        return Decision("loop", f"it follows from what this did: {' → '.join((*led, name))}", event.id, led)
    if isinstance(trigger, EventTrigger) and trigger.threshold > 1:
        times = _counted(trigger, memory, key, event.time)
        if len(times) < trigger.threshold:
            return Decision("waits", f"{len(times)} of {trigger.threshold} within {trigger.within:g} s", event.id)
        del memory["counts"][key]
    if said.debounce:
        return _put_off(said, memory, key, event, led, now)
    return _acted(said, memory, event.id, led, now, "the event matches")


def _key_of(paths: Sequence[str], event: Seen) -> str:
    values = [looked_up(event.content, path) for path in paths]
    return "|".join("" if value is MISSING else str(value) for value in values)


def _counted(trigger: EventTrigger, memory: Memory, key: str, time: Micros) -> list[Micros]:
    """The times of the events of a key that count, with this one."""
    counts: dict[str, list[Micros]] = memory.setdefault("counts", {})
    oldest = time - int(trigger.within * _MICROS)
    for each in [each for each, times in counts.items() if times[-1] < oldest]:
        del counts[each]
    counts[key] = sorted([*(each for each in counts.pop(key, ()) if each >= oldest), time])
    _forget_oldest(counts)
    return counts[key]


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > MOST_KEYS:
        del kept[next(iter(kept))]


def _put_off(
    said: AutomationDefinition, memory: Memory, key: str, event: Seen, led: tuple[str, ...], now: Micros
) -> Decision:
    pending: dict[str, Any] = memory.setdefault("pending", {})
    count = pending.pop(key, {"count": 0})["count"] + 1
    due = now + int(said.debounce * _MICROS)
    pending[key] = {"event": event.id, "count": count, "due": due, "chain": list(led)}
    _forget_oldest(pending)
    return Decision("waits", f"for {said.debounce:g} s without another one; {count} so far", event.id, led)


def _acted(
    said: AutomationDefinition, memory: Memory, event_id: str | None, led: tuple[str, ...], now: Micros, why: str
) -> Decision:
    limit = said.rate_limit
    if limit is not None:
        recent = [each for each in memory.get("acted", ()) if each > now - int(limit.seconds * _MICROS)]
        memory["acted"] = recent
        if len(recent) >= limit.count:
            return Decision("limited", f"it acted {limit.count} times within {limit.seconds:g} s", event_id, led)
        memory["acted"] = [*recent, now]
    return Decision("acts", why, event_id, led)


# Absence


def _absence_seen(trigger: AbsenceTrigger, memory: Memory, event: Seen, opens: bool) -> Decision:
    if trigger.by is not None:
        due = memory.get("due")
        place = "last" if due is None or event.time <= due else "next"
        memory[place] = max(event.time, memory.get(place, 0))
        return Decision("waits", "it came in time; looking again at the next time", event.id)
    waiting: dict[str, Any] = memory.setdefault("open", {})
    key = _key_of(trigger.for_each, event)
    if wants(trigger.expect, event.kind) and key in waiting:
        if event.time <= waiting[key]["due"]:
            del waiting[key]
            return Decision("waits", "it came in time", event.id)
        return Decision("waits", "it came too late", event.id)
    if opens:
        waiting[key] = {"event": event.id, "due": event.time + int(trigger.within * _MICROS)}
        _forget_oldest(waiting)
        return Decision("waits", f"for {' or '.join(trigger.expect)} within {trigger.within:g} s", event.id)
    return Decision("waits", "nothing was waited for", event.id)


def on_time(said: AutomationDefinition, memory: Memory, since: Micros, seen: Micros, now: Micros) -> list[Decision]:
    """What follows from the time. Events up to `seen` have been decided; the automation looks since `since`."""
    trigger, found = said.trigger, list[Decision]()
    for key, each in _due_of(memory, "pending", now):
        del memory["pending"][key]
        why = f"quiet for {said.debounce:g} s after {each['count']} events"
        found.append(_acted(said, memory, each["event"], tuple(each["chain"]), now, why))
    if not isinstance(trigger, AbsenceTrigger):
        return found
    for key, each in _due_of(memory, "open", seen):
        del memory["open"][key]
        why = f"no {' or '.join(trigger.expect)} came within {trigger.within:g} s"
        found.append(_acted(said, memory, each["event"], (), now, why))
    if trigger.by is not None:
        found += _deadlines(said, trigger, memory, since, seen, now)
    return found


def _due_of(memory: Memory, name: str, until: Micros) -> Iterator[tuple[str, Any]]:
    return iter([(key, each) for key, each in memory.get(name, {}).items() if each["due"] <= until])


def _deadlines(
    said: AutomationDefinition, trigger: AbsenceTrigger, memory: Memory, since: Micros, seen: Micros, now: Micros
) -> list[Decision]:
    if memory.get("due") is None:
        memory["due"] = _tick_after(trigger, since)
        return []
    passed: list[Micros] = []
    while (due := memory["due"]) is not None and due <= seen and len(passed) < _MOST_TICKS:
        passed.append(due)
        memory["due"] = _tick_after(trigger, due)
    if not passed:
        return []
    found = []
    if len(passed) > 1:
        first, last = (to_datetime(each).isoformat() for each in (passed[0], passed[-2]))
        found.append(Decision("missed", f"{len(passed) - 1} times passed while nobody looked: {first} to {last}"))
    due = passed[-1]
    came = [each for each in (memory.get("last"), memory.get("next")) if each is not None]
    begin = due - int(trigger.within * _MICROS) if trigger.within else _tick_before(trigger, due)
    in_time = [each for each in came if begin < each <= due]
    memory["last"], memory["next"] = max([each for each in came if each > due], default=0), 0
    when = to_datetime(due).isoformat()
    if begin < since:
        found.append(Decision("waits", f"by {when}: it looks since {to_datetime(since).isoformat()} only"))
    elif not in_time:
        since_when = to_datetime(begin).isoformat()
        why = f"no {' or '.join(trigger.expect)} came from {since_when} to {when}"
        found.append(_acted(said, memory, None, (), now, why))
    return found


def _tick_after(trigger: AbsenceTrigger, time: Micros) -> Micros | None:
    tick = next(trigger.rule.after(to_datetime(time)), None)
    return None if tick is None else from_datetime(tick)


def _tick_before(trigger: AbsenceTrigger, due: Micros) -> Micros:
    """The tick before one: of those in the hours, days and years before it, as far back as it takes."""
    at = to_datetime(due)
    for span in (timedelta(hours=2), timedelta(days=2), timedelta(days=40), timedelta(days=1_500)):
        ticks = []
        for tick in trigger.rule.after(at - span):
            ticks.append(tick)
            if tick >= at:
                break
        before = [one for one, other in pairwise(ticks) if other >= at]
        if before:
            return from_datetime(before[-1])
    return from_datetime(at - timedelta(days=1_500))


def next_look(said: AutomationDefinition, memory: Memory, since: Micros) -> Micros | None:
    """When the automation is to be looked at next, whatever comes; None if nothing is waited for."""
    due = [each["due"] for name in ("pending", "open") for each in memory.get(name, {}).values()]
    if isinstance(said.trigger, AbsenceTrigger) and said.trigger.by is not None:
        due.append(memory["due"] if memory.get("due") is not None else since)
    return min(due, default=None)
