"""Ages and sizes as people write them: `30d`, `90 minutes`, `10MiB`, `1.5 GB`."""

import math
import re

from perdure._platform.clock import Micros

_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)\s*", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WORDS = {
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "min": "m",
    "mins": "m",
    "minute": "m",
    "minutes": "m",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "week": "w",
    "weeks": "w",
}
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LONGEST = 1_000 * 366 * 86_400  # seconds: a time so long from now is still a date
_LARGEST = 2**63 - 1  # bytes: what a database can count
_SIZE_UNIT = re.compile(r"([kmgt]?)(i?)b?")


def parse_age(text: str) -> Micros:
    """A span of time in microseconds: a number with s, m, h, d or w, such as `30d`.

    Raises:
        ValueError: the text is not one; its message names it, the rule and the mend.
    """
    match = _AMOUNT.fullmatch(text)
    unit = "" if match is None else match[2].lower()
    seconds = _SECONDS.get(_WORDS.get(unit, unit))
    if match is None or seconds is None:
        raise ValueError(
            f"{_shown(text)} is no age. Write a number with s, m, h, d or w: '90s', '30m', '12h', '30d' or '8w'."
        )
    span = float(match[1]) * seconds
    if span > _LONGEST:
        raise ValueError(
            f"{_shown(text)} is no age: it is longer than 1,000 years. Write a shorter one, such as '30d'."
        )
    return round(span * 1_000_000)


def time_ago(text: str, now: Micros) -> Micros:
    """The time that was so long before now, and not before 1970: nothing is older.

    Raises:
        ValueError: the text is no age; its message names it, the rule and the mend.
    """
    return max(0, now - parse_age(text))


def parse_size(text: str) -> int:
    """A number of bytes: `10MiB` and `10M` count by 1,024, `10MB` by 1,000.

    Raises:
        ValueError: the text is not one; its message names it, the rule and the mend.
    """
    match = _AMOUNT.fullmatch(text)
    unit = None if match is None else _SIZE_UNIT.fullmatch(match[2].lower())
    if match is None or unit is None or (unit[2] and not unit[1]):
        raise ValueError(
            f"{_shown(text)} is no size. Write a number of bytes, or one with a unit: '500', '10MiB' or '1.5GB'."
        )
    decimal = unit[1] and not unit[2] and match[2].lower().endswith("b")
    base = 1_000 if decimal else 1_024
    size = float(match[1]) * math.pow(base, _POWERS[unit[1]])
    if size >= _LARGEST:
        raise ValueError(f"{_shown(text)} is no size: it is 8 EiB or more. Write a smaller one, such as '10MiB'.")
    return round(size)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}…"
