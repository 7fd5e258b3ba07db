"""Partitions: the slices of data that runs of a deployment are about, each named by a key.

A key says the same for a schedule, a backfill and a person: "2024-05-01" is that day by clocks in the partitions' time
zone. A partition of time is there once it is over, so that its data can be complete. Hours are those of UTC, since a
local hour comes twice, or not at all, when clocks are changed.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from perdure._model.errors import InvalidPartition
from perdure._platform.named import NamedTuple
from perdure._scheduling.zones import instant_of, local_at, zone_named

Every = Literal["hour", "day", "week", "month"]
_SHAPES: Mapping[Every, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_SEPARATOR = "|"


class Partition(NamedTuple):
    """One slice of data: its key, and, if it is one of time, its first moment and the first one after it, both in the
    partitions' time zone."""

    key: str
    start: datetime | None = None
    end: datetime | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The key of each dimension."""
        return tuple(self.key.split(_SEPARATOR))


class Partitions(Protocol):
    """All partitions of a deployment."""

    def until(self, now: datetime, first: str | None = None, last: str | None = None) -> Iterator[Partition]:
        """Those that are over by `now`, in order; from the key `first` to the key `last`, both included."""
        ...

    def partition(self, key: str) -> Partition:
        """The one of a key. Raises `InvalidPartition` if there is none."""
        ...

    def newest(self, now: datetime) -> list[Partition]:
        """What a schedule's run at this moment is about: of time, the newest that is over; of a list, all of it."""
        ...

    def as_json(self) -> dict[str, object]:
        """The partitions as plain JSON; `partitions_of` reads it."""
        ...


@dataclass(frozen=True)
class TimePartitions:
    """Hours of UTC, or days, weeks (from Monday) or months by clocks in a zone, since the one that holds `start`."""

    every: Every
    start: datetime  # by clocks in the zone
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        zone = zone_named(self.timezone)
        start = self.start if self.start.tzinfo is None else local_at(self.start, zone)
        object.__setattr__(self, "start", self._floor(start))

    def until(self, now: datetime, first: str | None = None, last: str | None = None) -> Iterator[Partition]:
        local = self._local(first) if first is not None else self.start
        stop = self._local(last) if last is not None else datetime.max
        while local <= stop:
            each = self._made(local)
            if each.end is None or each.end > now:
                return
            yield each
            local = self._next(local)

    def partition(self, key: str) -> Partition:
        return self._made(self._local(key))

    def newest(self, now: datetime) -> list[Partition]:
        current = self._floor(local_at(now, zone_named(self.timezone)))
        before = self._floor(current - timedelta(minutes=1))
        return [self._made(before)] if before >= self.start else []

    def as_json(self) -> dict[str, object]:
        return {"every": self.every, "start": self.start.isoformat(), "timezone": self.timezone}

    def _local(self, key: str) -> datetime:
        try:
            local = datetime.strptime(key, _SHAPES[self.every])
        except ValueError:
            local = None
        if local is None or self._floor(local) != local or local < self.start or self._key(local) != key:
            shape = "is a Monday," if self.every == "week" else "is"
            first = self._key(self.start)
            raise InvalidPartition(f"There is no partition {key!r}: a {self.every}'s key {shape} like {first!r}.")
        return local

    def _floor(self, local: datetime) -> datetime:
        if self.every == "hour":
            return local.replace(minute=0, second=0, microsecond=0)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.every == "month":
            return day.replace(day=1)
        return day - timedelta(days=day.weekday()) if self.every == "week" else day

    def _next(self, local: datetime) -> datetime:
        return (local + timedelta(days=32)).replace(day=1) if self.every == "month" else local + _STEPS[self.every]

    def _key(self, local: datetime) -> str:
        # strftime does not pad years on every platform
        return local.isoformat()[: {"hour": 13, "day": 10, "week": 10, "month": 7}[self.every]]

    def _made(self, local: datetime) -> Partition:
        zone = zone_named(self.timezone)
        start, end = (instant_of(each, zone).astimezone(zone) for each in (local, self._next(local)))
        return Partition(self._key(local), start, end)


