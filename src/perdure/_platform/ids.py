"""Run ids: time-ordered UUIDs, made without a system call each.

The layout is UUID version 7 with a counter after the milliseconds (RFC 9562, section 6.2, method 1) and a part
that is random for each process: the database's indices grow at their end, the first 18 characters tell the ids
of one process apart, and an id costs less than half of a `uuid4`.
"""

import os
import threading
import time
from typing import TYPE_CHECKING

from perdure._platform.clock import Micros
from perdure._platform.lazy_import import LazyModule

if TYPE_CHECKING:
    import uuid
else:  # it imports `platform`, and the two take as long as fifteen of Perdure's modules
    uuid = LazyModule("uuid")

_VARIANT = 0b10 << 62
_LAST_COUNT = 0xFFF
_OF_TEXTS = "6d4f6f0e-3f0b-4f0f-9a52-8f7f6cf3a5d1"  # the namespace of ids of texts; never to be changed


class _Sequence:
    """Milliseconds that never go back, and a count within each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = 0
        self._count = 0
        self._beginning = ""  # of the ids of this millisecond, up to their version
        process = f"{int.from_bytes(os.urandom(8), 'big') >> 2 | _VARIANT:016x}"
        self._end = f"-{process[:4]}-{process[4:]}"

    def next(self) -> str:
        now = time.time_ns() // 1_000_000
        with self._lock:
            if now <= self._ms and self._count < _LAST_COUNT:
                self._count += 1
            else:
                self._ms, self._count = max(now, self._ms + 1), 0
                text = f"{self._ms:012x}"
                self._beginning = f"{text[:8]}-{text[8:]}-7"
            return f"{self._beginning}{self._count:03x}{self._end}"


_sequence = _Sequence()


def _reseed_after_fork() -> None:
    global _sequence
    _sequence = _Sequence()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reseed_after_fork)


def new_id() -> str:
    """A new run id, such as `0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21`; ids of one process sort by age."""
    return _sequence.next()


def id_of(text: str) -> str:
    """An id that is always the same for a text, and for no other."""
    return str(uuid.uuid5(uuid.UUID(_OF_TEXTS), text))


def is_dated(id: str) -> bool:
    """Whether an id has the time of its making in it, as all of Perdure's have."""
    return id[14:15] == "7"


def dated_id(id: str, created: Micros) -> str:
    """The id of something that another system made at a time, and gave a random id: the same end, after the time.

    So what came from there is sorted by age as well, and found by the whole of its old id.
    """
    if is_dated(id):
        return id
    ms = min(max(created // 1_000, 0), (1 << 48) - 1)
    text = f"{ms:012x}"
    return f"{text[:8]}-{text[8:]}-7{id[15:]}"


def exactly_dated_id(id: str, created: Micros) -> str:
    """The same of a random id, by which things of one millisecond are sorted by age, too (RFC 9562, 6.2, method 3)."""
    dated = dated_id(id, created)
    return f"{dated[:15]}{created % 1_000 * 4_096 // 1_000:03x}{dated[18:]}"


_ORDER_BITS, _END_BITS = 38, 24
_MOST_LATER = (1 << _ORDER_BITS - 1) - 1  # microseconds: 38 hours


def ordered_id(time: Micros, later: Micros, end: int) -> str:
    """The id of something that happened at a time: sorted by the microsecond, as `exactly_dated_id`, and within one by
    how much later it came to be known, up to 38 hours in either direction. The same for the same numbers.

    Of `end`, which distinguishes what came at once, the low 24 bits count.
    """
    order = min(max(later, -_MOST_LATER), _MOST_LATER) + _MOST_LATER
    number = order << _END_BITS | end & (1 << _END_BITS) - 1 | _VARIANT
    text = f"{number:016x}"
    return exactly_dated_id(f"00000000-0000-4000-{text[:4]}-{text[4:]}", max(time, 0))


def is_id(text: str) -> bool:
    """Whether `text` is a UUID in its canonical form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def id_at(time: Micros) -> str:
    """What ids made at a time, in microseconds, begin with: those made before it sort before it."""
    text = f"{time // 1_000:012x}"
    return f"{text[:8]}-{text[8:]}"
