"""Results that were made long after their run's id was, or before it.

A run's id begins with the time of its making, and all lists are sorted by it. So what was made in a span of time is
found by a span of ids and, of the few results that are askew, by an index of their own.
"""

from perdure.core.clock import Micros
from perdure.core.ids import id_at

SKEW = 600_000_000  # microseconds
_LAST = ((1 << 48) - 1) * 1_000


def is_askew(run_id: str, made: Micros) -> bool:
    """Whether the time in the run's id is not about that time."""
    try:
        return abs(int(run_id[:8] + run_id[9:13], 16) * 1_000 - made) > SKEW
    except ValueError:  # not an id of Perdure's making
        return True


def ids_since(time: Micros) -> str:
    """What ids of runs begin with that were made at the time, or little earlier."""
    return _id_at(time - SKEW)


def ids_until(time: Micros) -> str:
    """What ids of runs begin with that were made at the time, or little later."""
    return _id_at(time + SKEW)


def _id_at(time: Micros) -> str:
    return id_at(min(max(time, 0), _LAST))
