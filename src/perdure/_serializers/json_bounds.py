"""What JSON's tags may hold, so that reading one takes about as much work as it has characters.

A few characters can stand for very much: `1e99999999` for a fraction of a hundred million digits, `range(10**12)` for
all its numbers once a list is made of it. Nothing that was written here needs that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, TypeVar

_FRACTION = re.compile(r"[+-]?\d+(/\d+)?")
_MOST_DIGITS = 4300  # of an integer: what Python itself reads by default
_MOST_PATTERN = 64 * 1024  # characters
# In a set of letters whatever their case, the compiler looks at each letter of a span.
_END = r"(\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\N\{[^}]*\}|\\[0-7]{1,3}|[^\\])"
_SPAN = re.compile(f"{_END}-{_END}", re.DOTALL)
_MOST_SPANNED = 64 * 1024  # letters in a pattern, and a few more for each of its characters
_MOST_ALIKE = 200  # items of a set or keys of a dict with one hash; numbers can be made to have the same


def text(data: object) -> str:
    """The data of a tag that holds a text; raises TypeError otherwise."""
    if type(data) is not str:
        raise TypeError("a text is expected")
    return data


def items(data: object) -> list[Any]:
    """The data of a tag that holds a list; raises TypeError otherwise."""
    if type(data) is not list:
        raise TypeError("a list is expected")
    return data


def mapping(data: object) -> dict[str, object]:
    """The data of a tag that holds a dict with names as keys; raises TypeError otherwise."""
    if type(data) is not dict or not all(type(key) is str for key in data):
        raise TypeError("a dict of names is expected")
    return data


def hashable(data: object) -> list[object]:
    """The items of a set; raises ValueError if too many of them were made to have one hash."""
    values = items(data)
    _check_hashes(values)
    return values


def pairs(data: object) -> list[list[Any]]:
    """The items of a dict, as lists of two; raises ValueError as `hashable` does."""
    values = items(data)
    _check_hashes([key for key, _ in values])
    return values


def _check_hashes(values: list[object]) -> None:
    if len(values) > _MOST_ALIKE and max(Counter(map(hash, values)).values()) > _MOST_ALIKE:
        raise ValueError(f"more than {_MOST_ALIKE} of its items have the same hash")


def fraction(data: Any) -> Fraction:
    """A fraction of whole numbers, as `str` writes it; exponents are not read."""
    if not _FRACTION.fullmatch(text(data)):
        raise ValueError("a fraction is written as whole numbers, such as 3/4")
    return Fraction(data)


R = TypeVar("R")


def number(kind: Callable[[Any], R]) -> Callable[[object], R]:
    """Reads a number from a text or another plain number; raises TypeError for all else, ValueError if it is long."""

    def read(data: object) -> R:
        if type(data) not in (str, int, float, bool):
            raise TypeError("a number is expected")
        if type(data) is str and len(data) > _MOST_DIGITS:
            raise ValueError(f"it has more than {_MOST_DIGITS} digits")
        return kind(data)

    return read


def pattern(data: object, flags: int) -> re.Pattern[Any]:
    """A regular expression that takes no longer to compile than its length warrants, and prints nothing."""
    source = data.decode("latin-1") if isinstance(data, bytes) else text(data)
    if type(flags) is not int or flags & re.DEBUG or len(source) > _MOST_PATTERN:
        raise ValueError(f"a pattern has at most {_MOST_PATTERN} characters, and flags that print nothing")
    if _spanned(_SPAN.findall(source)) > _MOST_SPANNED + 16 * len(source):
        raise ValueError("its sets of letters span too many")
    return re.compile(data, flags)


def _spanned(spans: Iterable[tuple[str, str]]) -> int:
    return sum(max(0, _code_of(end, 0x10FFFF) - _code_of(begin, 0)) for begin, end in spans)


def _code_of(letter: str, unknown: int) -> int:
    if len(letter) == 1:
        return ord(letter)
    if letter[1] == "N":
        return unknown
    return int(f"0o{letter[1:]}" if letter[1].isdigit() else f"0x{letter[2:]}", base=0)
