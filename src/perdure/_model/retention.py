"""How long results are kept."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from perdure._model.errors import DefinitionError
from perdure._platform.ages_and_sizes import parse_age, parse_size

RULE = 'an age, a number of runs, a size, or several of them, such as "30d", "10 runs" or "30d, 10 runs, 5 GiB"'
FOREVER = "forever"

_RUNS = re.compile(r"(\d+)\s*runs?")
_AGE_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SIZE_UNITS = {"TiB": 1024**4, "GiB": 1024**3, "MiB": 1024**2, "KiB": 1024, "B": 1}


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept; a result that breaks one of the limits is removed by `perdure result prune`.

    `age` is how old a result may become, `runs` how many of the newest runs of each flow keep their results, and
    `size` how many bytes the newest results may take together. Without any limit, results are kept for ever.

    Raises:
        DefinitionError: a limit is not what it has to be.
    """

    age: timedelta | None = None
    runs: int | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if self.age is not None and not (isinstance(self.age, timedelta) and self.age > timedelta(0)):
            raise DefinitionError(
                f"Retention(age={self.age!r}) must be a timedelta above 0, such as timedelta(days=30)."
            )
        for name, value, example in (("runs", self.runs, "10"), ("size", self.size, "5 * 1024**3 for 5 GiB")):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise DefinitionError(f"Retention({name}={value!r}) must be a whole number above 0, such as {example}.")

    @classmethod
    def of(cls, value: object) -> "Retention":
        """The retention that a timedelta (an age), or text such as "30d, 10 runs, 5 GiB" or "forever", stands for.

        Raises:
            DefinitionError: it stands for none.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, timedelta):
            return cls(age=value)
        if not isinstance(value, str):
            raise DefinitionError(f"{value!r} is no retention. Give {RULE}, a timedelta, or Retention(...).")
        if value.strip().lower() == FOREVER:
            return cls()
        limits: dict[str, Any] = {}
        for part in value.split(","):
            name, limit = _limit(part.strip(), value)
            if name in limits:
                raise DefinitionError(f"The retention {value!r} has two limits of the {name}. Give one.")
            limits[name] = limit
        return cls(**limits)

    def __str__(self) -> str:
        """Text that reads back to the same retention."""
        parts = [] if self.age is None else [_in_largest(self.age.total_seconds(), _AGE_UNITS, "")]
        if self.runs is not None:
            parts.append(f"{self.runs} run{'' if self.runs == 1 else 's'}")
        if self.size is not None:
            parts.append(_in_largest(self.size, _SIZE_UNITS, " "))
        return ", ".join(parts) or FOREVER

    def limits(self) -> dict[str, float | int]:
        """The limits as plain JSON values; the age in seconds."""
        age = None if self.age is None else self.age.total_seconds()
        limits = {"age": age, "runs": self.runs, "size": self.size}
        return {name: limit for name, limit in limits.items() if limit is not None}


def _limit(part: str, value: str) -> tuple[str, object]:
    if found := _RUNS.fullmatch(part):
        return "runs", int(found[1])
    with suppress(ValueError):
        return "age", timedelta(microseconds=parse_age(part))
    with suppress(ValueError):
        if not part.isdigit():  # of what, nobody could tell
            return "size", parse_size(part)
    raise DefinitionError(f"{part!r} in the retention {value!r} is no limit. Give {RULE}; {FOREVER!r} sets none.")


def _in_largest(amount: float, units: dict[str, int], space: str) -> str:
    unit = next((unit for unit, size in units.items() if amount % size == 0), None)
    if unit is None:
        return f"{amount:f}{space}{list(units)[-1]}"
    return f"{amount // units[unit]:.0f}{space}{unit}"
