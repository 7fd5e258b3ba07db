"""Time zones: from a local time to the instant it names, and back. Instants are aware datetimes in UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from perdure._model.errors import InvalidSchedule

_MINUTE = timedelta(minutes=1)


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name such as "Europe/Oslo".

    Raises:
        InvalidSchedule: There is no zone of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidSchedule(
            f"There is no time zone named {name!r}. Use a name of the IANA database, such as 'Europe/Oslo' or 'UTC'."
        ) from error


def local_at(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show at an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks in the zone first show a local time; if they skip it, the end of the gap."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local_at(instant, zone) == local:
        return instant
    # In a gap, fold 0 counts with the offset before it and fold 1 with the one after it: the gap's end is between them.
    other = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first_with_other_offset(min(instant, other) - _MINUTE, max(instant, other) + _MINUTE, zone)


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clocks are ahead of UTC at an instant."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo has one at each time
    return offset


def first_with_other_offset(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `start` at which the offset is not as at `start`; `end` must have another one.

    There must be one transition between them: zones have none closer than a day to each other since 2020.
    """
    before = offset_at(start, zone)
    low, high = start, end
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
    return high