@dataclass(frozen=True)
class StaticPartitions:
    """A list of keys, in its order."""

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        twice = {key for key in self.keys if self.keys.count(key) > 1} if len(self.keys) < 1_000 else set()
        wrong = [key for key in self.keys if not key or _SEPARATOR in key or key in twice]
        if wrong or not self.keys or len(set(self.keys)) < len(self.keys):
            shown = f"{wrong[0]!r} is not" if wrong else "these are not"
            raise InvalidPartition(f"Keys of partitions are texts without '|', each once: {shown}.")

    def until(self, now: datetime, first: str | None = None, last: str | None = None) -> Iterator[Partition]:  # noqa: ARG002
        begin = 0 if first is None else self.keys.index(self.partition(first).key)
        end = len(self.keys) if last is None else self.keys.index(self.partition(last).key) + 1
        return map(Partition, self.keys[begin:end])

    def partition(self, key: str) -> Partition:
        if key not in self.keys:
            raise InvalidPartition(f"There is no partition {key!r}. There are: {', '.join(self.keys[:20])}.")
        return Partition(key)

    def newest(self, now: datetime) -> list[Partition]:
        return list(self.until(now))

    def as_json(self) -> dict[str, object]:
        return {"keys": list(self.keys)}


@dataclass(frozen=True)
class TwoDimensions:
    """Every pair of two kinds of partitions; its key is both keys with '|' between, such as "2024-05-01|no"."""

    first: Partitions
    second: Partitions

    def __post_init__(self) -> None:
        if isinstance(self.first, TwoDimensions) or isinstance(self.second, TwoDimensions):
            raise InvalidPartition("Partitions have two dimensions at most: give a list of joined keys instead.")
        if isinstance(self.second, TimePartitions):
            raise InvalidPartition("Of two dimensions, time is the first: write product(daily(...), static(...)).")

    def until(self, now: datetime, first: str | None = None, last: str | None = None) -> Iterator[Partition]:
        (from_one, from_two), (to_one, to_two) = self._bounds(first), self._bounds(last)
        ones, twos = self.first.until(now, from_one, to_one), self.second.until(now, from_two, to_two)
        yield from itertools.starmap(self._pair, itertools.product(ones, twos))

    def partition(self, key: str) -> Partition:
        one, two = self._bounds(key)
        if one is None or two is None:
            raise InvalidPartition(
                f"There is no partition {key!r}: of two dimensions a key has both, as in 'day|region'."
            )
        return self._pair(self.first.partition(one), self.second.partition(two))

    def newest(self, now: datetime) -> list[Partition]:
        return [self._pair(*pair) for pair in itertools.product(self.first.newest(now), self.second.newest(now))]

    def as_json(self) -> dict[str, object]:
        return {"first": self.first.as_json(), "second": self.second.as_json()}

    def _bounds(self, key: str | None) -> tuple[str | None, str | None]:
        """The dimensions of a key; a bound may name the first one alone."""
        if key is None:
            return None, None
        one, _, two = key.partition(_SEPARATOR)
        return one, two or None

    def _pair(self, one: Partition, two: Partition) -> Partition:
        return Partition(f"{one.key}{_SEPARATOR}{two.key}", one.start, one.end)


def partitions_of(kept: Mapping[str, Any]) -> Partitions:
    """The partitions that `as_json` wrote."""
    if "first" in kept:
        return TwoDimensions(partitions_of(kept["first"]), partitions_of(kept["second"]))
    if "keys" in kept:
        return StaticPartitions(tuple(kept["keys"]))
    return TimePartitions(kept["every"], datetime.fromisoformat(kept["start"]), kept["timezone"])


def _start(start: str | datetime) -> datetime:
    return datetime.fromisoformat(start) if isinstance(start, str) else start


def hourly(start: str | datetime) -> TimePartitions:
    """An hour of UTC each, since the one that holds `start`; keys such as "2024-05-01T13"."""
    moment = _start(start)
    return TimePartitions("hour", moment if moment.tzinfo is None else moment.astimezone(UTC))


def daily(start: str | datetime, timezone: str = "UTC") -> TimePartitions:
    """A day each by clocks in a time zone, since the one that holds `start`; keys such as "2024-05-01"."""
    return TimePartitions("day", _start(start), timezone)


def weekly(start: str | datetime, timezone: str = "UTC") -> TimePartitions:
    """A week each from Monday by clocks in a time zone; keys are its Monday, such as "2024-04-29"."""
    return TimePartitions("week", _start(start), timezone)


def monthly(start: str | datetime, timezone: str = "UTC") -> TimePartitions:
    """A month each by clocks in a time zone, since the one that holds `start`; keys such as "2024-05"."""
    return TimePartitions("month", _start(start), timezone)


def static(*keys: str) -> StaticPartitions:
    """These keys, in their order.

    Raises:
        InvalidPartition: A key is empty, holds '|', or is there twice; or there is none.
    """
    return StaticPartitions(keys)


def product(first: Partitions, second: Partitions) -> TwoDimensions:
    """Every pair of two kinds of partitions, such as `product(daily("2024-01-01"), static("no", "se"))`.

    Raises:
        InvalidPartition: One of them has two dimensions itself, or the second is one of time.
    """
    return TwoDimensions(first, second)
