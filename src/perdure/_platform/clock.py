"""Time, as one thing that tests can replace.

Times are whole microseconds since the Unix epoch, UTC: exact, sortable, and cheap in Python and SQL.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

Micros = Annotated[int, "time"]  # the word says what a record's field holds: see `_model.fields`
Clock = Callable[[], Micros]

LONGEST_WAIT = 3_155_760_000.0  # seconds, a hundred years: clocks and timers of all systems reach as far
LAST_TIME = 253_402_300_799_000_000  # microseconds: the end of the year 9999, as far as `datetime` reaches

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> Micros:
    """Now, by the machine's clock."""
    return time.time_ns() // 1_000


def to_datetime(micros: Micros) -> datetime:
    """The aware UTC datetime of a time."""
    return _EPOCH + timedelta(microseconds=micros)


def from_datetime(when: datetime) -> Micros:
    """The reverse; a datetime without a time zone is taken for one in UTC."""
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
