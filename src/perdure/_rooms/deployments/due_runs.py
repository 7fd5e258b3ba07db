"""Making the runs that schedules are due for. Whoever does it, however often: a tick becomes one run.

Which ticks are due, and which of those that were missed are made up for (catch-up), `Schedule.due` says
(`_scheduling.schedule`). A tick is known by names and its time alone, so a schedule that is deployed anew, a server
beside another one, or one that starts again makes nothing twice. Nothing is made ahead.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from perdure._model.errors import OrchestratorError, PerdureError
from perdure._platform.clock import Micros, from_datetime, to_datetime
from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import TICK, Deployment, ScheduleRecord
from perdure._rooms.deployments.runs import Wanted, make_runs
from perdure._rooms.deployments.serving import Serving, is_served
from perdure._rooms.deployments.signatures import check_schedule_signature, signed_schedule
from perdure._rooms.events.port import NO_RUN, Event
from perdure._scheduling.schedule import ON_TIME, Due, Missed, Schedule, schedule_of
from perdure._store.protocol import Orchestrator

MISSED = "schedule.missed"  # an event: ticks came while nobody looked, and were not made
UNSERVED = "schedule.unserved"  # an event: a tick came while the program that serves its deployment was down
HELD = "schedule.held"  # an event: a tick waits, since as many runs of ticks wait as may
FAILED = "schedule.failed"  # an event: the runs of a tick could not be made
_ON_TIME: Micros = ON_TIME // timedelta(microseconds=1)
_HELD: Micros = 5_000_000  # until a schedule is looked at again whose ticks wait
_UNREADABLE: Micros = 60_000_000  # until one is looked at again that cannot be read: here its time zone is not known
_AT_ONCE = 500  # schedules in one look
_log = logging.getLogger("perdure.schedules")


class Made(NamedTuple):
    """What one look came to."""

    runs: int
    schedules: int  # that were due


def make_due_runs(now: Micros, known: Orchestrator, serving: Serving | None = None, most_waiting: int = 0) -> Made:
    """Make the runs of all schedules that are due; but of served deployments only of those whose programs are there.

    While `most_waiting` runs that schedules made of a deployment wait, its ticks wait, too: its schedules are not seen
    further, and what to make of late ticks is their catch-up policy's. 0: as many wait as come.
    """
    served = None if serving is None else serving.pools(known.deployments, now)
    if serving is not None and serving.is_to_report():
        _report_unserved(now, known, serving)
    due = known.deployments.due_schedules(now, _AT_ONCE, served)
    deployments = {each.deployment_id: known.deployments.one(each.deployment_id) for each in due}
    room = _room([of for of in deployments.values() if of is not None], most_waiting, known)
    runs, seen = 0, []
    for record in due:
        of = deployments[record.deployment_id]
        if of is None:
            continue
        if room[of.id] <= 0:
            _report_held(record, of, most_waiting, now, known)
            seen.append(record._replace(due=now + _HELD))
            continue
        try:
            schedule = schedule_of(json.loads(record.definition))
            found = _first(room[of.id], schedule.due(to_datetime(record.seen), to_datetime(now)))
            room[of.id] -= len(found.ticks)
            if found.missed is not None:
                _report_missed(record, of, found.missed, now, known)
            runs += _made(record, of, list(wanted_of(schedule, of, found.ticks)), now, known)
            seen.append(_as_seen(record, schedule, from_datetime(found.seen)))
        except OrchestratorError:
            raise
        except Exception as error:  # one that cannot be read, here and now, must not keep all others from making runs
            _report_failed(record, of, error, now, known)
            seen.append(record._replace(due=now + _UNREADABLE))
    if seen:
        known.deployments.note_seen(seen)
    return Made(runs, len(due))


def _room(deployments: Sequence[Deployment], most_waiting: int, known: Orchestrator) -> dict[str, float]:
    """For how many more ticks runs may be made, of each deployment."""
    if not most_waiting or not deployments:
        return dict.fromkeys((of.id for of in deployments), math.inf)
    waiting = known.deployments.waiting(sorted({of.work_pool for of in deployments}))
    runs = {each.deployment_id: each.runs for each in waiting}
    return {of.id: most_waiting - runs.get(of.id, 0) for of in deployments}


def _first(room: float, found: Due) -> Due:
    """The first ticks for which there is room; what comes after them is seen by a later look."""
    if len(found.ticks) <= room:
        return found
    ticks = found.ticks[: int(room)]
    return found._replace(ticks=ticks, seen=ticks[-1])


def _report_held(record: ScheduleRecord, of: Deployment, runs: int, now: Micros, known: Orchestrator) -> None:
    """Have an event of a schedule whose ticks wait: once, until one is made."""
    if _emit(HELD, record, of, now, {"waiting": runs}, known):
        _log.warning(
            "The ticks of the schedule %r of %s/%s wait, since %d runs of its deployment do: they come faster than runs"
            " end, or no worker takes them.",
            *(record.slug, of.flow_name, of.name, runs),
        )


def _report_unserved(now: Micros, known: Orchestrator, serving: Serving) -> None:
    """Have an event of each schedule whose tick came while its program was down: once, until it is back."""
    for record in known.deployments.due_schedules(now - _ON_TIME, _AT_ONCE):
        of = None if serving.has_reported(record) else known.deployments.one(record.deployment_id)
        if of is None or not is_served(of.work_pool) or of.work_pool in serving.pools(known.deployments, now):
            continue
        serving.note_reported(record)
        name = f"{of.flow_name}/{of.name}"
        _log.warning("The schedule %r of %s is due, and the program that serves it does not run.", record.slug, name)
        _emit(UNSERVED, record, of, now, {"work_pool": of.work_pool}, known)


def _made(record: ScheduleRecord, of: Deployment, wanted: Sequence[Wanted], now: Micros, known: Orchestrator) -> int:
    try:
        check_schedule_signature(record.definition, of.flow_name, of.name)
        return len(make_runs(of, wanted, now, known))
    except OrchestratorError:  # its fault are neither the deployment nor the tick, which comes again
        raise
    except PerdureError as error:
        _report_failed(record, of, error, now, known)
        return 0


def _report_failed(record: ScheduleRecord, of: Deployment, error: Exception, now: Micros, known: Orchestrator) -> None:
    """Have an event of a schedule that made no run, with the reason; once, while it is the same ticks."""
    said = str(error) if isinstance(error, PerdureError) else f"{type(error).__name__}: {error}"
    if _emit(FAILED, record, of, now, {"error": said}, known):
        _log.error("The schedule %r of %s/%s made no run: %s", record.slug, of.flow_name, of.name, said)


def _as_seen(record: ScheduleRecord, schedule: Schedule, seen: Micros) -> ScheduleRecord:
    seen = max(seen, record.seen)
    return record._replace(seen=seen, due=_next(schedule, seen))


def wanted_of(schedule: Schedule, of: Deployment, ticks: Sequence[datetime]) -> Iterator[Wanted]:
    """The runs of ticks: one each; of partitions, one for each that a tick is about."""
    slices = definition_of_text(of.definition).slices()
    for tick in ticks:
        key = tick_key(of, schedule.slug, tick)
        made = Wanted(
            from_datetime(schedule.due_at(tick)),
            schedule.parameters,
            key,
            schedule.slug,
            from_datetime(tick),
        )
        if slices is None:
            yield made
            continue
        for each in slices.newest(tick):
            yield Wanted(made.due, made.parameters, f"{key}/{each.key}", made.schedule, made.tick, each)


def tick_key(of: Deployment, slug: str, tick: datetime) -> str:
    """What a tick's run is known by."""
    return f"{TICK}{of.flow_name}/{of.name}/{slug}/{tick.timestamp():.0f}"


