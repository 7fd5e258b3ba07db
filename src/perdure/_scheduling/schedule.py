"""A schedule: a rule with what is done about jitter, missed ticks, days off, a beginning and an end; all of it pure.

A tick is due at its time plus its jitter. It is named by its time alone, so that it is the same tick for whoever looks:
two servers, a process that was started anew, a new deploy of the same schedule.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Literal, get_args

from perdure._model.errors import InvalidSchedule
from perdure._platform.named import NamedTuple
from perdure._scheduling.cron_and_intervals import CronRule, IntervalRule, RecurrenceRule, Rule, is_excluded, rule_of

CatchUp = Literal["latest", "all", "none"]

_SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
# A tick that is looked at later than this was missed: who looks each second and is up sees it long before.
ON_TIME = timedelta(seconds=60)
MOST_AT_ONCE = 10_000  # missed ticks that are made in one look; what is older is made in the next one


class Missed(NamedTuple):
    """Ticks that came while nobody looked, and that were not made: how many, the first and the last of them."""

    ticks: int
    first: datetime
    last: datetime


class Due(NamedTuple):
    """What one look at a schedule found."""

    ticks: list[datetime]  # to be made, in order
    missed: Missed | None  # not made
    seen: datetime  # up to when all is decided: the next look begins here


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a deployment runs. Made by `Cron`, `Interval` or `RRule`.

    Attributes:
        rule: When it is due.
        slug: Its name within its deployment; of it and a tick's time a run's key is made, so keep it.
        parameters: Parameters of the runs, over those of the deployment.
        jitter: Each tick is due up to so much later, always the same for one tick: many schedules of one minute are
            spread by it.
        catchup: Of ticks that were missed, since nothing was up: make the "latest", "all" or "none" of them.
        catchup_window: How old a missed tick may be to be made.
        start: No tick is earlier.
        end: No tick is later.
        exclude: Days without ticks, by clocks in the rule's time zone.
        paused: Whether ticks are passed over without being counted as missed.
    """

    rule: Rule
    slug: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    jitter: timedelta = timedelta(0)
    catchup: CatchUp = "latest"
    catchup_window: timedelta = timedelta(hours=1)
    start: datetime | None = None
    end: datetime | None = None
    exclude: frozenset[date] = frozenset()
    paused: bool = False

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug) or len(self.slug) > 100:
            raise InvalidSchedule(
                f"A schedule's slug is small letters, digits and single '-', '_' or '.', up to 100: not {self.slug!r}."
            )
        if self.catchup not in get_args(CatchUp):
            raise InvalidSchedule(f"catchup= is one of {', '.join(get_args(CatchUp))}, not {self.catchup!r}.")
        if self.jitter < timedelta(0) or self.catchup_window < timedelta(0):
            raise InvalidSchedule("jitter= and catchup_window= are not negative.")
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise InvalidSchedule(f"{name}= needs a time zone: {moment.isoformat()} has none.")

    def ticks(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The ticks later than `after` and not later than `until`, in order, in UTC; computed as they are taken."""
        if self.start is not None:
            after = max(after, self.start - timedelta(microseconds=1))
        for tick in self.rule.after(after.astimezone(UTC)):
            if (until is not None and tick > until) or (self.end is not None and tick > self.end):
                return
            if not is_excluded(tick, self.rule.timezone, self.exclude):
                yield tick

    def upcoming(self, count: int, after: datetime) -> list[datetime]:
        """The next ticks, `count` at most."""
        return list(islice(self.ticks(after), count))

    def due_at(self, tick: datetime) -> datetime:
        """When a tick is due: its time plus its jitter, which is a function of slug and time."""
        if not self.jitter:
            return tick
        digest = hashlib.blake2b(f"{self.slug}/{tick.timestamp():.0f}".encode(), digest_size=8).digest()
        return tick + self.jitter * (int.from_bytes(digest) / 2**64)

    def due(self, seen: datetime, now: datetime) -> Due:
        """What is to be made now of the ticks later than `seen`, and what has been missed."""
        came: list[datetime] = []
        upto = seen
        for tick in self.ticks(seen, now):
            if self.due_at(tick) > now:
                break  # ticks stay in order: those after it wait for it
            came.append(tick)
            upto = tick
            if len(came) == MOST_AT_ONCE:
                break
        if self.paused or not came:
            return Due([], None, upto)
        on_time = [tick for tick in came if now - self.due_at(tick) <= ON_TIME]
        late = came[: len(came) - len(on_time)]
        made = [] if self.catchup == "none" else [tick for tick in late if now - tick <= self.catchup_window]
        if self.catchup == "latest":
            # The latest of all that came: if one is on time, older ones add nothing that it does not do.
            made = made[-1:] if not on_time else []
        left = late[: len(late) - len(made)]  # what is made of the late ones is the newest of them
        missed = Missed(len(left), left[0], left[-1]) if left else None
        return Due(made + on_time, missed, upto)

    def as_json(self) -> dict[str, object]:
        """The schedule as plain JSON, without parts that are as usual; `schedule_of` reads it."""
        kept: dict[str, Any] = {"slug": self.slug, **self.rule.as_json()}
        usual = replace(self, parameters={}, jitter=timedelta(0), catchup="latest", catchup_window=timedelta(hours=1))
        if self.parameters:
            kept["parameters"] = dict(self.parameters)
        kept |= {
            name: value.total_seconds()
            for name in ("jitter", "catchup_window")
            if (value := getattr(self, name)) != getattr(usual, name)
        }
        if self.catchup != usual.catchup:
            kept["catchup"] = self.catchup
        kept |= {f"{name}_at": moment.isoformat() for name in ("start", "end") if (moment := getattr(self, name))}
        if self.exclude:
            kept["exclude"] = sorted(day.isoformat() for day in self.exclude)
        return kept | ({"paused": True} if self.paused else {})


def schedule_of(kept: Mapping[str, Any]) -> Schedule:
    """The schedule that `as_json` wrote."""
    options: dict[str, Any] = {name: kept[name] for name in ("parameters", "catchup", "paused") if name in kept}
    options |= {name: timedelta(seconds=kept[name]) for name in ("jitter", "catchup_window") if name in kept}
    options |= {name: datetime.fromisoformat(kept[f"{name}_at"]) for name in ("start", "end") if f"{name}_at" in kept}
    options["exclude"] = frozenset(date.fromisoformat(day) for day in kept.get("exclude", ()))
    return Schedule(rule=rule_of(dict(kept)), slug=kept["slug"], **options)


def Cron(  # noqa: N802
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    **options: object,
) -> Schedule:
    """A schedule by a cron expression, such as `Cron("0 6 * * 1-5", timezone="Europe/Oslo")`.

    Five fields, or six with seconds first; `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. The options are the
    attributes of `Schedule`; `active=False` is `paused=True`. An expression with both a day of the month and a day of
    the week means days that are either one; with `day_or=False`, those that are both.

    Raises:
        InvalidSchedule: The expression cannot be read or never comes, or an option is wrong.
    """
    return _made(CronRule(cron, timezone or "UTC", day_or), slug, active, parameters, options)


def Interval(  # noqa: N802
    interval: float | timedelta,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    *,
    anchor: datetime | None = None,
    **options: object,
) -> Schedule:
    """A schedule of every so many seconds, such as `Interval(timedelta(minutes=10))` or `Interval(600)`.

    In step with `anchor`, or `anchor_date`, the beginning of 2020 if none is given, so that a restart changes nothing.
    Whole days are counted by clocks in the zone: the time of day stays when they are changed.

    Raises:
        InvalidSchedule: The interval is not of whole seconds, or an option is wrong.
    """
    span = _span("interval", interval)
    begin = anchor or anchor_date or datetime(2020, 1, 1)
    return _made(IntervalRule(span, begin, timezone or "UTC"), slug, active, parameters, options)


def RRule(  # noqa: N802
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, object] | None = None,
    slug: str | None = None,
    *,
    start: datetime | None = None,
    **options: object,
) -> Schedule:
    """A schedule by a recurrence rule of RFC 5545, such as `RRule("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17")`.

    `start` is the rule's DTSTART by clocks in the zone: the beginning of 2020 if none is given.

    Raises:
        InvalidSchedule: The rule cannot be read, is by seconds, or an option is wrong.
    """
    rule = RecurrenceRule(rrule, start or datetime(2020, 1, 1), timezone or "UTC")
    return _made(rule, slug, active, parameters, options)


def _span(name: str, given: object) -> timedelta:
    if isinstance(given, timedelta):
        return given
    if not isinstance(given, int | float) or isinstance(given, bool):
        raise InvalidSchedule(f"{name}= is a timedelta, or a number of seconds, not {given!r:.100}.")
    try:
        return timedelta(seconds=given)
    except (OverflowError, ValueError):
        raise InvalidSchedule(f"{name}={given!r} is no number of seconds.") from None


def _days(given: object) -> frozenset[date]:
    """Days: a text or a time among them would exclude nothing."""
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidSchedule(f"exclude= is a collection of days, such as [date(2026, 12, 25)], not {given!r:.100}.")
    return frozenset(map(_day, given))


def _day(given: object) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return date.fromisoformat(given if isinstance(given, str) else "")
    except ValueError:
        raise InvalidSchedule(
            f"exclude= has {given!r:.100}, which is no day. Write date(2026, 12, 25) or '2026-12-25'."
        ) from None


def _made(
    rule: Rule, slug: str | None, active: bool, parameters: Mapping[str, object] | None, options: dict[str, Any]
) -> Schedule:
    paused = options.pop("paused", False) or not active
    options |= {name: _span(name, options[name]) for name in ("jitter", "catchup_window") if name in options}
    if "exclude" in options:
        options["exclude"] = _days(options["exclude"])
    return Schedule(rule=rule, slug=slug or rule.kind, parameters=dict(parameters or {}), paused=paused, **options)
