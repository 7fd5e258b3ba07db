"""Results that were made long after their run's id was, or before it.

A run's id begins with the time of its making, and all lists are sorted by it. So what was made in a span of time is
found by a span of ids and, of the few whose clocks differed, by an index of their own.
"""

from functools import lru_cache

from perdure._platform.clock import Micros
from perdure._platform.ids import id_at

SKEW = 600_000_000  # microseconds
_LAST = ((1 << 48) - 1) * 1_000


def is_clock_skewed(run_id: str, made: Micros) -> bool:
    """Whether the time in the run's id is not about that time."""
    time = _time_in(run_id[:13])
    return time is None or abs(time - made) > SKEW


@lru_cache(maxsize=100)
def _time_in(beginning: str) -> Micros | None:
    """When an id that begins so was made, to the millisecond; None if it is not of Perdure's making."""
    try:
        return int(beginning[:8] + beginning[9:], 16) * 1_000
    except ValueError:
        return None


def ids_since(time: Micros) -> str:
    """What ids of runs begin with that were made at the time, or little earlier."""
    return _id_at(time - SKEW)


def ids_until(time: Micros) -> str:
    """What ids of runs begin with that were made at the time, or little later."""
    return _id_at(time + SKEW)


def _id_at(time: Micros) -> str:
    return id_at(min(max(time, 0), _LAST))