def scheduled(schedule: Schedule, of: Deployment, now: Micros) -> ScheduleRecord:
    """A schedule of a deployment as it is kept, seen up to now: what came before it was deployed is not made up for."""
    kept = ScheduleRecord(of.id, schedule.slug, _text(schedule, of), now, None, None, now)
    return kept._replace(due=_next(schedule, now), paused=now if schedule.paused else None)


def _text(schedule: Schedule, of: Deployment) -> str:
    # Whether it is paused is the record's: who resumes it does not change the definition.
    kept = replace(schedule, paused=False).as_json()
    return json.dumps(signed_schedule(kept, of.flow_name, of.name), sort_keys=True)


def _next(schedule: Schedule, seen: Micros) -> Micros | None:
    tick = next(schedule.ticks(to_datetime(seen)), None)
    return None if tick is None else from_datetime(schedule.due_at(tick))


def resume_schedules(records: Sequence[ScheduleRecord], now: Micros, known: Orchestrator) -> None:
    """Have schedules that were paused be seen up to now: what came meanwhile was not missed, but paused."""
    seen = [_as_seen(each, schedule_of(json.loads(each.definition)), now) for each in records]
    known.deployments.note_seen(seen)


def _report_missed(record: ScheduleRecord, of: Deployment, missed: Missed, now: Micros, known: Orchestrator) -> None:
    first, last = (moment.astimezone(UTC).isoformat() for moment in (missed.first, missed.last))
    _log.warning(
        "The schedule %r of %s/%s missed %d ticks, from %s to %s.",
        *(record.slug, of.flow_name, of.name, missed.ticks, first, last),
    )
    _emit(MISSED, record, of, now, {"ticks": missed.ticks, "first": first, "last": last}, known)


def _emit(
    kind: str, record: ScheduleRecord, of: Deployment, now: Micros, what: dict[str, object], known: Orchestrator
) -> bool:
    """Have an event of a schedule; whether it is the first of its kind since the schedule was seen further."""
    name = f"{of.flow_name}/{of.name}/{record.slug}"
    digest = hashlib.blake2b(f"{kind} {name} {record.seen}".encode(), digest_size=16).hexdigest()
    id = str(UUID(digest))
    payload = {"schedule": name, "deployment": f"{of.flow_name}/{of.name}", **what}
    return known.emit(Event(id, now, kind, NO_RUN, of.flow_name, json.dumps(payload)))


def upcoming(records: Sequence[ScheduleRecord], count: int, now: Micros) -> list[tuple[datetime, ScheduleRecord]]:
    """The next ticks of schedules that can be read, soonest first; computed, since none is made ahead."""
    found = [(tick, record) for record in records if record.paused is None for tick in _next_ticks(record, count, now)]
    return sorted(found, key=lambda pair: pair[0])[:count]


def _next_ticks(record: ScheduleRecord, count: int, now: Micros) -> Sequence[datetime]:
    try:
        return schedule_of(json.loads(record.definition)).upcoming(count, to_datetime(now))
    except Exception:  # whoever makes its runs reports why
        return ()


def soon(records: Sequence[ScheduleRecord], now: Micros) -> timedelta | None:
    """How long until one of the schedules is due; None if none ever is."""
    due = [each.due for each in records if each.due is not None and each.paused is None]
    return timedelta(microseconds=max(0, min(due) - now)) if due else None
