"""JSON for others, which has no form for some numbers: NaN and infinities are the texts "NaN", "Infinity", "-Infinity".

Python writes them as they are, which is no JSON; other libraries write null, by which they are lost.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["dumps", "loads", "name_of", "named"]

_HUGE = re.compile(r"[eE]\+?\d{3}|\d{300}")  # a number that may be infinite for Python


def dumps(value: object, **options: Any) -> str:
    """A value as JSON, with the options of `json.dumps`. Raises what that raises."""
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        return json.dumps(named(value), allow_nan=False, **options)


def loads(text: str) -> Any:
    """What JSON says; numbers that it cannot hold, or that are too large for Python, by their names."""
    return json.loads(text, parse_constant=str, parse_float=_number if _HUGE.search(text) else None)


def named(value: object) -> object:
    """A value made of dicts, lists and tuples, with names in the place of numbers that JSON has no form for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else name_of(value)
    if isinstance(value, Mapping):
        return {key: named(each) for key, each in value.items()}
    return [named(each) for each in value] if isinstance(value, list | tuple) else value


def name_of(value: float) -> str:
    """The name of NaN, or of an infinity."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _number(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else name_of(value)
